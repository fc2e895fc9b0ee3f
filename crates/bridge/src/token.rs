//! What Fernet tokens are called, and keys as people paste them.

/// Ends the name of a token.
pub const TOKEN_ENDING: &str = ".token";
/// How the Django application ended the names of its raw downloads.
const OLD_ENDING: &str = "_encrypted.bin";

/// What a token's file is called without its ending.
pub fn without_token_ending(name: &str) -> &str {
    let stem = [TOKEN_ENDING, OLD_ENDING]
        .iter()
        .find_map(|ending| name.strip_suffix(ending));
    stem.filter(|stem| !stem.is_empty()).unwrap_or(name)
}

/// Keys of a text, one a line; empty lines and those after `#` say nothing.
pub fn key_lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_go_and_names_stay() {
        for (name, left) in [
            ("a.pdf.token", "a.pdf"),
            ("a.pdf_encrypted.bin", "a.pdf"),
            (".token", ".token"),
            ("_encrypted.bin", "_encrypted.bin"),
            ("a.token.token", "a.token"),
        ] {
            assert_eq!(without_token_ending(name), left);
        }
    }

    #[test]
    fn keys_stand_on_lines() {
        let text = "\u{20}one=\r\n\n# of the year before\ntwo=\n";
        assert_eq!(key_lines(text).collect::<Vec<_>>(), ["one=", "two="]);
        assert_eq!(key_lines(" \n#").count(), 0);
    }
}
