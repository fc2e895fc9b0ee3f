//! What files hold and are called never becomes part of the page, and never
//! makes it ask anybody for anything.

use sv_client::drive::Drive;
use sv_testkit::{Actor, Browser, Name, Page, Screen, file, put, run, scaled};

use super::person::{Person, stage, visit};

/// Ways of running something that need no click, and some that do. `RUN` is
/// what is run.
const PAYLOADS: [&str; 25] = [
    "<script>RUN</script>",
    "<img src=x onerror=\"RUN\">",
    "<img src=x onerror=RUN>",
    "\"><img src=x onerror=RUN>",
    "'><svg onload=RUN>",
    "<svg><script>RUN</script></svg>",
    "<svg><animate onbegin=RUN attributeName=x dur=1s></svg>",
    "<iframe src=\"javascript:RUN\"></iframe>",
    "<iframe srcdoc=\"<script>RUN</script>\"></iframe>",
    "<object data=\"javascript:RUN\"></object>",
    "<embed src=\"javascript:RUN\">",
    "<a href=\"javascript:RUN\" autofocus onfocus=RUN>x</a>",
    "<input autofocus onfocus=RUN>",
    "<details open ontoggle=RUN>x</details>",
    "<video><source onerror=RUN></video>",
    "<body onload=RUN>",
    "<style>@import 'javascript:RUN'</style>",
    "<link rel=stylesheet href=\"javascript:RUN\">",
    "<meta http-equiv=refresh content=\"0;url=javascript:RUN\">",
    "<math><mtext><table><mglyph><style><img src=x onerror=RUN></style></mglyph></table></mtext></math>",
    "<template><script>RUN</script></template><script>RUN</script>",
    "${RUN} {{RUN}} #{RUN} <%= RUN %>",
    "[x](javascript:RUN) ![x](javascript:RUN) <javascript:RUN>",
    "[x]: javascript:RUN\n\n[x] ![x]",
    "<noscript><p title=\"</noscript><img src=x onerror=RUN>\">",
];

/// Ways of writing the same.
const DISGUISES: [fn(&str) -> String; 5] = [
    str::to_owned,
    |text| text.to_uppercase(),
    |text| text.replace('<', "<\u{200b}"),
    |text| {
        text.replace("javascript:", "java\tscript:")
            .replace(' ', "/")
    },
    |text| text.replace("script", "ScRiPt").replace("on", "oN"),
];

/// What a payload does: leaves a mark, and asks a stranger.
const RUNS: [&str; 4] = [
    "window.canary=1",
    "document.title='canary'",
    "fetch('https://elsewhere.example/canary')",
    "alert(1)",
];

/// `count` payloads, all different.
fn payloads(count: usize) -> Vec<String> {
    let mut all = Vec::new();
    let mut round = 0;
    while all.len() < count {
        for run in RUNS {
            for disguise in DISGUISES {
                for payload in PAYLOADS {
                    let text = disguise(payload).replace("RUN", run);
                    all.push(match round {
                        0 => text,
                        _ => format!("{text}<!--{round}-->"),
                    });
                }
            }
        }
        round += 1;
    }
    all.truncate(count);
    all
}

/// As the name of a file: without what no name may have.
fn name(number: usize, payload: &str) -> String {
    let text: String = payload
        .chars()
        .filter(|c| !c.is_control())
        .map(|c| if c == '/' { '\u{2215}' } else { c })
        .take(60)
        .collect();
    format!("{number:04} {}", text.trim())
}

/// Nothing has run, and nobody but our server was asked for anything, and
/// that only for what the page itself needs.
async fn assert_untouched(browser: &Browser, page: &Page, server: &str) {
    assert_eq!(page.evaluate("typeof window.canary").await, "undefined");
    assert_ne!(page.evaluate("document.title").await, "canary");
    for url in page.requests() {
        let path = url.strip_prefix(server);
        let is_ours = path.is_some_and(|path| {
            let known = ["/v1/", "/assets/", "/vault/", "/sw.js", "/signup"];
            path == "/" || path.starts_with("/#") || known.iter().any(|one| path.starts_with(one))
        });
        let is_local = ["blob:", "data:image/svg+xml"]
            .iter()
            .any(|one| url.starts_with(one));
        assert!(is_ours || is_local, "asked for {url}");
    }
    browser.assert_quiet();
}

/// A33, A48: names, notes, Markdown, HTML and SVG full of scripts and addresses
/// run nothing and fetch nothing. Making any text of an item markup, or
/// letting Markdown keep its HTML or its pictures' addresses, makes this fail,
/// as does taking out the pages' policy.
#[test]
fn a48_a33_what_is_stored_runs_nothing_and_asks_for_nothing() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let (actor, session) = Actor::sign_up(&server, "mallory").await;
        let mut drive = Drive::open(&session).await.unwrap();
        let all = payloads(scaled(500, 5000));
        let names = all.iter().enumerate();
        let mut files: Vec<_> = names
            .map(|(number, payload)| file(&name(number, payload), payload.as_bytes()))
            .collect();
        let mut documents = Vec::new();
        for (number, some) in all.chunks(50).enumerate() {
            let text = some.join("\n\n");
            for kind in ["md", "html", "svg", "txt"] {
                let text = match kind {
                    "svg" => format!(
                        "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9' \
                         onload='{}'><rect width='9' height='9'/><image \
                         href='https://elsewhere.example/a.png'/></svg>",
                        RUNS[number % RUNS.len()].replace('\'', "\"")
                    ),
                    _ => format!("![x](https://elsewhere.example/b.png)\n\n{text}"),
                };
                let document = format!("document {number}.{kind}");
                files.push(file(&document, text));
                documents.push(document);
            }
        }
        put(&mut drive, "/", files).await.unwrap();

        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        page.show_on(Screen::Desktop).await;
        let mallory = Person::of(actor);
        mallory.log_in(&server, &page).await;
        page.note_requests();
        page.link("Files").click().await;
        let grid = page.role("grid", Name::Any);
        let mut seen = 0;
        while !page
            .role("row", Name::has("document 9.txt"))
            .is_there()
            .await
        {
            let rows = page.role("row", Name::Any).names().await;
            seen = seen.max(rows.len());
            grid.scroll(400).await;
        }
        assert!(seen > 5, "{seen} rows at once");
        for text in ["<script>", "onerror", "javascript:", "{{"] {
            page.role("searchbox", "Search all names").fill(text).await;
            page.role("row", Name::has(text)).wait().await;
        }
        assert_untouched(&browser, &page, &server.url()).await;
        for document in documents.iter().take(scaled(24, usize::MAX)) {
            page.role("searchbox", "Search all names")
                .fill(document)
                .await;
            page.role("row", Name::has(document))
                .button(document)
                .click()
                .await;
            page.heading(document).wait().await;
            let shown = "new Promise((done) => { const look = () => \
                document.querySelector('main pre, main article, main img, main .markdown, \
                main .empty') ? done(true) : setTimeout(look, 20); look() })";
            assert_eq!(page.evaluate(shown).await, true, "{document}");
        }
        assert_untouched(&browser, &page, &server.url()).await;
    });
}
