//! Recordings that Chromium plays, and how much of one is read to jump into it.

use sv_client::drive::Drive;
use sv_testkit::{Actor, Name, Page, file, put, run};

use super::person::{Person, stage, visit};

/// Bytes of a block.
const BLOCK: usize = 4 << 20;
/// A picture of one pixel as VP8 has it: what is in the smallest lossy WebP.
const FRAME: &[u8] = &[
    0x30, 0x01, 0, 0x9d, 0x01, 0x2a, 1, 0, 1, 0, 0x0e, 0xc0, 0xfe, 0x25, 0xa4, 0, 0x03, 0x70, 0, 0,
    0, 0,
];
/// Pictures of a second.
const RATE: u64 = 10;

/// Silence as WAV, 8 kHz and 8 bits.
pub(crate) fn wav(seconds: u32) -> Vec<u8> {
    let samples = 8000 * seconds;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + samples).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(8000_u32.to_le_bytes());
    bytes.extend(8000_u32.to_le_bytes());
    bytes.extend(b"\x01\0\x08\0data");
    bytes.extend(samples.to_le_bytes());
    bytes.resize(bytes.len() + samples as usize, 0x80);
    bytes
}

/// A video as WebM with an index in front, each second as long as `padding`.
pub(crate) fn webm(seconds: u64, padding: usize) -> Vec<u8> {
    let info = element(
        "1549a966",
        &[
            number("2ad7b1", 1_000_000),
            element("4489", &[(seconds as f64 * 1000.0).to_be_bytes().to_vec()]),
            element("4d80", &[b"test".to_vec()]),
            element("5741", &[b"test".to_vec()]),
        ],
    );
    let video = element("e0", &[number("b0", 1), number("ba", 1)]);
    let track = [
        number("d7", 1),
        number("73c5", 1),
        number("83", 1),
        element("86", &[b"V_VP8".to_vec()]),
        video,
    ];
    let tracks = element("1654ae6b", &[element("ae", &track)]);
    let clusters: Vec<_> = (0..seconds)
        .map(|second| cluster(second, padding))
        .collect();
    // Places count from behind the head of the segment; numbers have one
    // length, so the index has it before they are known.
    let index = |first: usize| {
        let mut place = first as u64;
        let points = clusters.iter().enumerate().map(|(second, cluster)| {
            let at = element("b7", &[number("f7", 1), number("f1", place)]);
            place += cluster.len() as u64;
            element("bb", &[number("b3", second as u64 * 1000), at])
        });
        element("1c53bb6b", &points.collect::<Vec<_>>())
    };
    let before = info.len() + tracks.len() + index(0).len();
    let mut parts = vec![info, tracks, index(before)];
    parts.extend(clusters);
    let head = [
        number("4286", 1),
        number("42f7", 1),
        number("42f2", 4),
        number("42f3", 8),
        element("4282", &[b"webm".to_vec()]),
        number("4287", 4),
        number("4285", 2),
    ];
    [element("1a45dfa3", &head), element("18538067", &parts)].concat()
}

/// A second of video, and as many bytes that say nothing.
fn cluster(second: u64, padding: usize) -> Vec<u8> {
    let mut parts = vec![number("e7", second * 1000)];
    for picture in 0..RATE {
        let time = (picture * 1000 / RATE) as u16;
        let mut block = vec![0x81];
        block.extend(time.to_be_bytes());
        block.push(0x80);
        block.extend(FRAME);
        parts.push(element("a3", &[block]));
    }
    parts.push(element("ec", &[vec![0; padding]]));
    element("1f43b675", &parts)
}

/// An element of EBML (RFC 8794), its length in eight bytes.
fn element(id: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let len: usize = parts.iter().map(Vec::len).sum();
    let mut bytes = data_encoding::HEXLOWER.decode(id.as_bytes()).unwrap();
    bytes.extend((1_u64 << 56 | len as u64).to_be_bytes());
    parts.iter().for_each(|part| bytes.extend(part));
    bytes
}

fn number(id: &str, value: u64) -> Vec<u8> {
    element(id, &[value.to_be_bytes().to_vec()])
}

/// Jumps to a second of what is shown, and waits until the browser is there.
pub(crate) async fn jump(page: &Page, tag: &str, second: u32) {
    let jump = format!(
        "new Promise((done, fail) => {{ const look = () => {{ \
            const player = document.querySelector('main {tag}'); \
            if (!player) return setTimeout(look, 20); \
            player.onerror = () => fail(player.error.message); \
            player.onseeked = () => done([player.currentTime, player.readyState > 1]); \
            const go = () => {{ player.currentTime = {second} }}; \
            player.readyState > 0 ? go() : player.onloadedmetadata = go; }}; look() }})"
    );
    let there = page.evaluate(&jump).await;
    assert_eq!(there, serde_json::json!([second, true]), "{tag}");
}

/// Blocks that were asked for since the page notes it.
fn blocks(page: &Page) -> usize {
    let asked = page.requests();
    asked.iter().filter(|url| url.contains("/blocks/")).count()
}

/// A jump into the middle of a long recording reads what is there, and not what
/// lies before it. Answering ranges from a file's beginning makes this fail.
#[test]
fn seeking_reads_the_blocks_it_needs() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let (actor, session) = Actor::sign_up(&server, "frida").await;
        let mut drive = Drive::open(&session).await.unwrap();
        let (film, sound) = (webm(160, 1 << 20), wav(12_000));
        let sizes = [film.len(), sound.len()];
        let files = vec![file("film.webm", film), file("sound.wav", sound)];
        put(&mut drive, "/", files).await.unwrap();

        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        Person::of(actor).log_in(&server, &page).await;
        page.link("Files").click().await;
        let recordings = [("film.webm", "video", 120), ("sound.wav", "audio", 9_000)];
        for ((name, tag, second), size) in recordings.into_iter().zip(sizes) {
            page.note_requests();
            page.role("searchbox", "Search all names").fill(name).await;
            let row = page.role("row", Name::has(name));
            row.button(name).click().await;
            page.heading(name).wait().await;
            jump(&page, tag, second).await;
            let (read, all) = (blocks(&page), size / BLOCK);
            println!("{name}: {read} of {all} blocks");
            assert!(read > 0 && read <= all / 4, "{name}: {read} of {all}");
        }
        browser.assert_quiet();
    });
}
