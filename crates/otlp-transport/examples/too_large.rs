//! A receiver that takes 1 KiB at most: requests are cut until they fit, and one record that never will is told.
//!
//! ```text
//! cargo run -p otlp-transport --example too_large
//! ```

use otlp_model::{
    ExportRequest, ExportResponse, Groups, InstrumentationScope, Limits, LogRecord, RequestLimits, Resource,
    Severity, Signal,
};
use otlp_transport::{BoxError, HttpError, ServiceBuilderExt, SplitLayer};
use std::sync::Arc;
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let receiver = |request: ExportRequest| async move {
        let (items, bytes) = (request.items(), request.body().len());
        let answer =
            if bytes > 1024 { Err(HttpError::new(413).into()) } else { Ok(ExportResponse::success()) };
        println!(
            "{items:>3} records in {bytes:>5} bytes: {}",
            if answer.is_ok() { "taken" } else { "too large" }
        );
        answer
    };
    let groups = Arc::new(Groups::new());
    let group = groups.register(&Resource::new(), &InstrumentationScope::new("example"));
    let stack = ServiceBuilder::new()
        .assemble(groups, Signal::Logs, RequestLimits::default())
        .layer(SplitLayer::new())
        .service(tower::service_fn(receiver));

    let record = |text: String| LogRecord::new(1, Severity::Info, text).to_record(group, &Limits::default());
    let mut batch: Vec<_> =
        (0..40).map(|number| record(format!("this is log record number {number}"))).collect();
    batch.push(record("x".repeat(2000)));
    let outcome = stack.clone().oneshot(batch.clone()).await?;
    println!(
        "{} delivered, dropped: {}\n\nand again, with the size known:",
        outcome.delivered, outcome.dropped
    );
    stack.oneshot(batch).await?;
    Ok(())
}
