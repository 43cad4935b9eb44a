//! Requests cut in two, against prost: what is in the halves is what was in the whole, in order, under the same heads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use bytes::Bytes;
use opentelemetry_proto::tonic::logs::v1::LogsData;
use opentelemetry_proto::tonic::metrics::v1::MetricsData;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use otlp_model::*;
use proptest::prelude::*;
use prost::Message;

/// A record with what it stands under, all encoded by prost.
type Sent = (Vec<u8>, Vec<u8>, Vec<u8>);

macro_rules! decode {
    ($body:expr, $data:ident, $resources:ident, $scopes:ident, $items:ident) => {{
        let mut sent = Vec::new();
        for mut resource in $data::decode($body).expect("a half is a valid request").$resources {
            let scopes = std::mem::take(&mut resource.$scopes);
            assert!(!scopes.is_empty(), "a resource without scopes");
            for mut scope in scopes {
                let items = std::mem::take(&mut scope.$items);
                assert!(!items.is_empty(), "a scope without records");
                // With the schema URLs, and whatever else is beside the records.
                let heads = (resource.encode_to_vec(), scope.encode_to_vec());
                let item = |item: &_| (heads.0.clone(), heads.1.clone(), Message::encode_to_vec(item));
                sent.extend(items.iter().map(item));
            }
        }
        sent
    }};
}

fn decode(request: &ExportRequest) -> Vec<Sent> {
    let body = &*request.body().to_bytes();
    match request.signal() {
        Signal::Traces => decode!(body, TracesData, resource_spans, scope_spans, spans),
        Signal::Metrics => decode!(body, MetricsData, resource_metrics, scope_metrics, metrics),
        _ => decode!(body, LogsData, resource_logs, scope_logs, log_records),
    }
}

fn registry() -> (Groups, Vec<GroupId>) {
    let groups = Groups::new();
    let mut ids = Vec::new();
    for service in ["a", "b", "c"] {
        let resource = Resource {
            schema_url: format!("https://{service}").into(),
            ..Resource::new().with("service.name", service)
        };
        for scope in ["", "x"] {
            let scope =
                InstrumentationScope { schema_url: "https://s".into(), ..InstrumentationScope::new(scope) };
            ids.push(groups.register(&resource, &scope));
        }
    }
    (groups, ids)
}

fn record(signal: Signal, group: GroupId, number: u64, weight: usize, points: usize) -> Record {
    let text = "x".repeat(weight);
    match signal {
        Signal::Logs => LogRecord::new(number, Severity::Info, text).to_record(group, &Limits::default()),
        Signal::Metrics => {
            let data_points = (0..points).map(|_| NumberDataPoint::new(0, number, 7)).collect();
            Metric::new(text, Gauge { data_points }).to_record(group)
        }
        _ => SpanData::new(SpanContext::default(), text, number, 0).to_record(group, &Limits::default()),
    }
}

fn request(signal: Signal, shapes: &[(usize, usize, usize)]) -> Option<ExportRequest> {
    let (groups, ids) = registry();
    let records: Vec<_> = (1..)
        .zip(shapes)
        .map(|(number, &(group, weight, points))| record(signal, ids[group], number, weight, points))
        .collect();
    assemble(&groups, signal, &records, RequestLimits::default()).requests.pop()
}

/// The same bytes in other slices.
fn in_slices(request: &ExportRequest, mut cuts: Vec<usize>) -> ExportRequest {
    let bytes = request.body().to_bytes();
    cuts.extend([0, bytes.len()]);
    cuts.iter_mut().for_each(|at| *at %= bytes.len() + 1);
    cuts.sort_unstable();
    let slices = cuts.windows(2).map(|range| Bytes::copy_from_slice(&bytes[range[0]..range[1]]));
    ExportRequest::new(request.signal(), request.items(), slices.collect::<Body>())
}

/// Cut until nothing can be cut any more.
fn leaves(request: &ExportRequest) -> Vec<ExportRequest> {
    match request.split() {
        None => vec![request.clone()],
        Some((front, back)) => [leaves(&front), leaves(&back)].concat(),
    }
}

proptest! {
    #[test]
    fn the_halves_are_together_the_whole(
        signal in prop::sample::select(&Signal::ALL[..]),
        shapes in prop::collection::vec((0..6usize, 0..200usize, 1..5usize), 1..40),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        // conf: DEC-19, MODEL-14, MODEL-32
        let mut request = in_slices(&request(signal, &shapes).unwrap(), cuts);
        request.add_header("x-tenant", "a");
        let whole = decode(&request);
        match request.split() {
            None => prop_assert_eq!(whole.len(), 1, "only a single record can't be cut"),
            Some((front, back)) => {
                prop_assert_eq!(front.items() + back.items(), request.items());
                prop_assert!(front.items() > 0 && back.items() > 0);
                prop_assert_eq!([decode(&front), decode(&back)].concat(), whole.clone());
                for half in [&front, &back] {
                    prop_assert!(half.raw_len() < request.raw_len() && half.raw_len() == half.body().len());
                    prop_assert_eq!(half.headers(), request.headers());
                    if signal != Signal::Metrics {
                        prop_assert_eq!(half.items(), decode(half).len() as u64);
                        prop_assert!(half.items().abs_diff(request.items() / 2) <= 1);
                    }
                }
            }
        }
        let leaves = leaves(&request);
        prop_assert!(leaves.iter().all(|leaf| decode(leaf).len() == 1));
        prop_assert_eq!(leaves.iter().map(ExportRequest::items).sum::<u64>(), request.items());
        prop_assert_eq!(leaves.iter().flat_map(decode).collect::<Vec<_>>(), whole);
    }

    #[test]
    fn bytes_that_are_no_request_are_not_cut_and_no_reason_to_panic(
        signal in prop::sample::select(&Signal::ALL[..]),
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        items in 0..5u64,
    ) {
        if let Some((front, back)) = ExportRequest::new(signal, items, bytes).split() {
            prop_assert_eq!(front.items() + back.items(), items);
            prop_assert!(front.items() > 0 && back.items() > 0);
        }
    }
}

#[test]
fn fields_of_later_versions_stay_with_both_halves() {
    // conf: MODEL-33
    // resource_spans { 2: scope_spans { 2: "a" 2: "b" 9: 1 } 8: "new" }
    let body = b"\x0a\x0f\x12\x08\x12\x01a\x12\x01b\x48\x01\x42\x03new";
    let (front, back) = ExportRequest::new(Signal::Logs, 2, &body[..]).split().unwrap();
    assert_eq!(front.body().to_bytes(), &b"\x0a\x0c\x12\x05\x12\x01a\x48\x01\x42\x03new"[..]);
    assert_eq!(back.body().to_bytes(), &b"\x0a\x0c\x12\x05\x12\x01b\x48\x01\x42\x03new"[..]);
}

#[test]
fn what_is_not_plain_protobuf_is_not_cut() {
    let plain = request(Signal::Logs, &[(0, 9, 0), (1, 9, 0)]).unwrap();
    assert!(plain.split().is_some());
    let body = plain.body().clone();
    assert!(plain.clone().with_encoding(Encoding::Gzip, body.clone()).split().is_none());
    assert!(plain.with_format(Format::Json, body).split().is_none());
}
