//! What the engine does in a second, beside the same bytes read raw on the same
//! page. With `SV_FULL=1` in full and printed: `docs/benchmarks.md` has them.

use serde_json::Value;
use sv_testkit::{Browser, TestServer, run, scaled};

use super::person::Person;

/// Starts an engine of the script's own in place of the page's, and measures.
/// Nothing of DevTools is between: it works by the page's own clock.
const SCRIPT: &str = r#"(async (size) => {
  const engine = securevault.startEngine();
  const answers = new Map(); const rows = new Map(); let id = 0;
  await new Promise((ready) => {
    engine.onmessage = ({ data }) => {
      if (data === null) return ready();
      const [to, json] = data; const value = JSON.parse(json);
      if (to !== 0) { answers.get(to)(value); answers.delete(to); }
      else if (value.Transfer) rows.set(value.Transfer.id, value.Transfer);
    };
  });
  const call = async (name, args, objects = []) => {
    const mine = ++id; const answer = new Promise((done) => answers.set(mine, done));
    engine.postMessage([mine, JSON.stringify({ [name]: args }), objects]);
    const { Ok, Err } = await answer;
    if (Err) throw new Error(`${name}: ${JSON.stringify(Err)}`);
    return Ok;
  };
  const workers = await securevault.startServiceWorker();
  const introduce = () => {
    const { port1, port2 } = new MessageChannel();
    engine.postMessage([0xffffffff, port1], [port1]);
    workers.controller.postMessage(port2, [port2]);
  };
  workers.onmessage = introduce; introduce();
  await call('TakeOver', {});
  const long = [];
  new PerformanceObserver((list) => long.push(...list.getEntries().map((one) => one.duration))).observe({ type: 'longtask' });
  const piece = crypto.getRandomValues(new Uint8Array(65536));
  const file = new File(new Array(size / piece.length).fill(piece), 'film', { lastModified: 1e12 });
  const timed = async (work) => { const from = performance.now(); await work(); return performance.now() - from; };
  const BLOCK = 4 << 20;
  const raw = await timed(async () => {
    for (let at = 0; at < size; at += BLOCK) await file.slice(at, at + BLOCK).arrayBuffer();
  });
  const plan = await call('PlanUpload', { into: 'Root', entries: [{ path: 'film', is_folder: false }] }, [file]);
  const up = await timed(async () => {
    const transfer = await call('StartUpload', { plan: plan.plan, decisions: [] });
    while (rows.get(transfer)?.state !== 'Done') {
      if (rows.get(transfer)?.state?.Failed) throw new Error(JSON.stringify(rows.get(transfer)));
      await new Promise((done) => setTimeout(done, 20));
    }
  });
  let found = [];
  while (found.length === 0) found = (await call('Search', { text: 'film', from: 0, count: 1 })).rows;
  const link = await call('Download', { ids: [found[0].id], version: null });
  let got = 0;
  const down = await timed(async () => {
    const reader = (await fetch(link.url)).body.getReader();
    for (let step = await reader.read(); !step.done; step = await reader.read()) got += step.value.length;
  });
  const shown = await call('OpenFile', { id: found[0].id, version: null });
  const seek = await timed(async () => {
    const range = `bytes=${size - 1000}-${size - 1}`;
    const answer = await fetch(shown.url, { headers: { range } });
    if (answer.status !== 206 || (await answer.arrayBuffer()).byteLength !== 1000) throw new Error('no range');
  });
  const heap = performance.memory?.usedJSHeapSize ?? 0;
  return { raw, up, down, seek, got, heap, longest: Math.max(0, ...long) };
})"#;

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
        let told = page.evaluate(&format!("{SCRIPT}({size})")).await;
        let number = |name: &str| told.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
        assert_eq!(number("got"), size as f64, "{told}");
        let longest = number("longest");
        let rate = |name: &str| mib as f64 * 1000.0 / number(name);
        println!(
            "{mib} MiB: read raw {:.0} MiB/s, up {:.0} MiB/s, down {:.0} MiB/s; first bytes of the \
             end after {:.0} ms; the page's heap {:.0} MiB, its longest task {longest:.0} ms",
            rate("raw"),
            rate("up"),
            rate("down"),
            number("seek"),
            number("heap") / f64::from(1 << 20),
        );
        // The bound is for the full size on a machine that does nothing else.
        assert!(longest < scaled(1_000.0, 100.0), "{told}");
    });
}
