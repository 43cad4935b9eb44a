//! A queue without a client: its worker drops each batch, after a look at its memory.

use otlp_batch::{Batch, BatchConfig, BatchHandle, ChunkPool, PoolConfig, Worker};
use otlp_model::{GroupId, Outcome, Records};
use std::convert::Infallible;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A queue and the thread of its worker.
pub struct BareQueue {
    handle: BatchHandle,
    worker: Option<JoinHandle<()>>,
}

impl BareQueue {
    /// A queue with the default options.
    ///
    /// # Errors
    ///
    /// If its thread can't be started.
    pub fn new() -> Result<Self, Box<dyn std::error::Error>> {
        Self::with(&BatchConfig::default(), PoolConfig::default())
    }

    /// A queue with options.
    ///
    /// # Errors
    ///
    /// What the options refuse, or that its thread can't be started.
    pub fn with(config: &BatchConfig, pool: PoolConfig) -> Result<Self, Box<dyn std::error::Error>> {
        let service = tower::service_fn(|batch: Batch| async move {
            read(&batch);
            Ok::<_, Infallible>(Outcome { delivered: batch.items(), ..Outcome::default() })
        });
        let (worker, handle) = Worker::new(config, &ChunkPool::new(pool)?, service)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let worker = std::thread::Builder::new().spawn(move || {
            runtime.block_on(worker);
        })?;
        Ok(Self { handle, worker: Some(worker) })
    }

    /// Pushes one record.
    #[inline]
    pub fn push(&self, record: &[u8]) {
        // Counted by the queue.
        let _ = self.handle.queue().push(GroupId(1), 1, record);
    }

    /// Records lost so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.handle.stats().dropped.total()
    }

    /// Batches taken so far.
    #[must_use]
    pub fn batches(&self) -> u64 {
        self.handle.stats().batches
    }
}

impl Drop for BareQueue {
    fn drop(&mut self) {
        self.handle.queue().close();
        if let (Some(worker), Ok(runtime)) =
            (self.worker.take(), tokio::runtime::Builder::new_current_thread().enable_time().build())
        {
            drop(runtime.block_on(self.handle.close(None)));
            let _ = worker.join();
        }
    }
}

/// Reads a byte of each cache line.
fn read(batch: &Batch) {
    let mut sum = 0;
    batch.for_each_run(&mut |_, _, run| {
        sum += run.iter().step_by(64).map(|byte| u64::from(*byte)).sum::<u64>();
    });
    std::hint::black_box(sum);
}

/// The time in which so many threads do the work at once.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub fn on_threads(threads: usize, work: impl Fn() + Sync) -> Duration {
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(&work);
        }
    });
    started.elapsed()
}
