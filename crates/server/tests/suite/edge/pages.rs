//! What browsers are shown: headers, encodings, and that everything a page
//! refers to is there.

use std::collections::BTreeSet;
use std::io::Read;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use flate2::read::GzDecoder;
use tower::ServiceExt;

use crate::account::actor::World;

/// What a browser says of what it takes, when somebody opens an address.
const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

async fn ask(router: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: axum::body::to_bytes(body, usize::MAX)
            .await
            .unwrap()
            .to_vec(),
    }
}

async fn router() -> (World, Router) {
    let world = World::open().await;
    let router = sv_server::http::router(world.app.clone());
    (world, router)
}

/// Addresses that a page or style sheet refers to.
fn references(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (mark, end) in [("href=\"", '"'), ("src=\"", '"'), ("url(", ')')] {
        for rest in text.split(mark).skip(1) {
            found.insert(rest.split(end).next().unwrap().to_owned());
        }
    }
    found
}

#[tokio::test]
async fn everything_a_page_refers_to_is_there() {
    let (_world, router) = router().await;
    let mut due = vec!["/".to_owned(), "/signup".to_owned()];
    let mut seen = BTreeSet::new();
    let mut immutable = 0;
    while let Some(path) = due.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let answer = ask(&router, "GET", &path, &[BROWSER]).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_ne!(answer.header("content-type"), "", "{path}");
        if path.starts_with("/assets/") {
            immutable += 1;
            assert_eq!(
                answer.header("cache-control"),
                "public, max-age=31536000, immutable"
            );
        } else {
            assert!(["no-cache", "no-store"].contains(&answer.header("cache-control")));
        }
        let kind = answer.header("content-type").to_owned();
        if !kind.starts_with("text/html") && !kind.starts_with("text/css") {
            continue;
        }
        let text = answer.text();
        for (inline, what) in [
            ("style=\"", "a style"),
            ("<style", "styles"),
            (" onclick", "a script"),
        ] {
            assert!(!text.contains(inline), "{what} inline in {path}");
        }
        let ids: BTreeSet<_> = text.split("id=\"").skip(1).collect();
        for reference in references(&text) {
            if reference.starts_with("https://") || reference.contains("data:image/svg+xml") {
                continue;
            }
            let (target, place) = reference.split_once('#').unwrap_or((&reference, ""));
            assert!(
                target.is_empty() || target.starts_with('/'),
                "{reference} in {path}"
            );
            if target.is_empty() {
                let is_here = ids.iter().any(|id| id.starts_with(&format!("{place}\"")));
                assert!(is_here, "{reference} leads nowhere in {path}");
            } else {
                due.push(target.to_owned());
            }
        }
    }
    assert!(immutable >= 3, "{seen:?}");
}

/// All that a directive of the pages' policy may name: nobody else's host.
const KEYWORDS: [&str; 7] = [
    "'none'",
    "'self'",
    "'wasm-unsafe-eval'",
    "'script'",
    "blob:",
    "data:",
    "securevault",
];

fn directives(policy: &str) -> Vec<(&str, Vec<&str>)> {
    let parts = policy.split(';').map(str::split_whitespace);
    parts
        .filter_map(|mut words| Some((words.next()?, words.collect())))
        .collect()
}

#[tokio::test]
async fn pages_are_guarded_and_the_api_is_not_kept() {
    let (_world, router) = router().await;
    let page = ask(&router, "GET", "/", &[]).await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    let unsafe_ones: Vec<_> = policy.matches("unsafe").collect();
    let is_wasm_alone = policy.contains("script-src 'self' 'wasm-unsafe-eval';");
    assert!(is_wasm_alone && unsafe_ones.len() == 1, "{policy}");
    for (name, source) in directives(policy) {
        let outside = source.iter().filter(|one| !KEYWORDS.contains(one));
        let outside: Vec<_> = outside.collect();
        assert!(outside.is_empty(), "{name} lets {outside:?} in");
    }
    for wanted in [
        "require-trusted-types-for",
        "frame-ancestors",
        "base-uri",
        "form-action",
    ] {
        assert!(
            directives(policy).iter().any(|(name, _)| *name == wanted),
            "{wanted}"
        );
    }
    assert!(page.header("permissions-policy").contains("geolocation=()"));
    for (name, value) in [
        ("cache-control", "no-cache"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("vary", "accept-encoding"),
        ("accept-ranges", "none"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    for path in ["/v1/instance", "/v1/nothing", "/nothing", "/healthz/ready"] {
        let answer = ask(&router, "GET", path, &[("accept-encoding", "br, gzip")]).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("content-encoding"), "", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn each_encoding_is_the_same_file_under_a_tag_of_its_own() {
    let (_world, router) = router().await;
    let get = async |accept| ask(&router, "GET", "/", &[("accept-encoding", accept)]).await;
    let (plain, gzip, brotli) = (
        get("identity").await,
        get("gzip").await,
        get("gzip, br").await,
    );
    assert_eq!(plain.header("content-encoding"), "");
    assert_eq!(gzip.header("content-encoding"), "gzip");
    assert_eq!(brotli.header("content-encoding"), "br");
    let mut unpacked = Vec::new();
    GzDecoder::new(gzip.body.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);
    let mut unpacked = Vec::new();
    brotli::BrotliDecompress(&mut brotli.body.as_slice(), &mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    assert!(brotli.body.len() < gzip.body.len() && gzip.body.len() < plain.body.len());
    let tags: BTreeSet<_> = [&plain, &gzip, &brotli]
        .iter()
        .map(|answer| answer.header("etag").to_owned())
        .collect();
    assert_eq!(tags.len(), 3);
    for answer in [&plain, &gzip, &brotli] {
        assert_eq!(answer.header("vary"), "accept-encoding");
    }
    let none = get("identity;q=0").await;
    assert_eq!((none.status, none.body.len()), (406, 0));
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let (_world, router) = router().await;
    let gzip = ("accept-encoding", "gzip");
    let first = ask(&router, "GET", "/", &[gzip]).await;
    let tag = first.header("etag").to_owned();
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"x\", {tag}"),
        "*".to_owned(),
    ] {
        let answer = ask(&router, "GET", "/", &[gzip, ("if-none-match", &known)]).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
        assert_eq!(answer.header("etag"), tag);
        assert_eq!(answer.header("vary"), "accept-encoding");
        assert_eq!(answer.header("cache-control"), "no-cache");
    }
    // The tag of one encoding does not stand for another.
    let other = ask(
        &router,
        "GET",
        "/",
        &[("accept-encoding", "br"), ("if-none-match", &tag)],
    )
    .await;
    assert_eq!(other.status, 200);
    let part = ask(&router, "GET", "/", &[gzip, ("range", "bytes=0-9")]).await;
    assert_eq!(part.status, 200);
    assert_eq!(part.body, first.body);
    let head = ask(&router, "HEAD", "/", &[gzip]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), first.body.len().to_string());
    assert_eq!(head.header("etag"), tag);
}

#[tokio::test]
async fn people_and_programs_are_told_apart_where_nothing_is() {
    let (_world, router) = router().await;
    // A path that is no screen's, whether the web application is built in or not.
    let page = ask(&router, "GET", "/nothing.html", &[BROWSER]).await;
    assert_eq!(page.status, 404);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    assert!(page.text().contains("<h1>"));
    let old = ask(
        &router,
        "GET",
        "/assets/style.0123456789abcdef.css",
        &[BROWSER],
    )
    .await;
    assert_eq!(old.status, 404);
    assert_eq!(old.header("cache-control"), "no-store");
    for (method, path, headers) in [
        ("GET", "/nothing", &[][..]),
        ("GET", "/v1/nothing", &[BROWSER][..]),
        ("POST", "/nothing", &[BROWSER][..]),
        ("POST", "/", &[BROWSER][..]),
    ] {
        let answer = ask(&router, method, path, headers).await;
        assert_eq!(answer.status, 404, "{method} {path}");
        assert!(
            answer.text().contains("\"code\":\"not_found\""),
            "{method} {path}"
        );
    }
}
