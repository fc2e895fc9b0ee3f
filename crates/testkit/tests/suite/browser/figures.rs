//! What the engine does in a second, beside the same bytes read raw on the same
//! page. With `SV_FULL=1` in full and printed: `docs/benchmarks.md` has them.

use serde_json::Value;
use sv_bridge::{
    AnyCall, Call, Download, Event, Failure, Link, OpenFile, Place, PlanUpload, Search,
    StartUpload, TakeOver, TransferState, UploadEntry,
};
use sv_testkit::{Browser, Page, TestServer, run, scaled};

use super::person::Person;

/// Starts an engine of the script's own in place of the page's. What is said to
/// it is written here; how long it takes is by the page's own clock, and nothing
/// of DevTools is between while bytes move.
const SCRIPT: &str = r#"(async (size) => {
  const engine = securevault.startEngine();
  const answers = new Map(); const events = []; let id = 0;
  await new Promise((ready) => {
    engine.onmessage = ({ data }) => {
      if (data === null) return ready();
      const [to, bytes] = data; const told = { bytes: Array.from(bytes), at: performance.now() };
      if (to === 0) return events.push(told);
      answers.get(to)(told); answers.delete(to);
    };
  });
  const call = async (bytes, objects) => {
    const mine = ++id; const answer = new Promise((done) => answers.set(mine, done));
    const from = performance.now();
    engine.postMessage([mine, new Uint8Array(bytes), objects]);
    return { ...(await answer), from };
  };
  const workers = await securevault.startServiceWorker();
  const introduce = () => {
    const { port1, port2 } = new MessageChannel();
    engine.postMessage([0xffffffff, port1], [port1]);
    workers.controller.postMessage(port2, [port2]);
  };
  workers.onmessage = introduce; introduce();
  const piece = crypto.getRandomValues(new Uint8Array(65536));
  const file = new File(new Array(size / piece.length).fill(piece), 'film', { lastModified: 1e12 });
  // Making the file is the script's own long task.
  await new Promise((done) => setTimeout(done));
  const long = [];
  new PerformanceObserver((list) => long.push(...list.getEntries().map((one) => one.duration))).observe({ type: 'longtask' });
  const timed = async (work) => { const from = performance.now(); await work(); return performance.now() - from; };
  const raw = () => timed(async () => {
    const BLOCK = 4 << 20;
    for (let at = 0; at < size; at += BLOCK) await file.slice(at, at + BLOCK).arrayBuffer();
  });
  let got = 0;
  const down = (url) => timed(async () => {
    const reader = (await fetch(url)).body.getReader();
    for (let step = await reader.read(); !step.done; step = await reader.read()) got += step.value.length;
  });
  const seek = (url) => timed(async () => {
    const range = `bytes=${size - 1000}-${size - 1}`;
    const answer = await fetch(url, { headers: { range } });
    if (answer.status !== 206 || (await answer.arrayBuffer()).byteLength !== 1000) throw new Error('no range');
  });
  const told = () => ({ got, heap: performance.memory?.usedJSHeapSize ?? 0, longest: Math.max(0, ...long) });
  globalThis.figures = { call, events, file, raw, down, seek, told };
})"#;

/// Asks the script's engine: the answer, and the page's clock when it was asked.
async fn ask<C: Call>(page: &Page, call: C, objects: &str) -> (C::Answer, f64) {
    let call: AnyCall = call.into();
    let bytes = sv_bridge::encode(&call);
    let told = page
        .evaluate(&format!("figures.call({bytes:?}, [{objects}])"))
        .await;
    let answer: Result<C::Answer, Failure> = decode(&told["bytes"]);
    let answer = answer.unwrap_or_else(|failure| panic!("{failure:?}"));
    (answer, told["from"].as_f64().unwrap())
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &Value) -> T {
    let bytes: Vec<u8> = serde_json::from_value(bytes.clone()).unwrap();
    sv_bridge::decode(&bytes).unwrap()
}

/// The page's clock when a transfer was done.
async fn done(page: &Page, transfer: u64) -> f64 {
    loop {
        let told = page
            .evaluate("new Promise((done) => setTimeout(() => done(figures.events.splice(0)), 50))")
            .await;
        for event in told.as_array().unwrap() {
            match decode(&event["bytes"]) {
                Event::Transfer(row) if row.id == transfer => match row.state {
                    TransferState::Done => return event["at"].as_f64().unwrap(),
                    TransferState::Failed(failure) => panic!("{failure:?}"),
                    _ => {}
                },
                _ => {}
            }
        }
    }
}

/// Bytes go both ways and come back whole, and the page stays quick meanwhile.
#[test]
fn bytes_a_second_beside_a_raw_blob() {
    run(async {
        let Some(browser) = Browser::start().await else {
            return;
        };
        let server = TestServer::start().await;
        let profile = browser.profile().await;
        let page = profile.open(&server.url()).await;
        Person::sign_up(&server, &page, "alice").await;
        let mib: u64 = scaled(16, 1024);
        let size = mib << 20;
        page.evaluate(&format!("{SCRIPT}({size})")).await;
        ask(&page, TakeOver {}, "").await;
        let raw = page.evaluate("figures.raw()").await.as_f64().unwrap();
        let film = UploadEntry {
            path: "film".into(),
            is_folder: false,
        };
        let plan = PlanUpload {
            into: Place::Root,
            entries: vec![film],
        };
        let (plan, _) = ask(&page, plan, "figures.file").await;
        let start = StartUpload {
            plan: plan.plan,
            decisions: Vec::new(),
        };
        let (transfer, from) = ask(&page, start, "").await;
        let up = done(&page, transfer).await - from;
        let id = loop {
            let search = Search {
                text: "film".into(),
                from: 0,
                count: 1,
            };
            let (found, _) = ask(&page, search, "").await;
            if let Some(id) = found.rows.first().and_then(|row| row.id) {
                break id;
            }
        };
        let timed = async |name: &str, link: Link| {
            let timed = format!("figures.{name}({:?})", link.url);
            page.evaluate(&timed).await.as_f64().unwrap()
        };
        let download = Download {
            ids: vec![id],
            version: None,
        };
        let down = timed("down", ask(&page, download, "").await.0).await;
        let shown = OpenFile { id, version: None };
        let seek = timed("seek", ask(&page, shown, "").await.0).await;
        let told = page.evaluate("figures.told()").await;
        let number = |name: &str| told.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
        assert_eq!(number("got"), size as f64, "{told}");
        let longest = number("longest");
        let rate = |ms: f64| mib as f64 * 1000.0 / ms;
        println!(
            "{mib} MiB: read raw {:.0} MiB/s, up {:.0} MiB/s, down {:.0} MiB/s; first bytes of the \
             end after {seek:.0} ms; the page's heap {:.0} MiB, its longest task {longest:.0} ms",
            rate(raw),
            rate(up),
            rate(down),
            number("heap") / f64::from(1 << 20),
        );
        // The bound is for the full size on a machine that does nothing else.
        assert!(longest < scaled(1_000.0, 100.0), "{told}");
    });
}
