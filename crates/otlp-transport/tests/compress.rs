//! Compression of requests.

#![cfg(feature = "gzip")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use bytes::Bytes;
use otlp_model::{Body, Encoding, ExportRequest, ExportResponse, Signal};
use otlp_transport::{
    BoxError, Compress, CompressLayer, Compression, Compressor, HttpError, RetryLayer, RetryPolicy,
};
use proptest::prelude::*;
use std::io::Read;
use std::sync::{Arc, Mutex};
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{Service, ServiceBuilder, ServiceExt};
use tower_test::mock;

type Mock = mock::Spawn<Compress<mock::Mock<ExportRequest, ExportResponse>>>;
type Handle = mock::Handle<ExportRequest, ExportResponse>;

fn stack(compression: Compression) -> (Mock, Handle) {
    mock::spawn_layer(CompressLayer::new(Compressor::new(compression).unwrap()))
}

/// What the layer hands on for `request`.
async fn passed(compression: Compression, request: ExportRequest) -> ExportRequest {
    let (mut service, mut handle) = stack(compression);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(request));
    assert_pending!(call.poll());
    let (passed, answer) = handle.next_request().await.unwrap();
    answer.send_response(ExportResponse::success());
    assert_ready_ok!(call.poll());
    passed
}

fn gunzip(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::bufread::MultiGzDecoder::new(body).read_to_end(&mut plain).unwrap();
    plain
}

static BODY: &[u8] = b"GET /users/42 GET /users/43 GET /users/44 GET /users/45";

fn request() -> ExportRequest {
    ExportRequest::new(Signal::Traces, 4, Bytes::from_static(BODY))
}

#[tokio::test]
async fn gzip_is_marked_and_can_be_read_by_an_independent_decoder() {
    // conf: COMP-01, COMP-02
    let sent = passed(Compression::Gzip, request()).await;
    assert_eq!(sent.encoding(), Encoding::Gzip);
    assert_eq!(gunzip(&sent.body().to_bytes()), BODY);
    assert!(sent.body().len() < BODY.len());
    assert_eq!(sent.items(), 4);
}

#[tokio::test]
async fn the_size_before_compression_stays_known() {
    // conf: COMP-06
    assert_eq!(passed(Compression::Gzip, request()).await.raw_len(), BODY.len());
}

#[tokio::test]
async fn without_compression_a_request_passes_as_it_is() {
    // conf: COMP-02, COMP-05, DEC-07
    let sent = passed(Compression::default(), request()).await;
    assert_eq!(sent.encoding(), Encoding::Identity);
    // The same memory, not an equal copy.
    assert_eq!(sent.body().to_bytes().as_ptr(), BODY.as_ptr());
}

#[tokio::test]
async fn empty_and_already_compressed_bodies_pass_as_they_are() {
    let empty = passed(Compression::Gzip, ExportRequest::new(Signal::Logs, 0, Bytes::new())).await;
    assert_eq!((empty.encoding(), empty.body().len()), (Encoding::Identity, 0));
    let zstd = request().with_encoding(Encoding::Zstd, Bytes::from_static(b"frame"));
    let zstd = passed(Compression::Gzip, zstd).await;
    assert_eq!((zstd.encoding(), &zstd.body().to_bytes()[..]), (Encoding::Zstd, &b"frame"[..]));
}

#[tokio::test(start_paused = true)]
async fn a_body_is_compressed_once_for_all_attempts() {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let terminal = {
        let bodies = Arc::clone(&bodies);
        move |request: ExportRequest| {
            let mut bodies = bodies.lock().unwrap();
            bodies.push(request.body().clone());
            let is_last = bodies.len() == 3;
            async move {
                if is_last { Ok(ExportResponse::success()) } else { Err(BoxError::from(HttpError::new(503))) }
            }
        }
    };
    let mut stack = ServiceBuilder::new()
        .layer(CompressLayer::new(Compressor::new(Compression::Gzip).unwrap()))
        .layer(RetryLayer::new(RetryPolicy::default()))
        .service_fn(terminal);
    stack.ready().await.unwrap().call(request()).await.unwrap();
    let bodies = bodies.lock().unwrap();
    // conf: RETRY-01
    assert_eq!(bodies.len(), 3);
    assert!(
        bodies.iter().all(|body| body.to_bytes().as_ptr() == bodies[0].to_bytes().as_ptr()),
        "every attempt shares the bytes"
    );
}

#[test]
fn levels_out_of_range_are_refused() {
    let gzip = || Compressor::new(Compression::Gzip).unwrap();
    assert!(gzip().with_level(0).is_ok() && gzip().with_level(9).is_ok());
    let error = gzip().with_level(10).unwrap_err();
    assert_eq!(error.to_string(), "compression level 10: gzip has levels 0 to 9");
    let error = Compressor::new(Compression::None).unwrap().with_level(1).unwrap_err();
    assert_eq!(error.to_string(), "compression level: there is none without compression");
}

#[cfg(not(feature = "zstd"))]
#[test]
fn what_the_build_lacks_is_refused_by_the_name_of_its_feature() {
    // conf: COMP-08
    let error = Compressor::new(Compression::Zstd).unwrap_err();
    let text = "compression option `zstd`: this build lacks it; enable the cargo feature `zstd`";
    assert_eq!(error.to_string(), text);
}

#[cfg(feature = "zstd")]
#[tokio::test]
async fn zstd_is_marked_and_can_be_read() {
    // conf: COMP-08
    let sent = passed(Compression::Zstd, request()).await;
    assert_eq!(sent.encoding(), Encoding::Zstd);
    assert_eq!(zstd::stream::decode_all(&sent.body().to_bytes()[..]).unwrap(), BODY);
    let error = Compressor::new(Compression::Zstd).unwrap().with_level(0).unwrap_err();
    assert_eq!(error.to_string(), "compression level 0: zstd has levels 1 to 22");
}

/// Bodies from empty to incompressible, some longer than the compressor's first guess.
fn bodies() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20_000),
        (any::<u8>(), 0..200_000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ];
    prop::collection::vec(body, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn one_compressor_serves_any_bodies_one_after_the_other(bodies in bodies(), level in 0..=9_u32) {
        let gzip = Compressor::new(Compression::Gzip).unwrap().with_level(level).unwrap();
        for body in &bodies {
            prop_assert_eq!(&gunzip(&gzip.compress(body).unwrap()), body);
        }
        let sliced: Body = bodies.iter().cloned().map(Bytes::from).collect();
        prop_assert_eq!(gunzip(&gzip.compress_body(&sliced).unwrap()), bodies.concat());
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn one_zstd_compressor_serves_any_bodies_one_after_the_other(bodies in bodies(), level in 1..=5_u32) {
        let zstd = Compressor::new(Compression::Zstd).unwrap().with_level(level).unwrap();
        for body in &bodies {
            prop_assert_eq!(&zstd::stream::decode_all(&zstd.compress(body).unwrap()[..]).unwrap(), body);
        }
        let sliced: Body = bodies.iter().cloned().map(Bytes::from).collect();
        let compressed = zstd.compress_body(&sliced).unwrap();
        prop_assert_eq!(zstd::stream::decode_all(&compressed[..]).unwrap(), bodies.concat());
        // One frame, which tells its length.
        let length = zstd::zstd_safe::get_frame_content_size(&compressed).unwrap();
        prop_assert_eq!(length, Some(sliced.len() as u64));
    }
}
