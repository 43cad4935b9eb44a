//! Redaction where telemetry is made: a password never leaves the process, and a user's id leaves it as a hash.
//!
//! `cargo run -p otlp --example redaction` sends to a collector of its own and shows what arrived.

use otlp::{Client, EmittedLog, EndedSpan, LogHook, Redaction, Severity, SpanHook};
use otlp_testkit::Collector;
use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Removes passwords and hashes user ids, on spans, their events and links, and on log records.
#[derive(Clone, Default)]
struct Redact {
    /// A key that only this process knows: the same user has the same hash, and nobody can try all ids. For hashes that are
    /// to be the same in several processes, or to withstand more than curiosity, use a keyed cryptographic hash.
    key: RandomState,
}

impl Redact {
    fn decide(&self, key: &str, value: &impl std::fmt::Debug) -> Redaction {
        match key {
            "user.password" => Redaction::Remove,
            "user.id" => {
                Redaction::Replace(format!("{:016x}", self.key.hash_one(format!("{value:?}"))).into())
            }
            _ => Redaction::Keep,
        }
    }
}

impl SpanHook for Redact {
    fn on_end(&self, span: &mut EndedSpan<'_>) {
        span.redact(|key, value| self.decide(key, &value));
    }
}

impl LogHook for Redact {
    fn on_emit(&self, log: &mut EmittedLog<'_>) {
        log.redact(|key, value| self.decide(key, &value));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let collector = Collector::builder().grpc().start().await?;
    let redact = Redact::default();
    let client = Client::builder()
        .with_endpoint(collector.grpc_endpoint())
        .with_span_hook(redact.clone())
        .with_log_hook(redact)
        .build()
        .await?;

    let mut span = client.tracer("shop").start("log in");
    span.set_attribute("user.id", "ann")
        .set_attribute("user.password", "correct horse")
        .set_attribute("user.tries", 2);
    span.add_event("refused", &[("user.password", "wrong horse".into())]);
    span.end();
    client.logger("shop").record(Severity::Info).body("logged in").attribute("user.id", "ann").emit();
    client.shutdown(Duration::from_secs(10)).await?;

    let (span, log) = (collector.received().spans().remove(0), collector.received().logs().remove(0));
    println!("{:#?}\n{:#?}", span.span.attributes, log.record.attributes);
    let (span_user, log_user) = (span.attribute("user.id"), log.attribute("user.id"));
    assert!(span_user.is_some() && span_user == log_user, "the same user has the same hash");
    assert!(span.attribute("user.password").is_none() && span.attribute("user.tries").is_some());
    let all = format!("{:?} {:?}", span.span, log.record);
    assert!(!all.contains("horse") && !all.contains("\"ann\""), "nothing of it is anywhere");
    Ok(())
}
