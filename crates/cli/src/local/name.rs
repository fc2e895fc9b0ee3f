//! Names that may become local files, and the name of an unfinished one.

/// Ends the name of a file that is not complete or not checked.
const PART: &str = ".svpart";
/// Bytes of a name that common file systems take.
const NAME_MAX: usize = 255;

/// Why a name cannot be a local file's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsafeName {
    /// It would lead somewhere else.
    #[error("its name would lead to another folder")]
    Escapes,
    /// The system gives it another meaning.
    #[error("its name means something else on this system")]
    Reserved,
    /// It has a character that this system's names cannot have.
    #[error("its name has a character that is not allowed on this system")]
    Forbidden,
}

/// Whether a vault's name can be written to this system's disk as one path
/// component. The vault's own rules should see to most of it; a download does
/// not rely on them.
///
/// # Errors
/// [`UnsafeName`].
pub fn check_name(name: &str) -> Result<(), UnsafeName> {
    check_common(name)?;
    if cfg!(windows) {
        check_windows(name)
    } else {
        Ok(())
    }
}

fn check_common(name: &str) -> Result<(), UnsafeName> {
    if name.is_empty() || name == "." || name == ".." || name.contains('/') {
        return Err(UnsafeName::Escapes);
    }
    if name.contains('\0') {
        return Err(UnsafeName::Forbidden);
    }
    Ok(())
}

fn check_windows(name: &str) -> Result<(), UnsafeName> {
    if name.contains('\\') {
        return Err(UnsafeName::Escapes);
    }
    let forbidden = |c: char| c < ' ' || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*');
    if name.contains(forbidden) || name.ends_with(['.', ' ']) {
        return Err(UnsafeName::Forbidden);
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let upper = stem.to_ascii_uppercase();
    let numbered = |prefix: &str| {
        upper.strip_prefix(prefix).is_some_and(|rest| {
            matches!(rest.chars().next(), Some('0'..='9' | '¹' | '²' | '³'))
                && rest.chars().count() == 1
        })
    };
    let is_device = matches!(
        upper.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) || numbered("COM")
        || numbered("LPT");
    if is_device {
        Err(UnsafeName::Reserved)
    } else {
        Ok(())
    }
}

/// The unfinished `report.pdf` as `.report.pdf.MARK.svpart`: a name that is
/// nobody else's, for the mark is random. One that would become too long is cut.
pub fn part_name(name: &str, mark: &str) -> String {
    let room = NAME_MAX.saturating_sub(mark.len() + PART.len() + 2);
    let start = name.get(..name.floor_char_boundary(room));
    format!(".{}.{mark}{PART}", start.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_elsewhere() {
        for escape in ["", ".", "..", "a/b", "/etc"] {
            assert_eq!(check_name(escape), Err(UnsafeName::Escapes), "{escape:?}");
        }
        assert_eq!(check_name("a\0"), Err(UnsafeName::Forbidden));
        for fine in ["...", "-rf", " a ", "ü", "..a"] {
            assert_eq!(check_common(fine), Ok(()));
        }
    }

    #[test]
    fn what_windows_takes_for_something_else() {
        for device in ["con", "NUL.txt", "Com1", "lpt9.tar.gz", "AUX ", "COM¹"] {
            assert!(check_windows(device).is_err(), "{device}");
        }
        for odd in ["a:b", "a?", "a.", "a ", "..\\x", "a\tb"] {
            assert!(check_windows(odd).is_err(), "{odd}");
        }
        for fine in ["console", "com10", "a.b", ".hidden", "COMB"] {
            assert_eq!(check_windows(fine), Ok(()), "{fine}");
        }
    }

    #[test]
    fn the_longest_name_can_be_unfinished_too() {
        assert_eq!(part_name("a.txt", "01ef"), ".a.txt.01ef.svpart");
        let long = part_name(&"ü".repeat(127), &"0".repeat(16));
        assert!(long.len() <= NAME_MAX && long.len() > NAME_MAX - 2);
    }
}
