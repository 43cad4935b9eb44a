//! The Collector when it is not well: killed under load, short of memory, and given more than it takes at once.
//!
//! Each ends in the same question: is everything there, or told as lost?

use super::hoard::Hoard;
use super::{Collector, PLENTY};
use crate::case::{Case, Packing, Security, Wire};
use crate::certificates::Certificates;
use crate::hardship::{Answers, Course, Hardship};
use crate::matrix::Receiver;
use crate::{Failure, sender};
use otlp::{
    BatchConfig, Client, DeliveryReport, Error, LogRecord, MemoryPoolConfig, OverflowPolicy, Severity, Signal,
};
use otlp_testkit::Payload;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(90);
const MIB: usize = 1 << 20;
/// Of memory, in MiB, of which the Collector uses a few by itself; from half of it on it refuses.
const LITTLE: u32 = 128;

/// All of them, one after the other.
pub(crate) fn run(program: &Path, folder: &Path, certificates: &Certificates, quick: bool) -> Vec<Hardship> {
    let start = |mib| Collector::start_with(program, &folder.join("hardships"), certificates, mib);
    let mut all = Vec::new();
    for (wire, packing, request) in [
        (Wire::Grpc, Packing::None, 12 * MIB),
        (Wire::Grpc, Packing::Gzip, 12 * MIB),
        (Wire::Grpc, Packing::Zstd, 12 * MIB),
        (Wire::Protobuf, Packing::None, 28 * MIB),
        (Wire::Protobuf, Packing::Gzip, 28 * MIB),
        (Wire::Json, Packing::None, 28 * MIB),
    ] {
        if quick && packing != Packing::None {
            continue;
        }
        let case = Case { wire, packing, security: Security::Plain };
        let limit = if wire == Wire::Grpc { 4 } else { 20 };
        let name = format!(
            "requests of up to {} MiB, over its limit of {limit} MiB ({wire}, {packing})",
            request / MIB
        );
        all.push(Hardship::of(name, || too_large(start(PLENTY)?, case, request, certificates)));
    }
    for wire in [Wire::Grpc, Wire::Protobuf] {
        let case = Case { wire, packing: Packing::Gzip, security: Security::Plain };
        all.push(Hardship::of(format!("killed and started again, twice, under load ({wire})"), || {
            killed(start(PLENTY)?, case, certificates)
        }));
        all.push(Hardship::of(
            format!("its memory limiter refuses, until it is started again with more memory ({wire})"),
            || refused(start(1)?, case, certificates),
        ));
        all.push(Hardship::of(
            format!("its memory limiter refuses, until uploads that fill its memory are broken off ({wire})"),
            || relieved(start(LITTLE)?, case, certificates),
        ));
    }
    all
}

/// Spans of which each is a KiB, and one log record that no request can hold.
// conf: SURV-01, SURV-02, SURV-03, DEC-19
fn too_large(
    mut collector: Collector,
    case: Case,
    request: usize,
    certificates: &Certificates,
) -> Result<Course, Failure> {
    let answers = Answers::default();
    let endpoint = collector.endpoint(case).ok_or("no such endpoint")?;
    let client = sender::client(case, &endpoint, certificates)
        .with_max_request_bytes(request)
        .with_batch_config(BatchConfig {
            max_batch_size: 1_000_000,
            batch_timeout: PATIENCE,
            ..BatchConfig::default()
        })
        .with_memory_pool_config(MemoryPoolConfig { max_size: 512 * MIB, ..MemoryPoolConfig::default() })
        .with_request_timeout(Duration::from_secs(30))
        .with_attempt_layer(answers.layer())
        .build_blocking()?;
    let spans = 2 * request / 1024;
    make(&client, 0..spans);
    let logger = client.logger("load");
    logger.emit(LogRecord { body: Some("small".into()), severity: Severity::Info, ..LogRecord::default() });
    logger.emit(LogRecord { body: Some("x".repeat(request - MIB).into()), ..LogRecord::default() });
    let report = match client.shutdown_blocking(PATIENCE) {
        Ok(report) => report,
        Err(error) => error.report().cloned().ok_or(error)?,
    };
    let (found, logs) = (arrived(&mut collector)?, &report.logs.total);
    if logs.delivered != 1 || logs.dropped.total() != 1 {
        return Err(format!("one log record is too large, the other is not: {report}").into());
    }
    found.must_be_all(spans)?;
    found.must_have_no_duplicates()?;
    let outcome = format!(
        "cut in parts: all {spans} spans are there; a record that is too large alone is dropped and told"
    );
    Ok(Course { answer: answers.first(&endpoint)?, outcome })
}

/// A steady load, under which the Collector dies twice.
// conf: SURV-16
fn killed(mut collector: Collector, case: Case, certificates: &Certificates) -> Result<Course, Failure> {
    const SPANS: usize = 8_000;
    let answers = Answers::default();
    let endpoint = collector.endpoint(case).ok_or("no such endpoint")?;
    let client = sender::client(case, &endpoint, certificates)
        .with_batch_config(BatchConfig {
            max_batch_size: 64,
            batch_timeout: Duration::from_millis(10),
            ..BatchConfig::default()
        })
        .with_overflow_policy(OverflowPolicy::Block { timeout: PATIENCE })
        .with_attempt_layer(answers.layer())
        .build_blocking()?;
    let begun = Instant::now();
    for part in 0..SPANS / 20 {
        make(&client, part * 20..(part + 1) * 20);
        match part {
            100 | 250 => collector.kill()?,
            150 | 300 => collector.restart(PLENTY)?,
            _ => {}
        }
        // 4000 spans a second.
        std::thread::sleep(
            (begun + Duration::from_millis(5) * part as u32).saturating_duration_since(Instant::now()),
        );
    }
    let report = client.shutdown_blocking(PATIENCE)?;
    let found = arrived(&mut collector)?;
    found.must_be_all(SPANS)?;
    if report.delivered() != SPANS as u64 {
        return Err(format!("all has arrived, but the client says: {report}").into());
    }
    let outcome = format!("all {SPANS} spans are there, {} of them twice", found.duplicates);
    Ok(Course { answer: answers.first(&endpoint)?, outcome })
}

/// What a flush says once an attempt has failed, or nobody waits for that any longer.
fn flush_until_refused(client: &Client, answers: &Answers, endpoint: &str) -> Result<DeliveryReport, Error> {
    let until = Instant::now() + PATIENCE;
    loop {
        let flushed = client.flush_within_blocking(Duration::from_secs(1));
        if answers.first(endpoint).is_ok() || Instant::now() > until {
            return flushed;
        }
    }
}

/// Refused while the Collector has no memory; taken when it has: it is killed, and started again with more.
// conf: SURV-04
fn refused(mut collector: Collector, case: Case, certificates: &Certificates) -> Result<Course, Failure> {
    const SPANS: usize = 500;
    let answers = Answers::default();
    collector.refuses()?;
    let endpoint = collector.endpoint(case).ok_or("no such endpoint")?;
    let client =
        sender::client(case, &endpoint, certificates).with_attempt_layer(answers.layer()).build_blocking()?;
    make(&client, 0..SPANS);
    let flushed = flush_until_refused(&client, &answers, &endpoint);
    let stats = client.stats(Signal::Traces);
    if flushed.is_ok() || stats.pending() != SPANS as u64 {
        return Err(format!("refused spans are to wait, but the client says: {flushed:?}, {stats:?}").into());
    }
    let answer = answers.first(&endpoint)?;
    collector.restart(PLENTY)?;
    let report = client.shutdown_blocking(PATIENCE)?;
    let found = arrived(&mut collector)?;
    found.must_be_all(SPANS)?;
    found.must_have_no_duplicates()?;
    if report.delivered() != SPANS as u64 {
        return Err(format!("all has arrived, but the client says: {report}").into());
    }
    let outcome = format!("sent again until taken: flush says that {SPANS} spans wait, then all are there");
    Ok(Course { answer, outcome })
}

/// Refused while others fill the Collector's memory; taken when they are gone, by the same process.
// conf: SURV-04
fn relieved(mut collector: Collector, case: Case, certificates: &Certificates) -> Result<Course, Failure> {
    const SPANS: usize = 500;
    let answers = Answers::default();
    let endpoint = collector.endpoint(case).ok_or("no such endpoint")?;
    let http = Case { wire: Wire::Protobuf, packing: Packing::None, security: Security::Plain };
    let http = collector.endpoint(http).ok_or("no such endpoint")?;
    let client =
        sender::client(case, &endpoint, certificates).with_attempt_layer(answers.layer()).build_blocking()?;
    make(&client, 0..SPANS);
    client.flush_within_blocking(PATIENCE)?;
    if let Ok(answer) = answers.first(&endpoint) {
        return Err(format!("nothing is wrong yet, and an attempt failed: {answer}").into());
    }

    let hoard = Hoard::of(LITTLE as usize, &http)?;
    collector.refuses()?;
    make(&client, SPANS..2 * SPANS);
    let flushed = flush_until_refused(&client, &answers, &endpoint);
    let stats = client.stats(Signal::Traces);
    let (delivered, pending) = (stats.delivered, stats.pending());
    if flushed.is_ok() || (delivered, pending) != (SPANS as u64, SPANS as u64) {
        return Err(format!("refused spans are to wait, but the client says: {flushed:?}, {stats:?}").into());
    }
    let (answer, held) = (answers.first(&endpoint)?, hoard.mib());
    if !answer.contains("high memory usage") {
        return Err(
            format!("it was to refuse for want of memory, and an attempt failed with: {answer}").into()
        );
    }
    drop(hoard);
    let report = client.shutdown_blocking(PATIENCE)?;
    let found = arrived(&mut collector)?;
    found.must_be_all(2 * SPANS)?;
    found.must_have_no_duplicates()?;
    if !report.is_balanced() || report.delivered() != 2 * SPANS as u64 {
        return Err(format!("all has arrived, but the client says: {report}").into());
    }
    let outcome = format!(
        "the same process took {SPANS} spans before, refuses {SPANS} that wait while it holds {held} MiB, and takes them \
         then: {report}"
    );
    Ok(Course { answer, outcome })
}

/// Spans named by their number, of more than a KiB each.
fn make(client: &Client, numbers: std::ops::Range<usize>) {
    let (tracer, padding) = (client.tracer("load"), "x".repeat(1024));
    for number in numbers {
        tracer.start(number.to_string()).set_attribute("padding", &*padding).end();
    }
}

/// The spans that the Collector has written down, by number.
struct Found {
    distinct: usize,
    duplicates: usize,
}

fn arrived(collector: &mut Collector) -> Result<Found, Failure> {
    let mut times: HashMap<String, usize> = HashMap::new();
    for payload in collector.arrived()? {
        let Payload::Traces(request) = payload else { continue };
        let scopes = request.resource_spans.into_iter().flat_map(|group| group.scope_spans);
        for span in scopes.flat_map(|scope| scope.spans) {
            *times.entry(span.name).or_default() += 1;
        }
    }
    Ok(Found { distinct: times.len(), duplicates: times.values().map(|times| times - 1).sum() })
}

impl Found {
    fn must_be_all(&self, spans: usize) -> Result<(), Failure> {
        if self.distinct == spans {
            Ok(())
        } else {
            Err(format!("{} of {spans} spans are there", self.distinct).into())
        }
    }

    fn must_have_no_duplicates(&self) -> Result<(), Failure> {
        if self.duplicates == 0 {
            Ok(())
        } else {
            Err(format!("{} spans are there twice", self.duplicates).into())
        }
    }
}
