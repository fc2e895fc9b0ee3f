//! Passwords as they enter OPAQUE: PRECIS OpaqueString (RFC 8265 §4), so that
//! one typed on another keyboard, composed or not, is the same.

use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use zeroize::Zeroizing;

use crate::error::{ClientError, Result};

/// Prepares a password.
///
/// # Errors
/// [`ClientError::Misuse`] for an empty one, or characters no password can have.
pub(super) fn prepare(password: &str) -> Result<Zeroizing<Vec<u8>>> {
    OpaqueString::enforce(password)
        .map(|prepared| Zeroizing::new(prepared.into_owned().into_bytes()))
        .map_err(|_| ClientError::misuse("a password cannot be empty or hold control characters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_password_are_one() {
        let composed = prepare("caf\u{e9} 12345").unwrap();
        assert_eq!(composed, prepare("cafe\u{301} 12345").unwrap());
        assert_ne!(composed, prepare("CAF\u{c9} 12345").unwrap());
        assert!(prepare("").is_err());
        assert!(prepare("a\u{7}b").is_err());
    }
}
