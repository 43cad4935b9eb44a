//! Which path is answered with what, and the headers that every answer has.
//!
//! Used by the server of the page alone. Reads the store, and neither waits nor writes.

use super::{answers, page, query};
use crate::serve::host;
use crate::serve::search::Search;
use crate::serve::store::Store;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::Value;
use std::net::SocketAddr;

/// The page takes scripts, styles and data from here and nowhere else, is in no frame, and sends no form.
const POLICY: &str =
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// What a list holds at most, whatever is asked for.
const MOST: usize = 10_000;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// Answers the request with this head that came to `local`.
pub(super) fn answer(head: &Parts, local: SocketAddr, store: &Store) -> Response<Full<Bytes>> {
    let named = head.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    if !named.is_some_and(|named| host::is_ours(named, local.ip())) {
        return plain(StatusCode::FORBIDDEN, "this page is for its own address and localhost only\n");
    }
    if head.method != Method::GET && head.method != Method::HEAD {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "GET it\n");
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let path = head.uri.path();
    // Another site's page can't read the answer to a search, but can measure how long it takes and make many. By a link it may
    // lead to our page.
    let site = head.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if path.starts_with("/api/") && site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return plain(StatusCode::FORBIDDEN, "this is for the page itself\n");
    }
    match path.strip_prefix("/api/") {
        Some(path) => match data(path, head.uri.query().unwrap_or_default(), store) {
            Some(value) => response(StatusCode::OK, JSON, value.to_string().into()),
            None => missing(),
        },
        None => match page::file(path) {
            Some((kind, text)) => response(StatusCode::OK, kind, Bytes::from_static(text.as_bytes())),
            None => missing(),
        },
    }
}

fn data(path: &str, query: &str, store: &Store) -> Option<Value> {
    let search = || Search::new(&query::value(query, "search").unwrap_or_default());
    let most = query::value(query, "limit").and_then(|it| it.parse().ok()).unwrap_or(MOST).min(MOST);
    // One more than is asked for, to know whether there is more.
    Some(match path {
        "state" => answers::state(&store.totals()),
        "traces" => answers::traces(&store.traces(&search(), most + 1), most),
        "logs" => answers::logs(&store.logs(&search(), most + 1), most),
        "metrics" => answers::metrics(&store.metrics(&search(), most + 1), most),
        _ => {
            let trace = store.trace(path.strip_prefix("traces/")?.parse().ok()?);
            let known = query::value(query, "known").unwrap_or_default();
            answers::trace(&trace.unwrap_or_default(), &known)
        }
    })
}

/// When the answer could not be made.
pub(super) fn failed() -> Response<Full<Bytes>> {
    plain(StatusCode::INTERNAL_SERVER_ERROR, "this should not happen\n")
}

fn missing() -> Response<Full<Bytes>> {
    plain(StatusCode::NOT_FOUND, "there is no such page\n")
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    response(status, TEXT, Bytes::from_static(text.as_bytes()))
}

fn response(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        // What arrives changes the answers, and a new version of the command the page.
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::store::Keep;
    use http::Request;

    const LOCAL: &str = "127.0.0.1:4319";

    fn asked(method: &str, path: &str, host: Option<&str>) -> Response<Full<Bytes>> {
        asked_from("", method, path, host)
    }

    /// From a page, which browsers say, of the same site or another.
    fn asked_from(site: &str, method: &str, path: &str, host: Option<&str>) -> Response<Full<Bytes>> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        if !site.is_empty() {
            request = request.header("sec-fetch-site", site);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        answer(&head, LOCAL.parse().unwrap(), &Store::new(Keep::Items(10)))
    }

    #[test]
    fn only_this_machine_is_answered() {
        for path in ["/", "/api/state", "/nothing"] {
            assert_eq!(asked("GET", path, Some("evil.example:4319")).status(), StatusCode::FORBIDDEN);
            assert_eq!(asked("GET", path, None).status(), StatusCode::FORBIDDEN);
        }
        assert_eq!(asked("GET", "/", Some("localhost:4319")).status(), StatusCode::OK);
    }

    #[test]
    fn pages_of_others_may_lead_here_and_ask_nothing() {
        for (site, path, status) in [
            ("same-origin", "/api/traces?search=secret", 200),
            ("none", "/api/traces?search=secret", 200),
            ("same-site", "/api/traces?search=secret", 403),
            ("cross-site", "/api/traces?search=secret", 403),
            ("cross-site", "/", 200),
        ] {
            assert_eq!(asked_from(site, "GET", path, Some(LOCAL)).status(), status, "{site} {path}");
        }
    }

    #[test]
    fn every_answer_confines_the_page_and_allows_no_other_origin() {
        for (path, status) in [("/", 200), ("/app.js", 200), ("/api/traces", 200), ("/../secret", 404)] {
            let answer = asked("GET", path, Some(LOCAL));
            assert_eq!(answer.status(), status, "{path}");
            let has = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
            assert!(has("content-security-policy").unwrap().starts_with("default-src 'self';"));
            assert_eq!(has("x-content-type-options"), Some("nosniff"));
            assert_eq!(has("cross-origin-resource-policy"), Some("same-origin"));
            assert_eq!(has("access-control-allow-origin"), None);
        }
    }

    #[test]
    fn what_is_not_there_and_what_would_change_something_is_refused() {
        for path in ["/api/", "/api/traces/12", "/api/traces/", "/api/other", "/page/index.html"] {
            assert_eq!(asked("GET", path, Some(LOCAL)).status(), StatusCode::NOT_FOUND, "{path}");
        }
        let refused = asked("POST", "/api/traces", Some(LOCAL));
        assert_eq!(
            (refused.status(), &refused.headers()[header::ALLOW]),
            (StatusCode::METHOD_NOT_ALLOWED, &HeaderValue::from_static("GET, HEAD"))
        );
        // A trace that has not arrived yet is no mistake: a link may be there before it.
        assert_eq!(asked("GET", &format!("/api/traces/{:032x}", 7), Some(LOCAL)).status(), StatusCode::OK);
    }
}
