//! The worker as its owner sees it, over a scripted service in virtual time. Here is what several files need.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod batches;
mod close;
mod failures;
mod flush;
mod memory;
mod threads;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

use otlp_batch::{Batch, BatchConfig, BatchHandle, ChunkPool, PoolConfig, Worker};
use otlp_model::{GroupId, Outcome};
use tokio_test::task;
use tower_test::mock;

const GROUP: GroupId = GroupId(0);

fn pool() -> ChunkPool {
    let config = PoolConfig { initial_size: 0, max_size: 1 << 20, chunk_size: 4096, ..PoolConfig::default() };
    ChunkPool::new(config).unwrap()
}

fn config() -> BatchConfig {
    BatchConfig { max_batch_items: 10, max_queue_items: 100, max_in_flight: 2, ..BatchConfig::default() }
}

fn push(handle: &BatchHandle, items: u32) {
    for _ in 0..items {
        handle.queue().push(GROUP, 1, b"record").unwrap();
    }
}

fn delivered(items: u64) -> Outcome {
    Outcome { delivered: items, ..Outcome::default() }
}

/// A worker over a mock service, not spawned: each step is the test's.
fn mocked(config: &BatchConfig) -> (task::Spawn<Worker<Mock>>, BatchHandle, Handle) {
    let (service, calls) = mock::pair();
    let (worker, handle) = Worker::new(config, &pool(), service).unwrap();
    (task::spawn(worker), handle, calls)
}

type Mock = mock::Mock<Batch, Outcome>;
type Handle = mock::Handle<Batch, Outcome>;

/// The next call of the mock, which must be there.
fn next_call(calls: &mut Handle) -> (Batch, mock::SendResponse<Outcome>) {
    let Poll::Ready(Some(call)) = poll_call(calls) else { panic!("the service was not called") };
    call
}

fn poll_call(calls: &mut Handle) -> Poll<Option<(Batch, mock::SendResponse<Outcome>)>> {
    let mut cx = Context::from_waker(std::task::Waker::noop());
    pin!(calls.next_request()).poll(&mut cx)
}
