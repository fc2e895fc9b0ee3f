//! Writes zip archives front to back: stored entries with a data descriptor
//! behind each, so that nothing has to be known beforehand but the sizes.
//! Lengths beyond 32 bits as zip64 (PKWARE APPNOTE 6.3.10).

use crc32fast::Hasher;

const LOCAL: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
/// Sizes follow the bytes; names are UTF-8.
const FLAGS: u16 = 1 << 3 | 1 << 11;
/// Extra field of 64-bit lengths.
const ZIP64: u16 = 1;
/// Extra field of a time in seconds.
const TIME: u16 = 0x5455;
const LOCAL_LEN: u64 = 30;
const CENTRAL_LEN: u64 = 46;
const TIME_LEN: u64 = 9;
/// Unix permissions of a file and of a folder, with their kinds.
const FILE_MODE: u32 = 0o100_644;
const FOLDER_MODE: u32 = 0o040_755;

/// A file or folder.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Names with slashes between.
    pub path: &'a str,
    /// When it was last changed, Unix milliseconds.
    pub modified_ms: u64,
    /// Bytes; none for a folder.
    pub size: Option<u64>,
}

/// Writes one archive. Bytes of files pass by: what [`Writer::begin`] and the
/// others give goes before and after them.
#[derive(Debug, Default)]
pub struct Writer {
    at: u64,
    directory: Vec<u8>,
    entries: u64,
    open: Option<Open>,
}

/// The entry that is being written.
#[derive(Debug)]
struct Open {
    name: Vec<u8>,
    modified_ms: u64,
    is_folder: bool,
    is_long: bool,
    start: u64,
    len: u64,
    crc: Hasher,
}

impl Writer {
    /// Of no entries yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What goes before an entry's bytes.
    pub fn begin(&mut self, entry: &Entry<'_>) -> Vec<u8> {
        let name = name_of(entry);
        let is_long = is_long(entry.size.unwrap_or(0));
        let mut out = Vec::new();
        u32(&mut out, LOCAL);
        u16(&mut out, if is_long { 45 } else { 20 });
        u16(&mut out, FLAGS);
        u16(&mut out, 0);
        u32(&mut out, dos_time(entry.modified_ms));
        u32(&mut out, 0);
        // Of a long entry the lengths are in the extra field.
        let len = if is_long { u32::MAX } else { 0 };
        u32(&mut out, len);
        u32(&mut out, len);
        u16(&mut out, name.len() as u16);
        u16(&mut out, TIME_LEN as u16 + if is_long { 20 } else { 0 });
        out.extend_from_slice(&name);
        if is_long {
            u16(&mut out, ZIP64);
            u16(&mut out, 16);
            u64(&mut out, 0);
            u64(&mut out, 0);
        }
        time_extra(&mut out, entry.modified_ms);
        self.open = Some(Open {
            name,
            modified_ms: entry.modified_ms,
            is_folder: entry.size.is_none(),
            is_long,
            start: self.at,
            len: 0,
            crc: Hasher::new(),
        });
        self.at += out.len() as u64;
        out
    }

    /// Counts bytes of the entry.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if let Some(open) = &mut self.open {
            open.crc.update(bytes);
            open.len += bytes.len() as u64;
            self.at += bytes.len() as u64;
        }
    }

    /// What goes after an entry's bytes.
    pub fn end(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let Some(open) = self.open.take() else {
            return out;
        };
        let crc = open.crc.clone().finalize();
        u32(&mut out, DESCRIPTOR);
        u32(&mut out, crc);
        if open.is_long {
            u64(&mut out, open.len);
            u64(&mut out, open.len);
        } else {
            u32(&mut out, open.len as u32);
            u32(&mut out, open.len as u32);
        }
        self.at += out.len() as u64;
        self.list(&open, crc);
        self.entries += 1;
        out
    }

    fn list(&mut self, open: &Open, crc: u32) {
        let out = &mut self.directory;
        let is_far = is_long(open.start);
        let long_fields = 16 * u64::from(open.is_long) + 8 * u64::from(is_far);
        let extra = TIME_LEN + if long_fields > 0 { 4 + long_fields } else { 0 };
        let mode = if open.is_folder {
            FOLDER_MODE
        } else {
            FILE_MODE
        };
        u32(out, CENTRAL);
        // Made by version 4.5 on Unix.
        u16(out, 3 << 8 | 45);
        u16(out, if long_fields > 0 { 45 } else { 20 });
        u16(out, FLAGS);
        u16(out, 0);
        u32(out, dos_time(open.modified_ms));
        u32(out, crc);
        for _ in 0..2 {
            u32(
                out,
                if open.is_long {
                    u32::MAX
                } else {
                    open.len as u32
                },
            );
        }
        u16(out, open.name.len() as u16);
        u16(out, extra as u16);
        u16(out, 0);
        u16(out, 0);
        u16(out, 0);
        u32(out, mode << 16 | if open.is_folder { 0x10 } else { 0 });
        u32(out, if is_far { u32::MAX } else { open.start as u32 });
        out.extend_from_slice(&open.name);
        if long_fields > 0 {
            u16(out, ZIP64);
            u16(out, long_fields as u16);
            if open.is_long {
                u64(out, open.len);
                u64(out, open.len);
            }
            if is_far {
                u64(out, open.start);
            }
        }
        time_extra(out, open.modified_ms);
    }

    /// What goes after the last entry.
    pub fn finish(self) -> Vec<u8> {
        let (start, len) = (self.at, self.directory.len() as u64);
        let mut out = self.directory;
        if needs_end_64(self.entries, start, len) {
            u32(&mut out, END_64);
            u64(&mut out, 44);
            u16(&mut out, 3 << 8 | 45);
            u16(&mut out, 45);
            u32(&mut out, 0);
            u32(&mut out, 0);
            u64(&mut out, self.entries);
            u64(&mut out, self.entries);
            u64(&mut out, len);
            u64(&mut out, start);
            u32(&mut out, LOCATOR_64);
            u32(&mut out, 0);
            u64(&mut out, start + len);
            u32(&mut out, 1);
        }
        let entries = u16::try_from(self.entries).unwrap_or(u16::MAX);
        u32(&mut out, END);
        u16(&mut out, 0);
        u16(&mut out, 0);
        u16(&mut out, entries);
        u16(&mut out, entries);
        u32(&mut out, u32::try_from(len).unwrap_or(u32::MAX));
        u32(&mut out, u32::try_from(start).unwrap_or(u32::MAX));
        u16(&mut out, 0);
        out
    }
}

/// Bytes of the archive that these entries make.
pub fn len_of<'a>(entries: impl Iterator<Item = Entry<'a>>) -> u64 {
    let (mut at, mut directory, mut count) = (0u64, 0u64, 0u64);
    for entry in entries {
        let (name, size) = (name_of(&entry).len() as u64, entry.size.unwrap_or(0));
        let is_long_one = is_long(size);
        let far_or_long = 16 * u64::from(is_long_one) + 8 * u64::from(is_long(at));
        let zip64 = if far_or_long > 0 { 4 + far_or_long } else { 0 };
        directory += CENTRAL_LEN + name + TIME_LEN + zip64;
        let (extra, descriptor) = if is_long_one { (20, 24) } else { (0, 16) };
        at += LOCAL_LEN + name + TIME_LEN + extra + size + descriptor;
        count += 1;
    }
    let end_64 = if needs_end_64(count, at, directory) {
        76
    } else {
        0
    };
    at + directory + end_64 + 22
}

const fn needs_end_64(entries: u64, start: u64, len: u64) -> bool {
    entries >= u16::MAX as u64 || is_long(start) || is_long(len)
}

const fn is_long(value: u64) -> bool {
    value >= u32::MAX as u64
}

/// A folder's name ends with a slash.
fn name_of(entry: &Entry<'_>) -> Vec<u8> {
    let mut name = entry.path.as_bytes().to_vec();
    if entry.size.is_none() {
        name.push(b'/');
    }
    name
}

fn time_extra(out: &mut Vec<u8>, modified_ms: u64) {
    let seconds = i32::try_from(modified_ms / 1000).unwrap_or(i32::MAX);
    u16(out, TIME);
    u16(out, TIME_LEN as u16 - 4);
    out.push(1);
    out.extend_from_slice(&seconds.to_le_bytes());
}

/// Date and time of MS-DOS, in UTC: two seconds' precision, 1980 to 2107. The
/// extra field has it better.
fn dos_time(modified_ms: u64) -> u32 {
    let seconds = modified_ms / 1000;
    let (year, month, day) = date(seconds / 86_400);
    if year < 1980 {
        return 0x0021_0000;
    }
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let date = (year.min(2107) - 1980) << 9 | month << 5 | day;
    let time = hour << 11 | minute << 5 | (second / 2);
    (date << 16 | time) as u32
}

/// The date of a day since the epoch (civil calendar, years from March).
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let is_late = month >= 10;
    let calendar_month = if is_late { month - 9 } else { month + 3 };
    (year + era * 400 + is_late as u64, calendar_month, day)
}

fn u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_700_000_000_000;

    fn archive(entries: &[(Entry<'_>, &[u8])]) -> Vec<u8> {
        let mut writer = Writer::new();
        let mut out = Vec::new();
        for (entry, bytes) in entries {
            out.extend(writer.begin(entry));
            writer.bytes(bytes);
            out.extend_from_slice(bytes);
            out.extend(writer.end());
        }
        out.extend(writer.finish());
        out
    }

    fn file<'a>(path: &'a str, bytes: &[u8]) -> Entry<'a> {
        Entry {
            path,
            modified_ms: NOON,
            size: Some(bytes.len() as u64),
        }
    }

    #[test]
    fn the_length_is_known_beforehand() {
        let folder = Entry {
            path: "ब",
            modified_ms: NOON,
            size: None,
        };
        let entries = [
            (folder, &b""[..]),
            (file("ब/a.txt", b"hello"), b"hello"),
            (file("empty", b""), b""),
        ];
        let out = archive(&entries);
        assert_eq!(out.len() as u64, len_of(entries.iter().map(|(e, _)| *e)));
        assert!(out.starts_with(b"PK\x03\x04"));
    }

    #[test]
    fn long_and_many_entries_are_zip64() {
        let size = 5 * (1u64 << 30);
        let long = Entry {
            path: "long",
            modified_ms: NOON,
            size: Some(size),
        };
        let mut writer = Writer::new();
        let mut len = writer.begin(&long).len() as u64;
        let zeros = vec![0; 1 << 26];
        for _ in 0..size >> 26 {
            writer.bytes(&zeros);
        }
        len += size + writer.end().len() as u64;
        let short = file("after", b"x");
        len += writer.begin(&short).len() as u64;
        writer.bytes(b"x");
        len += 1 + writer.end().len() as u64;
        let tail = writer.finish();
        assert!(tail.windows(4).any(|w| w == END_64.to_le_bytes()));
        len += tail.len() as u64;
        assert_eq!(len, len_of([long, short].into_iter()));

        let many: Vec<(Entry<'_>, &[u8])> = vec![(file("x", b""), b""); 70_000];
        let out = archive(&many);
        assert_eq!(out.len() as u64, len_of(many.iter().map(|(e, _)| *e)));
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        // 2023-11-14 22:13:20 UTC
        let expected = (43 << 9 | 11 << 5 | 14) << 16 | (22 << 11 | 13 << 5 | 10);
        assert_eq!(dos_time(NOON), expected);
        assert_eq!(dos_time(0), 0x0021_0000);
        assert_eq!(date(19_782), (2024, 2, 29));
    }
}
