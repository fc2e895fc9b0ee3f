//! The second factor: time-based one-time codes (RFC 6238: SHA-1, 6 digits,
//! 30 s). The code of this step and of the one before are good, so that a
//! code typed at the turn still counts; a step that was used never is again,
//! which the store decides with one conditional update.

use totp_rs::{Algorithm, Builder, Secret, Totp};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::secrets::random;

/// Milliseconds of one step.
const STEP_MS: u64 = 30_000;
const DIGITS: u8 = 6;

/// What server and authenticator share.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct TotpSecret([u8; 20]);

impl TotpSecret {
    pub(crate) fn generate() -> Self {
        Self(random())
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn expose(&self) -> &[u8; 20] {
        &self.0
    }

    /// The secret in base32, as people type it.
    pub(crate) fn base32(&self) -> String {
        data_encoding::BASE32_NOPAD.encode(&self.0)
    }

    /// The secret for a QR code. `None` for an account or service name that
    /// the format has no room for.
    pub(crate) fn otpauth_uri(&self, account: &str, service: &str) -> Option<String> {
        self.builder()
            .with_issuer(Some(service))
            .with_account_name(account)
            .build()
            .ok()?
            .to_url()
            .ok()
    }

    /// The step whose code this is: the one of `now_ms` or the one before.
    pub(crate) fn step_of(&self, code: &str, now_ms: u64) -> Option<u64> {
        let now = now_ms / STEP_MS;
        let totp = self.builder().build_noncompliant();
        // Both are always computed, so the time taken does not tell which fits.
        let steps = [now, now.saturating_sub(1)];
        let [this, before] = steps.map(|step| is_code(&totp, code, step).then_some(step));
        this.or(before)
    }

    fn builder(&self) -> Builder {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(DIGITS)
            .with_skew(0)
            .with_step_duration(STEP_MS / 1000)
            .with_secret(Secret::new_stack(self.0))
    }
}

fn is_code(totp: &Totp, code: &str, step: u64) -> bool {
    totp.check(code, step * (STEP_MS / 1000)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, the SHA-1 rows; the last six of its eight digits.
    const RFC_6238: [(u64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    #[test]
    fn codes_are_those_of_rfc_6238() {
        let secret = TotpSecret(*b"12345678901234567890");
        for (seconds, code) in RFC_6238 {
            assert_eq!(secret.step_of(code, seconds * 1000), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_is_good_for_two_steps_and_never_early() {
        let secret = TotpSecret(*b"12345678901234567890");
        let accepted = |seconds: u64| secret.step_of("287082", seconds * 1000);
        assert_eq!(accepted(29), None);
        assert_eq!(accepted(30), Some(1));
        assert_eq!(accepted(89), Some(1));
        assert_eq!(accepted(90), None);
    }

    #[test]
    fn only_six_digits_are_a_code() {
        let secret = TotpSecret(*b"12345678901234567890");
        for code in ["", "28708", "2870822", "+87082", "28708２", "287082 "] {
            assert_eq!(secret.step_of(code, 59_000), None, "{code:?}");
        }
    }

    #[test]
    fn the_uri_names_everything_an_authenticator_needs() {
        let secret = TotpSecret(*b"12345678901234567890");
        let uri = secret.otpauth_uri("zoë", "SecureVault").unwrap();
        assert!(uri.starts_with("otpauth://totp/"), "{uri}");
        assert!(
            uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
            "{uri}"
        );
        assert!(uri.contains("issuer=SecureVault"), "{uri}");
    }
}
