//! The vectors of the Fernet specification, as its authors publish them
//! (github.com/fernet/spec): `fernet-generate.json`, `fernet-verify.json` and
//! `fernet-invalid.json`.

use serde_json::Value;

use crate::error::FernetError;
use crate::fernet::{FernetKeys, TokenWriter, Verifier, open_token};
use crate::secret::FernetKey;

const GENERATE: &str = include_str!("../../../../docs/spec/vectors/fernet-generate.json");
const VERIFY: &str = include_str!("../../../../docs/spec/vectors/fernet-verify.json");
const INVALID: &str = include_str!("../../../../docs/spec/vectors/fernet-invalid.json");

/// Runs every case and says how many there were.
pub(super) fn run() -> Result<usize, String> {
    let mut count = 0;
    for (file, text, check) in [
        ("fernet-generate.json", GENERATE, generate as Check),
        ("fernet-verify.json", VERIFY, verify),
        ("fernet-invalid.json", INVALID, invalid),
    ] {
        let cases: Vec<Value> = serde_json::from_str(text).map_err(|e| format!("{file}: {e}"))?;
        for (index, case) in cases.iter().enumerate() {
            check(case).map_err(|why| format!("{file}, case {index}: {why}"))?;
            count += 1;
        }
    }
    Ok(count)
}

type Check = fn(&Value) -> Result<(), String>;

fn generate(case: &Value) -> Result<(), String> {
    let iv = case["iv"].as_array().into_iter().flatten();
    let iv: Vec<u8> = iv
        .filter_map(|byte| byte.as_u64()?.try_into().ok())
        .collect();
    let iv = iv.try_into().map_err(|_| "iv has another length")?;
    let mut token = Vec::new();
    let mut writer = TokenWriter::with_iv(&key(case)?, now(case)?, &iv).map_err(text_of)?;
    writer
        .push(text(case, "src").as_bytes(), &mut token)
        .map_err(text_of)?;
    writer.finish(&mut token).map_err(text_of)?;
    if token == text(case, "token").as_bytes() {
        Ok(())
    } else {
        Err("another token".to_owned())
    }
}

fn verify(case: &Value) -> Result<(), String> {
    let opened = open(case)?.map_err(text_of)?;
    if opened == text(case, "src").as_bytes() {
        Ok(())
    } else {
        Err("another plaintext".to_owned())
    }
}

fn invalid(case: &Value) -> Result<(), String> {
    let expected = match text(case, "desc") {
        "invalid base64" => FernetError::NotAToken,
        "far-future TS (unacceptable clock skew)" => FernetError::FromTheFuture,
        "expired TTL" => FernetError::Expired,
        // One error, whatever is wrong: an oracle would tell them apart.
        _ => FernetError::Tampered,
    };
    match open(case)? {
        Err(error) if error == expected => Ok(()),
        Err(error) => Err(format!("{error:?} instead of {expected:?}")),
        Ok(_) => Err("opened".to_owned()),
    }
}

/// Opens a case's token at its time, with its greatest age.
fn open(case: &Value) -> Result<Result<Vec<u8>, FernetError>, String> {
    let (now_s, keys) = (now(case)?, FernetKeys::from(key(case)?));
    let ttl_s = case["ttl_sec"].as_u64().ok_or("no ttl_sec")?;
    let token = text(case, "token").as_bytes();
    let opened = || {
        let mut verifier = Verifier::new(&keys);
        verifier.push(token)?;
        verifier.finish()?.check_age(ttl_s, now_s)?;
        Ok(open_token(&keys, token)?.to_vec())
    };
    Ok(opened())
}

fn key(case: &Value) -> Result<FernetKey, String> {
    FernetKey::parse(text(case, "secret")).map_err(text_of)
}

fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap_or_default()
}

fn text_of(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// `1985-10-26T01:20:00-07:00` as Unix seconds.
fn now(case: &Value) -> Result<u64, String> {
    let text = text(case, "now");
    let number = |range: std::ops::Range<usize>| -> Result<i64, String> {
        let digits = text.get(range).ok_or("time is cut")?;
        digits.parse().map_err(|_| format!("{digits} in a time"))
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    // Days since 1970-01-01, counting years from March.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    let offset = 3600 * number(19..22)? + 60 * number(23..25)?;
    let seconds = 3600 * number(11..13)? + 60 * number(14..16)? + number(17..19)?;
    u64::try_from(86_400 * days + seconds - offset).map_err(|_| "before 1970".to_owned())
}
