//! Row 23: clocks jump. A span never ends before its start, and given times are written as given. What the client's clock does
//! when the wall clock is set is tested where the clock is (`clock.rs`); its timers are monotonic.

use crate::support::{all_delivered, client, grpc};
use std::time::{Duration, UNIX_EPOCH};

#[tokio::test]
async fn a_span_that_started_in_the_future_ends_there_too() {
    // conf: SPAN-32, MODEL-17
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    // As noted before the wall clock was set back by a hundred years.
    let future = UNIX_EPOCH + Duration::from_secs(200 * 365 * 86_400);
    tracer.span("future").start_time(future).start().end();
    tracer.span("before the epoch").start_time(UNIX_EPOCH - Duration::from_secs(1)).start().end();
    tracer.span("backwards").start_time(future).start().end_at(UNIX_EPOCH);
    all_delivered(&client, &collector, 3).await;
    let times = |name: &str| {
        let span = collector.received().span_named(name).unwrap().span;
        (span.start_time_unix_nano, span.end_time_unix_nano)
    };
    let nanos = future.duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    assert_eq!(times("future"), (nanos, nanos));
    let (start, end) = times("before the epoch");
    assert!(start == 0 && end > 0);
    assert_eq!(times("backwards"), (nanos, 0), "given times are not rewritten");
}
