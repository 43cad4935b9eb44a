//! Headers as a user configures them, and the layer that adds them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use bytes::Bytes;
use otlp_model::{ExportRequest, ExportResponse, Signal};
use otlp_transport::{BoxError, HeaderProblem, Headers, HeadersLayer, HttpError, RetryLayer, RetryPolicy};
use proptest::prelude::*;
use std::sync::{Arc, Mutex};
use tower::{Service, ServiceBuilder, ServiceExt};

fn parsed(list: &str) -> Vec<(String, String)> {
    Headers::parse(list).unwrap().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_list_is_split_at_commas_and_at_the_first_equals_sign() {
    // conf: HDR-01, HDR-03
    assert_eq!(parsed("api-key=dGVzdA==,x=1"), pairs(&[("api-key", "dGVzdA=="), ("x", "1")]));
    assert_eq!(parsed("a=1;b=2"), pairs(&[("a", "1;b=2")]));
    assert_eq!(parsed(""), pairs(&[]));
    assert_eq!(parsed(" , ,a=1,"), pairs(&[("a", "1")]));
    assert_eq!(parsed("empty="), pairs(&[("empty", "")]));
}

#[test]
fn values_are_percent_decoded_and_names_are_not() {
    // conf: HDR-02
    assert_eq!(parsed("a=x%20y%2Cz+1"), pairs(&[("a", "x y,z+1")]));
    assert_eq!(parsed("a=100%"), pairs(&[("a", "100%")]));
    let error = Headers::parse("%61=1").unwrap_err();
    assert_eq!(*error.problems()[0].problem(), HeaderProblem::IllegalName);
}

#[test]
fn spaces_around_names_and_values_are_trimmed() {
    // conf: HDR-04
    assert_eq!(parsed(" a = Bearer x y \t, b\t=2"), pairs(&[("a", "Bearer x y"), ("b", "2")]));
}

#[test]
fn every_malformed_member_is_told_by_position_and_the_others_apply() {
    // conf: HDR-05
    let error = Headers::parse("good=1,bad,=2,te=3,nl=a%0Ab,utf=%FF,k-bin=***,x y=4,also=5").unwrap_err();
    let positions: Vec<_> = error.problems().iter().map(|problem| problem.position()).collect();
    assert_eq!(positions, [2, 3, 4, 5, 6, 7, 8]);
    let problems: Vec<_> = error.problems().iter().map(|problem| problem.problem().clone()).collect();
    assert_eq!(problems[0], HeaderProblem::NoSeparator);
    assert_eq!(problems[1], HeaderProblem::IllegalName);
    assert!(matches!(&problems[2], HeaderProblem::Invalid(invalid) if invalid.name() == "te"));
    assert!(matches!(&problems[3], HeaderProblem::Invalid(invalid) if invalid.name() == "nl"));
    assert_eq!(problems[4], HeaderProblem::NotUtf8);
    assert!(matches!(&problems[5], HeaderProblem::Invalid(invalid) if invalid.name() == "k-bin"));
    assert_eq!(problems[6], HeaderProblem::IllegalName);
    assert_eq!(error.into_valid().names().collect::<Vec<_>>(), ["good", "also"]);
}

#[test]
fn the_last_of_equal_names_holds_whatever_their_case() {
    assert_eq!(parsed("A=1,b=2,a=3"), pairs(&[("a", "3"), ("b", "2")]));
}

#[test]
fn what_frames_a_request_cannot_be_set() {
    // conf: HDR-08, GRPC-11
    for name in
        ["content-type", "Content-Length", "content-encoding", "te", "grpc-timeout", "Host", "connection"]
    {
        let error = Headers::new().insert(name, "x").unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    assert!(Headers::new().insert("x", "a\r\nb: c").is_err());
    assert!(Headers::new().insert("x-bin", "AAE=").is_ok());
}

#[test]
fn no_text_shows_a_value() {
    // conf: HDR-09
    let list = "ok=hunter2,te=hunter2,hunter2,bad name hunter2=x,nl=hunter2%0A,api-key: hunter2=";
    let error = Headers::parse(list).unwrap_err();
    let texts = [format!("{error}"), format!("{error:?}")];
    let headers = error.into_valid();
    let layer = HeadersLayer::new(headers.clone());
    for text in texts.into_iter().chain([format!("{headers:?}"), format!("{layer:?}")]) {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert_eq!(headers.get("OK"), Some("hunter2"));
}

fn request() -> ExportRequest {
    ExportRequest::new(Signal::Traces, 1, Bytes::from_static(b"x"))
}

#[tokio::test(start_paused = true)]
async fn every_attempt_carries_them() {
    // conf: HDR-07
    let seen = Arc::new(Mutex::new(Vec::new()));
    let terminal = {
        let seen = Arc::clone(&seen);
        move |request: ExportRequest| {
            let mut seen = seen.lock().unwrap();
            seen.push(request.headers().to_vec());
            let is_last = seen.len() == 3;
            async move {
                if is_last { Ok(ExportResponse::success()) } else { Err(BoxError::from(HttpError::new(503))) }
            }
        }
    };
    let mut stack = ServiceBuilder::new()
        .layer(RetryLayer::new(RetryPolicy::default()))
        .layer(HeadersLayer::new(Headers::parse("API-Key=abc").unwrap()))
        .service_fn(terminal);
    stack.ready().await.unwrap().call(request()).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), vec![pairs(&[("api-key", "abc")]); 3]);
}

#[tokio::test]
async fn what_a_layer_above_set_for_the_request_is_left_alone() {
    let mut stack = ServiceBuilder::new()
        .map_request(|mut request: ExportRequest| {
            request.add_header("Authorization", "fresh");
            request
        })
        .layer(HeadersLayer::new(Headers::parse("authorization=stale,x=1").unwrap()))
        .service_fn(|request: ExportRequest| async move {
            assert_eq!(request.headers(), pairs(&[("authorization", "fresh"), ("x", "1")]));
            Ok::<_, BoxError>(ExportResponse::success())
        });
    stack.ready().await.unwrap().call(request()).await.unwrap();
}

proptest! {
    #[test]
    fn any_text_parses_without_panic_and_keeps_only_what_may_be_sent(list in ".{0,80}") {
        let headers = Headers::parse(&list).unwrap_or_else(|error| {
            assert!(!error.problems().is_empty());
            error.into_valid()
        });
        for (name, value) in headers.iter() {
            prop_assert!(otlp_transport::check_header(name, value).is_ok());
            prop_assert_eq!(name, name.to_ascii_lowercase());
        }
    }

    #[test]
    fn a_list_of_encoded_values_round_trips(values in prop::collection::vec("[ -~]{0,20}", 0..5)) {
        let list: Vec<_> = values.iter().enumerate().map(|(index, value)| {
            let encoded = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
            format!("name{index}={encoded}")
        }).collect();
        let headers = Headers::parse(&list.join(",")).unwrap();
        let read: Vec<_> = headers.iter().map(|(_, value)| value.to_owned()).collect();
        prop_assert_eq!(read, values);
    }
}
