//! Sizes, times and counts for people, as their language writes them.

use js_sys::{Date, Intl, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use crate::text as t;
use crate::text::Language;

const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const MINUTE_MS: f64 = 60_000.0;
const HOUR_MS: f64 = 60.0 * MINUTE_MS;
const DAY_MS: f64 = 24.0 * HOUR_MS;

/// `1.4 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    let (mut value, mut unit) = (count as f64, 0);
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 99.95);
    format!("{} {}", number(value, digits), UNITS[unit])
}

/// `12,345`.
pub(crate) fn count(count: u64) -> String {
    number(count as f64, 0)
}

fn number(value: f64, digits: usize) -> String {
    let options = options(&[
        ("minimumFractionDigits", (digits as u32).into()),
        ("maximumFractionDigits", (digits as u32).into()),
    ]);
    let format = Intl::NumberFormat::new(&locales(), &options);
    call(&format.format(), &value.into()).unwrap_or_else(|| format!("{value:.digits$}"))
}

/// A day and time: `26 Nov 2026, 14:03`.
pub(crate) fn time(ms: u64) -> String {
    date(
        ms,
        &[
            ("dateStyle", "medium".into()),
            ("timeStyle", "short".into()),
        ],
    )
}

/// A day.
pub(crate) fn day(ms: u64) -> String {
    date(ms, &[("dateStyle", "medium".into())])
}

/// A time as near as it matters: `5 min ago`, `14:03`, `26 Nov 2026`.
pub(crate) fn near(ms: u64) -> String {
    let now = Date::now();
    let ago = now - ms as f64;
    let today = Date::new(&now.into());
    let then = Date::new(&(ms as f64).into());
    let is_today = today.to_date_string() == then.to_date_string();
    if (-MINUTE_MS..MINUTE_MS).contains(&ago) {
        t::JUST_NOW.get().to_owned()
    } else if (0.0..HOUR_MS).contains(&ago) {
        t::MINUTES_AGO.with(&[&number((ago / MINUTE_MS).floor(), 0)])
    } else if is_today {
        t::TODAY_AT.with(&[&date(ms, &[("timeStyle", "short".into())])])
    } else if (0.0..2.0 * DAY_MS).contains(&ago) && is_day_before(&today, &then) {
        t::YESTERDAY.get().to_owned()
    } else {
        day(ms)
    }
}

fn is_day_before(today: &Date, then: &Date) -> bool {
    let before = Date::new(&(today.get_time() - DAY_MS).into());
    before.to_date_string() == then.to_date_string()
}

/// `3 min`, for what is left to do.
pub(crate) fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    if seconds < 60.0 {
        t::SECONDS.with(&[&number(seconds.ceil(), 0)])
    } else if seconds < 3600.0 {
        t::MINUTES.with(&[&number((seconds / 60.0).ceil(), 0)])
    } else {
        t::HOURS.with(&[&number(seconds / 3600.0, 1)])
    }
}

/// Whole days from now, at least one.
pub(crate) fn days_until(ms: u64) -> u64 {
    ((ms as f64 - Date::now()) / DAY_MS).ceil().max(1.0) as u64
}

fn date(ms: u64, wanted: &[(&str, JsValue)]) -> String {
    let format = Intl::DateTimeFormat::new(&locales(), &options(wanted));
    let date = Date::new(&(ms as f64).into());
    call(&format.format(), &date).unwrap_or_else(|| String::from(date.to_iso_string()))
}

fn call(format: &js_sys::Function, value: &JsValue) -> Option<String> {
    format.call1(&JsValue::NULL, value).ok()?.as_string()
}

fn locales() -> js_sys::Array {
    js_sys::Array::of1(&Language::spoken().code().into()).unchecked_into()
}

fn options(wanted: &[(&str, JsValue)]) -> Object {
    let options = Object::new();
    for (name, value) in wanted {
        let _ = Reflect::set(&options, &(*name).into(), value);
    }
    options
}
