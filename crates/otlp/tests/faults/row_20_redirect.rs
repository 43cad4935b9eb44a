//! Row 20: the collector answers with a redirect. It is not followed, since that could turn the POST into a GET and carry
//! credentials to another host; the error names where it points to, and the data is dropped and counted.

use crate::support::{books, builder, retry_soon};
use otlp::{DropReason, ErrorKind, Protocol, Token};
use otlp_testkit::{Collector, Reply};

const SECRET: &str = "c4nary-of-row-20";

#[tokio::test]
async fn no_redirect_is_followed_and_all_are_told() {
    // conf: HTTP-20, HDR-09
    let other = Collector::builder().http().start().await.unwrap();
    let elsewhere = other.http_endpoint();
    let authority = elsewhere.strip_prefix("http://").unwrap();
    for status in [301, 302, 303, 307, 308] {
        for (location, shown) in [
            (format!("{elsewhere}/v1/traces"), format!("{elsewhere}/v1/traces")),
            (format!("http://user:{SECRET}@{authority}/?key={SECRET}#{SECRET}"), format!("{elsewhere}/")),
            (format!("//{authority}/v1/traces"), format!("//{authority}/v1/traces")),
            ("/v2/traces".to_owned(), "/v2/traces".to_owned()),
        ] {
            let reply = Reply::http_status(status).with_header("location", &location);
            let collector = Collector::builder().http().reply(reply).start().await.unwrap();
            let client = builder(collector.http_endpoint())
                .with_protocol(Protocol::Http)
                .with_header("x-api-key", SECRET)
                .with_credentials(|| async { Token::bearer(SECRET) })
                .with_retry_config(retry_soon())
                .build()
                .await
                .unwrap();
            let checked = client.health_check().await.unwrap_err();
            assert_eq!(checked.kind(), ErrorKind::Refused, "{checked}");

            client.tracer("t").start("s").end();
            let error = client.flush().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Lost);
            for error in [&checked, &error] {
                let text = error.to_string();
                let told = format!("answered {status}, a redirect to {shown}, which is not followed");
                assert!(text.contains(&told), "{text}");
                assert!(!text.contains(SECRET) && !format!("{error:?}").contains(SECRET), "{error:?}");
            }
            let report = books(Err(error));
            assert_eq!(
                (report.accepted(), report.dropped().get(DropReason::NotRetryable)),
                (1, 1),
                "{report}"
            );
            assert_eq!(collector.tally().calls(), 2, "the check and the span, neither of them again");
        }
    }
    assert_eq!((other.tally().calls(), other.malformed().len()), (0, 0), "nobody came to the other host");
}

#[tokio::test]
async fn a_redirect_over_grpc_is_a_refusal_as_well() {
    // conf: HTTP-20, GRPC-07
    let other = Collector::builder().grpc().start().await.unwrap();
    for status in [301, 302, 303, 307, 308] {
        let reply = Reply::body("", "text/html")
            .with_http_status(status)
            .with_header("location", &format!("{}/?key={SECRET}", other.grpc_endpoint()));
        let collector = Collector::builder().grpc().reply(reply).start().await.unwrap();
        let client = builder(collector.grpc_endpoint())
            .with_header("x-api-key", SECRET)
            .with_retry_config(retry_soon())
            .build()
            .await
            .unwrap();
        client.tracer("t").start("s").end();
        let error = client.flush().await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("answered UNKNOWN") && text.contains(&status.to_string()), "{text}");
        assert!(!text.contains(SECRET), "{text}");
        assert_eq!(books(Err(error)).dropped().get(DropReason::NotRetryable), 1);
        assert_eq!(collector.tally().calls(), 1);
    }
    assert_eq!((other.tally().calls(), other.malformed().len()), (0, 0));
}

#[tokio::test]
async fn a_redirect_without_a_place_or_with_nonsense_is_told_on_one_line() {
    // conf: HTTP-20
    for (location, told) in [
        (None, "answered 302, a redirect, which is not followed"),
        (Some("x\u{9}y"), "answered 302, a redirect to x y, which is not followed"),
    ] {
        let mut reply = Reply::http_status(302);
        if let Some(location) = location {
            reply = reply.with_header("location", location);
        }
        let collector = Collector::builder().http().reply(reply).start().await.unwrap();
        let client = builder(collector.http_endpoint()).with_protocol(Protocol::Http).build().await.unwrap();
        let text = client.health_check().await.unwrap_err().to_string();
        assert!(text.contains(told) && !text.contains('\n'), "{text}");
    }
}
