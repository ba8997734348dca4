//! The web page, which is part of the binary: files that `web/build` made, with headers for a page that loads nothing from
//! anybody else.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderName, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// A file of the page.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal $content_type:literal)*) => {
        &[$(Asset {
            name: $name,
            content_type: $content_type,
            bytes: include_bytes!(concat!("../../../web/dist/assets/", $name)),
        }),*]
    };
}

const INDEX: Asset = Asset {
    name: "index.html",
    content_type: "text/html; charset=utf-8",
    bytes: include_bytes!("../../../web/dist/index.html"),
};

const ASSETS: &[Asset] = assets! {
    "app.css" "text/css; charset=utf-8"
    "app.js" "text/javascript; charset=utf-8"
    "browser.wasm" "application/wasm"
    "icon.svg" "image/svg+xml"
    "inter.woff2" "font/woff2"
    "jetbrains-mono.woff2" "font/woff2"
    "licences.txt" "text/plain; charset=utf-8"
    "theme-first.js" "text/javascript; charset=utf-8"
    "worker.js" "text/javascript; charset=utf-8"
};

/// What is sent of a file, and what it hashes to, so that a browser asks for each version once.
struct Sent {
    tag: HeaderValue,
    bytes: Bytes,
}

impl Sent {
    fn new(bytes: Bytes) -> Self {
        let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&bytes)[..16]));
        Self { tag: HeaderValue::from_str(&tag).expect("hexadecimal digits are a header's value"), bytes }
    }
}

/// By a file's name: as it is, and compressed where that makes it smaller.
static SENT: LazyLock<Vec<(&'static str, Sent, Option<Sent>)>> = LazyLock::new(|| {
    let files = std::iter::once(&INDEX).chain(ASSETS);
    files
        .map(|asset| {
            let compressed = gzip(asset.bytes).filter(|bytes| bytes.len() < asset.bytes.len() * 9 / 10);
            (asset.name, Sent::new(Bytes::from_static(asset.bytes)), compressed.map(Sent::new))
        })
        .collect()
});

fn gzip(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// Whether a client says that it takes gzip.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    codings.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().to_ascii_lowercase();
        let weight = weight.strip_prefix("q=").unwrap_or("1");
        name.trim().eq_ignore_ascii_case("gzip") && weight.parse().is_ok_and(|weight: f32| weight > 0.0)
    })
}

/// The page at `/`, its files at `/assets/…`.
///
/// `connect` are origins besides the server's own that the page may ask: the server of the shards, so that browsers take samples
/// themselves, and the chain's node, for what the contract says. Those that are no origins are left out.
pub fn router(connect: &[String]) -> Router {
    let policy = policy(connect);
    // Compressed now, and not while somebody waits.
    LazyLock::force(&SENT);
    Router::new()
        .route("/", get(index))
        .route("/index.html", get(index))
        .route("/assets/{name}", get(asset))
        .with_state(policy)
}

/// Nothing from anybody else, no inline scripts or styles, no frames; wasm may be compiled.
fn policy(connect: &[String]) -> HeaderValue {
    let is_origin = |origin: &&String| {
        let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        rest.is_some_and(|host| {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte))
        })
    };
    let others: String = connect.iter().filter(is_origin).map(|origin| format!(" {origin}")).collect();
    let policy = format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'{others}; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

async fn index(State(policy): State<HeaderValue>, headers: HeaderMap) -> Response {
    serve(&INDEX, policy, &headers)
}

async fn asset(State(policy): State<HeaderValue>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) => serve(asset, policy, &headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn serve(asset: &Asset, policy: HeaderValue, headers: &HeaderMap) -> Response {
    let Some((_, plain, compressed)) = SENT.iter().find(|(name, ..)| *name == asset.name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let compressed = compressed.as_ref().filter(|_| takes_gzip(headers));
    let sent = compressed.unwrap_or(plain);
    let known = headers.get_all(IF_NONE_MATCH).iter().any(|value| *value == sent.tag);
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Body::from(sent.bytes.clone()).into_response(),
    };
    if compressed.is_some() {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    let resource = HeaderName::from_static("cross-origin-resource-policy");
    for (name, value) in [
        (CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (ETAG, sent.tag.clone()),
        (VARY, HeaderValue::from_static("accept-encoding")),
        // Kept, and asked about each time: the answer is short where it is still the same.
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (opener, HeaderValue::from_static("same-origin")),
        (resource, HeaderValue::from_static("same-origin")),
    ] {
        response.headers_mut().insert(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path as FilePath;

    use super::*;

    fn dist() -> &'static FilePath {
        FilePath::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/dist"))
    }

    #[test]
    fn every_file_that_was_built_is_served() {
        let mut built: Vec<String> = fs::read_dir(dist().join("assets"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        built.sort();
        let served: Vec<&str> = ASSETS.iter().map(|asset| asset.name).collect();
        assert_eq!(built, served);
    }

    #[test]
    fn the_files_are_those_whose_sums_are_committed() {
        let sums = fs::read_to_string(dist().join("SHA256SUMS")).unwrap();
        for asset in std::iter::once(&INDEX).chain(ASSETS) {
            let folder = if asset.name == INDEX.name { "" } else { "assets/" };
            let line = format!("{}  ./{folder}{}", hex::encode(Sha256::digest(asset.bytes)), asset.name);
            assert!(sums.lines().any(|known| known == line), "{line}");
        }
    }

    #[test]
    fn the_page_names_no_other_host_than_the_one_of_the_credit() {
        for asset in [&INDEX].into_iter().chain(ASSETS.iter().filter(|asset| asset.name.ends_with("css"))) {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            assert!(!text.contains("http://") && !text.contains("https://"), "{}", asset.name);
        }
    }

    #[test]
    fn the_policy_takes_origins_and_nothing_else() {
        let others = ["http://127.0.0.1:7703", "https://x.example; script-src *", "ftp://x", "http://"];
        let policy = policy(&others.map(String::from));
        let policy = policy.to_str().unwrap();
        assert!(policy.contains("connect-src 'self' http://127.0.0.1:7703;"), "{policy}");
        assert!(!policy.contains('*') && !policy.contains("ftp"), "{policy}");
    }

    #[test]
    fn what_a_browser_has_is_not_sent_again() {
        let policy = policy(&[]);
        let first = serve(&INDEX, policy.clone(), &HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, first.headers()[ETAG].clone());
        assert_eq!(serve(&INDEX, policy.clone(), &headers).status(), StatusCode::NOT_MODIFIED);
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("\"other\""));
        assert_eq!(serve(&INDEX, policy, &headers).status(), StatusCode::OK);
    }

    #[test]
    fn who_takes_gzip_gets_the_same_file_smaller() {
        use std::io::Read as _;

        let script = ASSETS.iter().find(|asset| asset.name == "app.js").unwrap();
        let answer = |coding: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(coding));
            serve(script, policy(&[]), &headers)
        };
        let compressed = answer("br, GZIP;q=0.5");
        assert_eq!(compressed.headers()[CONTENT_ENCODING], "gzip");
        assert_eq!(compressed.headers()[VARY], "accept-encoding");
        for refused in ["identity", "gzip;q=0", "gzip; Q=0", "gzipped", ""] {
            let plain = answer(refused);
            assert!(!plain.headers().contains_key(CONTENT_ENCODING), "{refused}");
            assert_ne!(plain.headers()[ETAG], compressed.headers()[ETAG]);
        }
        for (name, plain, compressed) in SENT.iter() {
            let Some(compressed) = compressed else { continue };
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(&compressed.bytes[..]).read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes, plain.bytes, "{name}");
        }
        let shrunk = SENT.iter().filter(|(_, _, compressed)| compressed.is_some()).map(|(name, ..)| *name);
        assert!(shrunk.eq([
            "index.html",
            "app.css",
            "app.js",
            "browser.wasm",
            "icon.svg",
            "licences.txt",
            "theme-first.js",
            "worker.js"
        ]));
    }
}
