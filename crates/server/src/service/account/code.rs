//! Codes that people copy by hand: backup codes, reset codes, invitations.
//! Sixteen characters of Crockford's base32, 80 bits, in groups of four.

use crate::secrets::random;

/// No I, L, O or U, which are misread or misheard.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_LEN: usize = 16;
const GROUP_LEN: usize = 4;

/// Backup codes of one account.
pub(crate) const BACKUP_CODES: usize = 10;

/// A code in its one form: sixteen characters of the alphabet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Code([u8; CODE_LEN]);

/// What a person gave as second factor.
pub(crate) enum GivenCode {
    /// Six digits from an authenticator.
    Totp(String),
    /// A backup or reset code.
    Backup(Code),
}

impl Code {
    pub(crate) fn generate() -> Self {
        let bits = random::<CODE_LEN>();
        Self(bits.map(|byte| symbol(byte & 31)))
    }

    /// Reads what a person typed: any case, any grouping, and I, L, O for
    /// the digits they look like.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let symbols: Vec<u8> = text
            .bytes()
            .filter(|b| !matches!(b, b'-' | b' '))
            .map(|b| match b.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            })
            .collect();
        let all_known = symbols.iter().all(|b| ALPHABET.contains(b));
        let symbols = symbols.try_into().ok()?;
        all_known.then_some(Self(symbols))
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; CODE_LEN] {
        &self.0
    }
}

/// In groups, as it is shown.
impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, group) in self.0.chunks(GROUP_LEN).enumerate() {
            let dash = if i == 0 { "" } else { "-" };
            write!(f, "{dash}{}", String::from_utf8_lossy(group))?;
        }
        Ok(())
    }
}

impl GivenCode {
    /// Tells a one-time code from a backup code by its form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit()) {
            return Some(Self::Totp(digits));
        }
        Code::parse(text).map(Self::Backup)
    }
}

fn symbol(five_bits: u8) -> u8 {
    ALPHABET
        .get(usize::from(five_bits))
        .copied()
        .unwrap_or(b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_survives_being_copied_by_hand() {
        let code = Code::generate();
        let shown = code.to_string();
        assert_eq!(shown.len(), CODE_LEN + 3);
        assert!(Code::parse(&shown) == Some(code.clone()));
        assert!(Code::parse(&shown.to_lowercase().replace('-', " ")) == Some(code));
        assert!(Code::parse("OIL0-0000-0000-0000") == Code::parse("0110000000000000"));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in [
            "",
            "123",
            "UUUU-UUUU-UUUU-UUUU",
            "0000-0000-0000-00000",
            "é000000000000000",
        ] {
            assert!(Code::parse(text).is_none(), "{text}");
        }
        assert!(matches!(GivenCode::parse("123 456"), Some(GivenCode::Totp(c)) if c == "123456"));
        assert!(GivenCode::parse("12345").is_none());
    }

    #[test]
    fn codes_use_the_whole_alphabet() {
        let seen: std::collections::BTreeSet<u8> =
            (0..200).flat_map(|_| Code::generate().0).collect();
        assert_eq!(seen.len(), ALPHABET.len());
    }
}
