//! What of gRPC shows in HTTP: which requests are calls, and where a call's status is. Pure; bodies are not looked into.

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use std::borrow::Cow;

const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// A status code of gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(u8);

impl Code {
    pub(crate) const CANCELLED: Self = Self(1);
    pub(crate) const UNKNOWN: Self = Self(2);
    const PERMISSION_DENIED: Self = Self(7);
    pub(crate) const UNIMPLEMENTED: Self = Self(12);
    const INTERNAL: Self = Self(13);
    const UNAVAILABLE: Self = Self(14);
    const UNAUTHENTICATED: Self = Self(16);

    /// The status in these headers or trailers. One that is not a code is `UNKNOWN`.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let code = headers.get("grpc-status")?.to_str().ok().and_then(|text| text.parse().ok());
        Some(code.filter(|code| usize::from(*code) < NAMES.len()).map_or(Self::UNKNOWN, Self))
    }

    /// What an answer without a status of gRPC means, as the protocol maps it: it came from something else in between.
    pub(crate) fn of_http(status: StatusCode) -> Self {
        match status.as_u16() {
            400 => Self::INTERNAL,
            401 => Self::UNAUTHENTICATED,
            403 => Self::PERMISSION_DENIED,
            404 => Self::UNIMPLEMENTED,
            429 | 502 | 503 | 504 => Self::UNAVAILABLE,
            _ => Self::UNKNOWN,
        }
    }

    /// The name in the protocol's documentation, as the conventions want it.
    pub(crate) fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or("UNKNOWN")
    }

    /// Whether the call failed, as its client sees it.
    pub(crate) fn is_client_error(self) -> bool {
        self.0 != 0
    }

    /// Whether the server failed; what a client did wrong, or gave up, is no failure of the server.
    pub(crate) fn is_server_error(self) -> bool {
        matches!(self.0, 2 | 4 | 12 | 13 | 14 | 15)
    }
}

/// Whether a request is a call of gRPC. gRPC-Web is not: it hides its trailers in the body.
pub(crate) fn is_call(request: &Parts) -> bool {
    let Some(kind) = request.headers.get(CONTENT_TYPE).filter(|_| request.method == Method::POST) else {
        return false;
    };
    let rest = kind.as_bytes().strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}

/// The method that a path names: `package.Service/Method`.
pub(crate) fn method(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

/// What the server said beside the code, which travels percent-encoded.
pub(crate) fn message(headers: &HeaderMap) -> Cow<'_, str> {
    let message = headers.get("grpc-message").map_or(&[][..], http::HeaderValue::as_bytes);
    percent_encoding::percent_decode(message).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn calls_are_known_by_their_content_type() {
        for (kind, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc;charset=x", true),
            ("application/grpc-web+proto", false),
            ("application/json", false),
        ] {
            let request = |method: &str| {
                let request = http::Request::builder().method(method).header("content-type", kind);
                request.body(()).unwrap().into_parts().0
            };
            assert_eq!(is_call(&request("POST")), expected, "{kind}");
            assert!(!is_call(&request("GET")));
        }
        assert!(!is_call(&http::Request::post("/").body(()).unwrap().into_parts().0));
    }

    #[test]
    fn whatever_stands_for_a_status_has_a_name() {
        let name = |text: &str| Code::of(&headers("grpc-status", text)).map(Code::name);
        let known: Vec<_> = (0..17).map(|code: u8| name(&code.to_string()).unwrap()).collect();
        assert_eq!(known, NAMES);
        for text in ["17", "-1", "256", "x", ""] {
            assert_eq!(name(text), Some("UNKNOWN"), "{text}");
        }
        assert_eq!(Code::of(&HeaderMap::new()), None);
    }

    #[test]
    fn client_and_server_see_the_same_code_differently() {
        let failed = |is_error: fn(Code) -> bool| -> Vec<&str> {
            (0..17).map(Code).filter(|code| is_error(*code)).map(Code::name).collect()
        };
        assert_eq!(failed(Code::is_client_error), NAMES[1..]);
        assert_eq!(
            failed(Code::is_server_error),
            ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"]
        );
    }

    #[test]
    fn an_answer_of_a_proxy_becomes_a_code() {
        let name = |status| Code::of_http(StatusCode::from_u16(status).unwrap()).name();
        assert_eq!(
            [400, 401, 403, 404].map(name),
            ["INTERNAL", "UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED"]
        );
        assert_eq!([429, 502, 503, 504].map(name), ["UNAVAILABLE"; 4]);
        assert_eq!([200, 302, 500].map(name), ["UNKNOWN"; 3]);
    }

    #[test]
    fn messages_are_decoded_whatever_they_hold() {
        assert_eq!(message(&headers("grpc-message", "no such item: caf%C3%A9")), "no such item: café");
        assert_eq!(message(&headers("grpc-message", "100% %zz")), "100% %zz");
        assert_eq!(message(&HeaderMap::new()), "");
    }
}
