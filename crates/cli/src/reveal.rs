//! Showing secrets to the one person who must see them: the second factor,
//! the recovery key and the backup codes.

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use sv_api::account::TotpSetup;
use sv_client::port::Platform;

use crate::ask;
use crate::failure::Result;
use crate::output::Output;
use crate::platform::NativePlatform;

/// Words of the recovery key that are asked back.
const ASKED: usize = 2;

/// The second factor as a QR code and as text.
pub fn totp(setup: &TotpSetup) -> String {
    let code = qr(&setup.otpauth_uri).unwrap_or_default();
    format!(
        "Scan this with an authenticator app:\n\n{code}\nor type the secret in: {}\n       {}\n",
        setup.secret, setup.otpauth_uri
    )
}

/// The recovery key, numbered so that it is written down in order.
pub fn recovery_key(words: &str) -> String {
    let words: Vec<String> = words
        .split_whitespace()
        .enumerate()
        .map(|(index, word)| format!("{:>2} {word:<10}", index + 1))
        .collect();
    let rows: Vec<String> = words
        .chunks(4)
        .map(|row| format!("  {}", row.join("  ").trim_end()))
        .collect();
    format!(
        "Recovery key: the only way back in if the password is forgotten. Write it down now, \
         on paper;\nit is not shown again.\n\n{}\n",
        rows.join("\n")
    )
}

/// The backup codes, two in a row.
pub fn backup_codes(codes: &[String]) -> String {
    let rows: Vec<String> = codes
        .chunks(2)
        .map(|pair| format!("  {}", pair.join("    ")))
        .collect();
    format!(
        "Backup codes, for when the authenticator is lost. Each works once.\n\n{}\n",
        rows.join("\n")
    )
}

/// Asks for some of the words again, until they are right.
///
/// # Errors
/// Those of asking.
pub fn retype(out: &Output, platform: &NativePlatform, words: &str) -> Result {
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut asked = Vec::new();
    while asked.len() < ASKED.min(words.len()) {
        let [random] = platform.random_bytes::<1>();
        // 256 is no multiple of 24; which words are asked is no secret.
        let index = usize::from(random) % words.len();
        if !asked.contains(&index) {
            asked.push(index);
        }
    }
    for index in asked {
        loop {
            let question = format!("To be sure that it is written down, word {}: ", index + 1);
            let typed = ask::line(&question)?;
            if words
                .get(index)
                .is_some_and(|word| typed.trim().eq_ignore_ascii_case(word))
            {
                break;
            }
            out.warn("That is another word. Look it up in what was written down.");
        }
    }
    Ok(())
}

/// Light on dark, by colours of its own, so that a phone can read it on any
/// terminal.
pub fn qr(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    let drawn = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .quiet_zone(true)
        .build();
    let lines = drawn
        .lines()
        .map(|line| format!("\u{1b}[97;40m{line}\u{1b}[0m\n"));
    Some(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qr_code_is_square_enough() {
        let drawn = qr("otpauth://totp/SecureVault:alice?secret=ABC&issuer=SecureVault").unwrap();
        let lines: Vec<&str> = drawn.lines().collect();
        let width = lines[0].chars().filter(|c| " █▀▄".contains(*c)).count();
        assert!(lines.len() * 2 >= width && lines.len() * 2 <= width + 1);
    }

    #[test]
    fn words_are_numbered() {
        let shown = recovery_key(&vec!["zoo"; 24].join(" "));
        assert!(shown.contains(" 1 zoo") && shown.contains("24 zoo"));
    }
}
