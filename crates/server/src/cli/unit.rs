//! Durations and sizes as people write them.

/// Milliseconds of `30m`, `12h` or `7d`.
pub(crate) fn parse_duration_ms(text: &str) -> Result<u64, String> {
    const MINUTE_MS: u64 = 60 * 1000;
    let units = [
        ("m", MINUTE_MS),
        ("h", 60 * MINUTE_MS),
        ("d", 24 * 60 * MINUTE_MS),
    ];
    parse(text, &units).ok_or_else(|| "write a duration as 30m, 12h or 7d".to_owned())
}

/// Bytes of `500MB` or `10GiB`; `none` is no limit.
pub(crate) fn parse_size(text: &str) -> Result<Option<u64>, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    let units = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("B", 1),
    ];
    parse(text, &units)
        .map(Some)
        .ok_or_else(|| "write a size as 500MB or 10GiB, or none for no limit".to_owned())
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, unit) = units.iter().find_map(|(suffix, unit)| {
        let at = text.len().checked_sub(suffix.len())?;
        let (number, tail) = text.split_at_checked(at)?;
        tail.eq_ignore_ascii_case(suffix).then_some((number, unit))
    })?;
    number.trim().parse::<u64>().ok()?.checked_mul(*unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_as_written() {
        assert_eq!(parse_duration_ms("7d"), Ok(7 * 24 * 60 * 60 * 1000));
        assert_eq!(parse_duration_ms("30m"), Ok(30 * 60 * 1000));
        assert_eq!(parse_size("10GiB"), Ok(Some(10 << 30)));
        assert_eq!(parse_size("500 mb"), Ok(Some(500_000_000)));
        assert_eq!(parse_size("12B"), Ok(Some(12)));
        assert_eq!(parse_size("none"), Ok(None));
        for text in ["", "7", "d", "-1d", "1.5d", "é", "99999999999999999999d"] {
            assert!(parse_duration_ms(text).is_err(), "{text}");
        }
        assert!(parse_size("10").is_err());
    }
}
