//! The assembler against prost: requests decode to what went in, in order, within limits and of exact size.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/strategies.rs"]
mod strategies;

use bytes::Bytes;
use opentelemetry_proto::tonic::logs::v1::LogsData;
use opentelemetry_proto::tonic::metrics::v1::MetricsData;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use otlp_model::*;
use proptest::prelude::*;
use prost::Message;
use std::collections::{BTreeSet, HashSet};

/// A resource or scope: its encoded form and the schema URL beside it.
type Envelope = (Vec<u8>, String);

/// What a request says, whatever the signal: resources, scopes, and the records, encoded again one by one.
type Decoded = Vec<(Envelope, Vec<(Envelope, Vec<Vec<u8>>)>)>;

/// A record and what it is sent under.
type Sent = (Envelope, Envelope, Vec<u8>);

macro_rules! decode {
    ($body:expr, $data:ident, $resources:ident, $scopes:ident, $items:ident) => {
        $data::decode($body)
            .unwrap()
            .$resources
            .into_iter()
            .map(|resource| {
                let scopes = resource.$scopes.into_iter().map(|scope| {
                    let items = scope.$items.iter().map(Message::encode_to_vec).collect();
                    ((scope.scope.unwrap_or_default().encode_to_vec(), scope.schema_url), items)
                });
                let scopes = scopes.collect();
                ((resource.resource.unwrap_or_default().encode_to_vec(), resource.schema_url), scopes)
            })
            .collect()
    };
}

fn decode(request: &ExportRequest) -> Decoded {
    let body = &*request.body().to_bytes();
    match request.signal() {
        Signal::Traces => decode!(body, TracesData, resource_spans, scope_spans, spans),
        Signal::Metrics => decode!(body, MetricsData, resource_metrics, scope_metrics, metrics),
        Signal::Logs => decode!(body, LogsData, resource_logs, scope_logs, log_records),
        other => panic!("no such signal: {other}"),
    }
}

/// Records as a queue hands them over: neighbours of one group in one run.
struct Runs(Vec<Record>);

impl Records for Runs {
    fn items(&self) -> u64 {
        self.0.items()
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    fn for_each_run(&self, visit: &mut dyn FnMut(GroupId, u64, &[u8])) {
        for run in self.0.chunk_by(|a, b| a.group == b.group) {
            let bytes: Vec<u8> = run.iter().flat_map(|record| record.bytes.to_vec()).collect();
            visit(run[0].group, run.to_vec().items(), &bytes);
        }
    }
}

/// The same, in one buffer, of which the runs chosen are shared.
struct Shared {
    runs: Vec<(Vec<Record>, bool)>,
    buffer: Bytes,
}

impl Shared {
    fn new(records: &[Record], mut share: impl FnMut(usize) -> bool) -> Self {
        let runs = records.chunk_by(|a, b| a.group == b.group).enumerate();
        let runs = runs.map(|(at, run)| (run.to_vec(), share(at))).collect();
        Self { runs, buffer: records.iter().flat_map(|record| record.bytes.to_vec()).collect() }
    }
}

impl Records for Shared {
    fn items(&self) -> u64 {
        self.runs.iter().map(|(run, _)| run.items()).sum()
    }

    fn bytes(&self) -> usize {
        self.buffer.len()
    }

    fn for_each_run(&self, visit: &mut dyn FnMut(GroupId, u64, &[u8])) {
        self.for_each_shared_run(&mut |group, items, run| visit(group, items, run.bytes()));
    }

    fn for_each_shared_run(&self, visit: &mut dyn FnMut(GroupId, u64, Run<'_>)) {
        let mut rest = self.buffer.clone();
        for (run, share) in &self.runs {
            let bytes = rest.split_to(run.bytes());
            let shared = if *share { Run::Shared(&bytes) } else { Run::Borrowed(&bytes) };
            visit(run[0].group, run.items(), shared);
        }
    }
}

/// A record with its number in it, so that its way can be followed, and some weight.
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

fn registry() -> (Groups, Vec<GroupId>) {
    let groups = Groups::new();
    let mut ids = Vec::new();
    for service in ["a", "b"] {
        let resource = Resource {
            schema_url: format!("https://{service}").into(),
            ..Resource::new().with("service.name", service)
        };
        for scope in ["", "x", "y"] {
            let schema_url = if scope == "y" { "https://scope" } else { "" };
            let scope =
                InstrumentationScope { schema_url: schema_url.into(), ..InstrumentationScope::new(scope) };
            ids.push(groups.register(&resource, &scope));
        }
    }
    (groups, ids)
}

fn signal() -> impl Strategy<Value = Signal> {
    prop::sample::select(&Signal::ALL[..])
}

/// The records of a request without the field's tag and length, by group.
fn sent(assembled: &Assembled) -> Vec<Sent> {
    let mut sent = Vec::new();
    for request in &assembled.requests {
        for (resource, scopes) in decode(request) {
            for (scope, items) in scopes {
                sent.extend(items.into_iter().map(|item| (resource.clone(), scope.clone(), item)));
            }
        }
    }
    sent
}

/// A record as prost writes it, alone in a request of its own.
fn alone(groups: &Groups, signal: Signal, record: &Record) -> Sent {
    let request = assemble(groups, signal, &vec![record.clone()], RequestLimits::default());
    sent(&request).remove(0)
}

proptest! {
    #[test]
    fn nothing_is_lost_or_reordered_and_every_request_keeps_the_limits(
        signal in signal(),
        shapes in proptest::collection::vec((0..6usize, 0..300usize, 0..5usize), 0..40),
        max_items in prop_oneof![Just(u64::MAX), 0..20u64],
        max_bytes in prop_oneof![Just(usize::MAX), 60..2_000usize],
        in_runs in any::<bool>(),
    ) {
        // conf: MODEL-01, MODEL-14, MODEL-32, GRPC-12
        let (groups, ids) = registry();
        let records: Vec<Record> = shapes.iter().enumerate()
            .map(|(at, &(group, weight, points))| record(signal, ids[group], at as u64 + 1, weight, points))
            .collect();
        let limits = RequestLimits { max_items, max_bytes };
        let items = records.items();
        let assembled = if in_runs {
            assemble(&groups, signal, &Runs(records.clone()), limits)
        } else {
            assemble(&groups, signal, &records, limits)
        };

        let in_requests: u64 = assembled.requests.iter().map(ExportRequest::items).sum();
        prop_assert_eq!(in_requests + assembled.too_large, items);
        for request in &assembled.requests {
            prop_assert!(request.body().len() <= max_bytes);
            prop_assert_eq!(request.raw_len(), request.body().len());
            prop_assert!(request.items() > 0);
            let decoded = decode(request);
            let records: usize = decoded.iter().flat_map(|(_, scopes)| scopes).map(|(_, items)| items.len()).sum();
            prop_assert!(request.items() <= max_items || records == 1);
            // Nothing twice, nothing empty.
            let resources: HashSet<_> = decoded.iter().map(|(resource, _)| resource).collect();
            prop_assert_eq!(resources.len(), decoded.len());
            for (_, scopes) in &decoded {
                let unique: BTreeSet<_> = scopes.iter().map(|(scope, _)| scope).collect();
                prop_assert_eq!(unique.len(), scopes.len());
                prop_assert!(!scopes.is_empty() && scopes.iter().all(|(_, items)| !items.is_empty()));
            }
        }

        // What should be there, record by record: all but those too large alone, and metrics without points.
        let fits = |record: &&Record| {
            let whole = assemble(&groups, signal, &vec![(*record).clone()], RequestLimits::default());
            whole.requests.first().is_some_and(|request| request.body().len() <= max_bytes)
        };
        let expected: Vec<_> = records.iter().filter(fits).map(|record| alone(&groups, signal, record)).collect();
        let mut sent = sent(&assembled);
        // A run that fits whole is not looked into, so that a metric without points may travel with others.
        sent.retain(|(_, _, item)| signal != Signal::Metrics || metric_points(item) > 0);
        let sorted = |list: &[_]| { let mut list = list.to_vec(); list.sort(); list };
        prop_assert_eq!(sorted(&sent), sorted(&expected));
        // Of one scope, the order of arrival holds over all requests.
        for id in &ids {
            let of = |list: &[Sent]| -> Vec<Vec<u8>> {
                let key = alone(&groups, signal, &record(signal, *id, 1, 0, 1));
                list.iter().filter(|(resource, scope, _)| (resource, scope) == (&key.0, &key.1))
                    .map(|(_, _, item)| item.clone()).collect()
            };
            prop_assert_eq!(of(&sent), of(&expected));
        }
    }

    #[test]
    fn what_is_shared_is_the_same_bytes_in_the_same_place_and_not_copied(
        signal in signal(),
        shapes in proptest::collection::vec((0..6usize, 0..300usize, 0..5usize, any::<bool>()), 0..40),
        max_items in prop_oneof![Just(u64::MAX), 0..20u64],
        max_bytes in prop_oneof![Just(usize::MAX), 60..2_000usize],
    ) {
        let (groups, ids) = registry();
        let records: Vec<Record> = shapes.iter().enumerate()
            .map(|(at, &(group, weight, points, _))| record(signal, ids[group], at as u64 + 1, weight, points))
            .collect();
        let limits = RequestLimits { max_items, max_bytes };
        let copied = assemble(&groups, signal, &Runs(records.clone()), limits);
        for (share_all, share_none) in [(true, false), (false, true), (false, false)] {
            let batch = Shared::new(&records, |at| share_all || (!share_none && shapes[at].3));
            let shared = assemble(&groups, signal, &batch, limits);
            prop_assert_eq!(shared.too_large, copied.too_large);
            prop_assert_eq!(shared.requests.len(), copied.requests.len());
            let range = batch.buffer.as_ptr_range();
            let mut all_sharing = 0;
            for (shared, copied) in shared.requests.iter().zip(&copied.requests) {
                prop_assert_eq!(shared.items(), copied.items());
                prop_assert_eq!(shared.raw_len(), copied.raw_len());
                prop_assert_eq!(shared.body().len(), copied.body().len());
                prop_assert_eq!(shared.body().to_bytes(), copied.body().to_bytes());
                prop_assert!(shared.body() == copied.body());
                let sharing = shared.body().slices().iter().filter(|slice| range.contains(&slice.as_ptr()));
                let sharing: usize = sharing.map(Bytes::len).sum();
                all_sharing += sharing;
                prop_assert!(!share_none || (sharing == 0 && shared.body().slices().len() == 1));
            }
            if share_all && max_items == u64::MAX && max_bytes == usize::MAX {
                let runs = batch.runs.iter().filter(|(run, _)| run.items() > 0);
                prop_assert_eq!(all_sharing, runs.map(|(run, _)| run.bytes()).sum::<usize>());
            }
        }
    }

    #[test]
    fn any_resource_and_scope_are_written_as_registered(
        resource in strategies::resource(), scope in strategies::scope(), spans in proptest::collection::vec(strategies::span(), 1..3),
    ) {
        // conf: MODEL-08, MODEL-13, MODEL-18, LIM-12
        let groups = Groups::new();
        let group = groups.register(&resource, &scope);
        let records: Vec<_> = spans.iter().map(|span| span.to_record(group, &Limits::default())).collect();
        let assembled = assemble(&groups, Signal::Traces, &records, RequestLimits::default());
        let data = TracesData::decode(&*assembled.requests[0].body().to_bytes()).unwrap();
        let [resource_spans] = &*data.resource_spans else { panic!("{data:?}") };
        let [scope_spans] = &*resource_spans.scope_spans else { panic!("{data:?}") };
        prop_assert_eq!(resource_spans.resource.as_ref(), Some(&oracle::resource(&resource)));
        prop_assert_eq!(&resource_spans.schema_url, &resource.schema_url);
        prop_assert_eq!(scope_spans.scope.as_ref(), Some(&oracle::scope(&scope)));
        prop_assert_eq!(&scope_spans.schema_url, &scope.schema_url);
        let expected: Vec<_> = spans.iter().map(|span| oracle::span(span, &Limits::default())).collect();
        prop_assert_eq!(&scope_spans.spans, &expected);
    }

    #[test]
    fn bytes_that_are_no_records_are_neither_lost_nor_a_reason_to_panic(
        run in proptest::collection::vec(any::<u8>(), 0..300), items in 0..9u32, max_bytes in 0..400usize, signal in signal(),
    ) {
        let (groups, ids) = registry();
        let records = vec![Record { group: ids[0], items, bytes: Bytes::from(run) }];
        let limits = RequestLimits { max_items: 2, max_bytes };
        let assembled = assemble(&groups, signal, &records, limits);
        let in_requests: u64 = assembled.requests.iter().map(ExportRequest::items).sum();
        prop_assert_eq!(in_requests + assembled.too_large, u64::from(items));
        prop_assert!(assembled.requests.iter().all(|request| request.body().len() <= max_bytes));
    }
}

fn metric_points(metric: &[u8]) -> usize {
    use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data};
    match Metric::decode(metric).unwrap().data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn interleaved_groups_share_their_envelopes() {
    // conf: MODEL-14
    let (groups, ids) = registry();
    let order = [0, 3, 1, 0, 3, 4, 0];
    let records: Vec<_> =
        order.iter().zip(1..).map(|(&at, number)| record(Signal::Traces, ids[at], number, 1, 1)).collect();
    let assembled = assemble(&groups, Signal::Traces, &records, RequestLimits::default());
    let data = TracesData::decode(&*assembled.requests[0].body().to_bytes()).unwrap();
    let numbers: Vec<Vec<Vec<u64>>> = data
        .resource_spans
        .iter()
        .map(|resource| {
            let numbers = resource.scope_spans.iter();
            numbers.map(|scope| scope.spans.iter().map(|span| span.start_time_unix_nano).collect()).collect()
        })
        .collect();
    assert_eq!(numbers, [vec![vec![1, 4, 7], vec![3]], vec![vec![2, 5], vec![6]]]);
}

#[test]
fn identical_resources_and_scopes_are_one_group_whatever_their_order() {
    // conf: MODEL-14
    let groups = Groups::new();
    let (ab, ba) = (Resource::new().with("a", 1).with("b", 2), Resource::new().with("b", 2).with("a", 1));
    let scope = InstrumentationScope::new("s");
    let group = groups.register(&ab, &scope);
    assert_eq!(groups.register(&ba, &scope), group);
    assert_eq!(groups.clone().register(&ab, &scope), group, "clones are one registry");
    let different = [
        groups.register(&ab.clone().with("c", AnyValue::Empty), &scope),
        groups.register(&Resource { schema_url: "u".into(), ..ab.clone() }, &scope),
        groups.register(&ab, &scope.clone().with_version("1")),
        groups.register(&ab, &InstrumentationScope { schema_url: "u".into(), ..scope.clone() }),
        groups.register(
            &ab,
            &InstrumentationScope { attributes: vec![KeyValue::new("k", 1)], ..scope.clone() },
        ),
        groups.register(&ab, &InstrumentationScope::new("")),
    ];
    let unique: BTreeSet<_> = different.iter().chain([&group]).collect();
    assert_eq!(unique.len(), 7);
}

#[test]
fn schema_urls_describe_what_they_stand_beside() {
    // conf: MODEL-13
    let groups = Groups::new();
    let resource = Resource { schema_url: "of-resource".into(), ..Resource::new() };
    let scope = InstrumentationScope { schema_url: "of-scope".into(), ..InstrumentationScope::new("s") };
    for (resource, scope, urls) in [
        (resource.clone(), InstrumentationScope::new("s"), ("of-resource", "")),
        (Resource::new(), scope.clone(), ("", "of-scope")),
        (resource, scope, ("of-resource", "of-scope")),
    ] {
        let group = groups.register(&resource, &scope);
        let records = vec![record(Signal::Logs, group, 1, 1, 1)];
        let assembled = assemble(&groups, Signal::Logs, &records, RequestLimits::default());
        let data = LogsData::decode(&*assembled.requests[0].body().to_bytes()).unwrap();
        let resource = &data.resource_logs[0];
        assert_eq!((&*resource.schema_url, &*resource.scope_logs[0].schema_url), urls);
    }
}

#[test]
fn nothing_to_send_is_no_request() {
    // conf: MODEL-32
    let (groups, ids) = registry();
    let none: Vec<Record> = Vec::new();
    let pointless = vec![record(Signal::Metrics, ids[0], 1, 5, 0)];
    for records in [none, pointless] {
        let assembled = assemble(&groups, Signal::Metrics, &records, RequestLimits::default());
        assert!(assembled.requests.is_empty() && assembled.too_large == 0);
    }
}

#[test]
fn a_body_has_no_byte_to_spare() {
    let (groups, ids) = registry();
    for used in [1, 6] {
        let records: Vec<_> =
            (0..500).map(|at| record(Signal::Traces, ids[at % used], at as u64, 200, 1)).collect();
        let mut assembled = assemble(&groups, Signal::Traces, &records, RequestLimits::default());
        let body = assembled.requests.remove(0).body().to_bytes();
        let len = body.len();
        assert_eq!(body.try_into_mut().unwrap().capacity(), len, "{used} groups");
    }
}

#[test]
fn one_record_too_large_does_not_take_others_with_it() {
    // conf: GRPC-12
    let (groups, ids) = registry();
    let sizes = [10, 5_000, 10, 10];
    let records: Vec<_> = sizes
        .iter()
        .zip(1..)
        .map(|(&weight, number)| record(Signal::Traces, ids[0], number, weight, 1))
        .collect();
    let limits = RequestLimits { max_bytes: 1_000, ..RequestLimits::default() };
    for assembled in [
        assemble(&groups, Signal::Traces, &records, limits),
        assemble(&groups, Signal::Traces, &Runs(records.clone()), limits),
    ] {
        assert_eq!((assembled.requests.len(), assembled.too_large), (1, 1));
        assert_eq!(assembled.requests[0].items(), 3);
    }
}

#[test]
fn a_metric_counts_for_its_points_and_is_not_taken_apart() {
    let (groups, ids) = registry();
    let points = [2, 3, 9, 1, 1];
    let records: Vec<_> = points
        .iter()
        .zip(1..)
        .map(|(&points, number)| record(Signal::Metrics, ids[0], number, 1, points))
        .collect();
    let limits = RequestLimits { max_items: 4, ..RequestLimits::default() };
    let assembled = assemble(&groups, Signal::Metrics, &Runs(records), limits);
    let items: Vec<_> = assembled.requests.iter().map(ExportRequest::items).collect();
    assert_eq!((items, assembled.too_large), (vec![2, 3, 9, 2], 0));
}

#[test]
fn records_of_an_unknown_group_are_sent_without_resource_and_scope() {
    let (_, ids) = registry();
    let records: Vec<_> = ids.iter().map(|id| record(Signal::Traces, *id, 1, 1, 1)).collect();
    let assembled = assemble(&Groups::new(), Signal::Traces, &records, RequestLimits::default());
    let data = TracesData::decode(&*assembled.requests[0].body().to_bytes()).unwrap();
    assert_eq!((data.resource_spans.len(), &data.resource_spans[0].resource), (1, &None));
    assert_eq!(data.resource_spans[0].scope_spans.len(), 1);
    assert_eq!(data.resource_spans[0].scope_spans[0].spans.len(), 6);
}
