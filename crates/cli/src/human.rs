//! Sizes, times and texts as people read and write them.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ZonedDateTime};

use crate::failure::{Failure, Result};

/// `1536` as `1.5 KiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64;
    let mut unit = None;
    for next in UNITS {
        // Not to show 1023.99 KiB as 1024.0.
        if value < 1023.95 {
            break;
        }
        value /= 1024.0;
        unit = Some(next);
    }
    match unit {
        None => format!("{bytes} B"),
        Some(unit) => format!("{value:.1} {unit}"),
    }
}

/// `1` and `file` as `1 file`, `2` as `2 files`.
pub fn count(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

/// A time on this computer's clock, to the minute.
pub fn time(ms: u64) -> String {
    i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .map_or_else(
            || "-".to_owned(),
            |at| {
                at.to_zoned_datetime(TimeZone::system())
                    .strftime("%Y-%m-%d %H:%M")
                    .to_string()
            },
        )
}

/// A point in time, as people write it: `2026-11-23`, `2026-11-23 14:30`,
/// `2026-11-23T13:30:00Z`, or so long ago: `2h`, `3 days`.
///
/// # Errors
/// [`Failure::Usage`] for anything else.
pub fn parse_time(text: &str) -> Result<u64> {
    let text = text.trim();
    let zone = TimeZone::system();
    let at = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| local(text.parse::<DateTime>().ok()?, &zone))
        .or_else(|| {
            local(
                text.parse::<Date>()
                    .ok()?
                    .to_datetime(jiff::civil::time(0, 0, 0, 0)),
                &zone,
            )
        })
        .or_else(|| {
            let span: Span = text.trim_end_matches("ago").trim().parse().ok()?;
            Some(ZonedDateTime::now().checked_sub(span).ok()?.timestamp())
        });
    at.and_then(|at| u64::try_from(at.as_millisecond()).ok())
        .ok_or_else(|| {
            Failure::usage(format!(
                "`{text}` is not a time; write 2026-11-23, \"2026-11-23 14:30\" or 2h (two hours ago)"
            ))
        })
}

/// A point in the future, as people write it: a date, a time, or so long from
/// now: `30d`, `2 weeks`.
///
/// # Errors
/// [`Failure::Usage`] for anything else, or what is past.
pub fn parse_future(text: &str) -> Result<u64> {
    let span: Option<Span> = text.trim().parse().ok();
    let at = match span {
        Some(span) => {
            let at = ZonedDateTime::now().checked_add(span).ok();
            at.and_then(|at| u64::try_from(at.timestamp().as_millisecond()).ok())
        }
        None => Some(parse_time(text)?),
    };
    let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
    at.filter(|at| *at > now)
        .ok_or_else(|| Failure::usage(format!("`{text}` is not a time that is still to come")))
}

fn local(at: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    at.to_zoned_datetime(zone.clone())
        .ok()
        .map(|at| at.timestamp())
}

/// The text without characters that would steer a terminal: what a server or
/// a local file name says must not clear screens or reorder what is shown.
pub fn printable(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| if steers(c) { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_round_like_people_do() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1_048_575, "1.0 MiB"),
            (4 << 20, "4.0 MiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn times_are_read_in_several_ways() {
        assert_eq!(parse_time("1970-01-02T00:00:00Z").unwrap(), 86_400_000);
        assert_eq!(parse_time("1970-01-02T00:00:00+01:00").unwrap(), 82_800_000);
        let day = parse_time("2026-11-23").unwrap();
        assert_eq!(parse_time("2026-11-23 14:30").unwrap(), day + 52_200_000);
        assert_eq!(time(day), "2026-11-23 00:00");
        let now = crate::platform::now_ms();
        for ago in ["2h", "2 hours ago", "2h ago"] {
            let at = parse_time(ago).unwrap();
            assert!((now - at).abs_diff(7_200_000) < 60_000, "{ago}");
        }
        assert!(parse_time("yesterday-ish").is_err());
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            printable("a\u{1b}[2Jb\u{202e}c\nd"),
            "a\u{fffd}[2Jb\u{fffd}c\nd"
        );
    }
}
