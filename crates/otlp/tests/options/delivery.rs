//! Options of batches, memory, time, and what happens when something goes wrong.

use super::Row;
use otlp::{
    BatchConfig, BatchStrategy, CircuitBreakerConfig, Concurrency, ErrorType, MemoryPoolConfig,
    OverflowPolicy, RetryBudgetConfig, RetryConfig,
};
use std::time::Duration;

const NEVER: Duration = Duration::ZERO;
const TINY: Duration = Duration::from_nanos(1);

fn batch(change: fn(&mut BatchConfig)) -> BatchConfig {
    let mut config = BatchConfig::default();
    change(&mut config);
    config
}

fn memory(change: fn(&mut MemoryPoolConfig)) -> MemoryPoolConfig {
    let mut config = MemoryPoolConfig::default();
    change(&mut config);
    config
}

fn retry(change: fn(&mut RetryConfig)) -> RetryConfig {
    let mut config = RetryConfig::default();
    change(&mut config);
    config
}

fn budget(change: fn(&mut RetryBudgetConfig)) -> RetryBudgetConfig {
    let mut config = RetryBudgetConfig::default();
    change(&mut config);
    config
}

fn circuit(change: fn(&mut CircuitBreakerConfig)) -> CircuitBreakerConfig {
    let mut config = CircuitBreakerConfig::default();
    change(&mut config);
    config
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = queues();
    rows.extend(times());
    rows.extend(failures());
    rows
}

fn queues() -> Vec<Row> {
    vec![
        Row {
            name: "with_batch_config",
            works: vec![
                |b| b.with_batch_config(batch(|c| (c.max_batch_size, c.max_queue_size) = (1, 1))),
                |b| {
                    b.with_batch_config(batch(|c| {
                        (c.max_batch_size, c.max_queue_size) = (usize::MAX, usize::MAX)
                    }))
                },
                |b| b.with_batch_config(batch(|c| c.batch_timeout = TINY)),
                |b| b.with_batch_config(batch(|c| c.batch_timeout = Duration::MAX)),
                |b| b.with_batch_config(batch(|c| c.strategy = BatchStrategy::Size)),
                |b| b.with_batch_config(batch(|c| c.strategy = BatchStrategy::Time)),
            ],
            refused: vec![
                (
                    |b| b.with_batch_config(batch(|c| c.max_batch_size = 0)),
                    "max_batch_size: must be at least 1",
                ),
                (
                    |b| b.with_batch_config(batch(|c| c.max_queue_size = 8191)),
                    "max_queue_size: must be at least",
                ),
                (
                    |b| b.with_batch_config(batch(|c| c.batch_timeout = NEVER)),
                    "batch_timeout: must be longer than",
                ),
            ],
            proof: ("otlp/tests/guide/lost.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_max_request_bytes",
            works: vec![|b| b.with_max_request_bytes(1024), |b| b.with_max_request_bytes(64 * 1024 * 1024)],
            refused: vec![
                (|b| b.with_max_request_bytes(1023), "must be between"),
                (|b| b.with_max_request_bytes(64 * 1024 * 1024 + 1), "must be between"),
            ],
            proof: ("otlp/tests/it/pipeline.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_memory_pool_config",
            works: vec![
                |b| b.with_memory_pool_config(memory(|c| c.initial_size = 0)),
                |b| b.with_memory_pool_config(memory(|c| c.initial_size = c.max_size)),
                |b| b.with_memory_pool_config(memory(|c| (c.growth_factor, c.gc_threshold) = (1.01, 0.0))),
                |b| b.with_memory_pool_config(memory(|c| c.gc_threshold = 1.0)),
            ],
            refused: vec![
                (|b| b.with_memory_pool_config(memory(|c| c.initial_size = usize::MAX)), "initial_size: "),
                (
                    |b| b.with_memory_pool_config(memory(|c| (c.max_size, c.initial_size) = (0, 0))),
                    "max_size: ",
                ),
                (|b| b.with_memory_pool_config(memory(|c| c.chunk_size = 0)), "chunk_size: "),
                (|b| b.with_memory_pool_config(memory(|c| c.growth_factor = 1.0)), "growth_factor: "),
                (|b| b.with_memory_pool_config(memory(|c| c.growth_factor = f64::NAN)), "growth_factor: "),
                (|b| b.with_memory_pool_config(memory(|c| c.gc_threshold = 1.1)), "gc_threshold: "),
            ],
            proof: ("otlp/tests/guide/memory.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_overflow_policy",
            works: vec![
                |b| b.with_overflow_policy(OverflowPolicy::DropNewest),
                |b| b.with_overflow_policy(OverflowPolicy::DropOldest),
                |b| b.with_overflow_policy(OverflowPolicy::Block { timeout: TINY }),
                |b| b.with_overflow_policy(OverflowPolicy::Block { timeout: Duration::MAX }),
            ],
            refused: vec![(
                |b| b.with_overflow_policy(OverflowPolicy::Block { timeout: NEVER }),
                "Block must wait",
            )],
            proof: ("otlp/tests/it/loss.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_async_export",
            works: vec![|b| b.with_async_export(true)],
            // `end` would hold up the thread that the collector of this test needs.
            builds: vec![|b| b.with_async_export(false)],
            proof: ("otlp/tests/guide/latency.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_max_in_flight",
            works: vec![|b| b.with_max_in_flight(1), |b| b.with_max_in_flight(1024)],
            refused: vec![
                (|b| b.with_max_in_flight(0), "must be between"),
                (|b| b.with_max_in_flight(1025), "must be between"),
            ],
            proof: ("otlp/tests/it/loss.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_concurrency",
            works: vec![|b| b.with_concurrency(Concurrency::Adaptive), |b| {
                b.with_concurrency(Concurrency::Fixed)
            }],
            proof: ("otlp/tests/guide/pool.rs", ""),
            ..Row::default()
        },
    ]
}

fn times() -> Vec<Row> {
    vec![
        Row {
            name: "with_request_timeout",
            works: vec![|b| b.with_request_timeout(Duration::MAX)],
            builds: vec![|b| b.with_request_timeout(TINY)],
            refused: vec![(|b| b.with_request_timeout(NEVER), "must be longer than zero")],
            proof: ("otlp/tests/guide/timeout.rs", ""),
        },
        Row {
            name: "with_export_timeout",
            works: vec![|b| b.with_export_timeout(Duration::MAX)],
            builds: vec![|b| b.with_export_timeout(TINY)],
            refused: vec![(|b| b.with_export_timeout(NEVER), "must be longer than zero")],
            proof: ("otlp/tests/faults/row_32_panics.rs", ""),
        },
        Row {
            name: "with_flush_timeout",
            works: vec![|b| b.with_flush_timeout(Duration::MAX), |b| b.with_flush_timeout(TINY)],
            refused: vec![(|b| b.with_flush_timeout(NEVER), "must be longer than zero")],
            proof: ("otlp/tests/it/runtimes.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_drop_timeout",
            works: vec![|b| b.with_drop_timeout(Duration::ZERO), |b| b.with_drop_timeout(Duration::MAX)],
            proof: ("otlp/tests/it/runtimes.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_max_server_delay",
            works: vec![|b| b.with_max_server_delay(Duration::ZERO), |b| {
                b.with_max_server_delay(Duration::MAX)
            }],
            proof: ("otlp/tests/faults/row_13_throttling.rs", ""),
            ..Row::default()
        },
    ]
}

fn failures() -> Vec<Row> {
    vec![
        Row {
            name: "with_loss_threshold",
            works: vec![|b| b.with_loss_threshold(0.0, Duration::MAX), |b| {
                b.with_loss_threshold(1.0, Duration::from_millis(1))
            }],
            refused: vec![
                (|b| b.with_loss_threshold(-0.1, Duration::MAX), "the share must be between 0 and 1"),
                (|b| b.with_loss_threshold(f64::NAN, Duration::MAX), "the share must be between 0 and 1"),
                (|b| b.with_loss_threshold(0.1, NEVER), "the window must be longer than zero"),
            ],
            proof: ("otlp/tests/guide/monitor.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_loss_callback",
            works: vec![|b| b.with_loss_callback(|_| {})],
            proof: ("otlp/tests/guide/monitor.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_retry_config",
            works: vec![
                |b| b.with_retry_config(retry(|c| c.max_attempts = 1)),
                |b| b.with_retry_config(retry(|c| c.max_attempts = u32::MAX)),
                |b| b.with_retry_config(retry(|c| (c.initial_interval, c.max_interval) = (TINY, TINY))),
                |b| b.with_retry_config(retry(|c| c.max_interval = Duration::MAX)),
                |b| b.with_retry_config(retry(|c| (c.multiplier, c.randomization_factor) = (1.0, 0.0))),
                |b| b.with_retry_config(retry(|c| c.randomization_factor = 1.0)),
                |b| b.with_retry_config(retry(|c| c.retryable_errors = vec![])),
                |b| b.with_retry_config(retry(|c| c.retryable_errors = vec![ErrorType::Network; 3])),
            ],
            refused: vec![
                (|b| b.with_retry_config(retry(|c| c.initial_interval = NEVER)), "initial_interval: "),
                (|b| b.with_retry_config(retry(|c| c.max_interval = TINY)), "max_interval: "),
                (|b| b.with_retry_config(retry(|c| c.multiplier = 0.9)), "multiplier: "),
                (|b| b.with_retry_config(retry(|c| c.multiplier = f64::INFINITY)), "multiplier: "),
                (|b| b.with_retry_config(retry(|c| c.randomization_factor = 1.1)), "randomization_factor: "),
                (|b| b.with_retry_config(retry(|c| c.randomization_factor = -0.1)), "randomization_factor: "),
            ],
            proof: ("otlp/tests/guide/timeout.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_retry_budget",
            works: vec![|b| b.with_retry_budget(budget(|c| c.ratio = 0.0))],
            refused: vec![
                (|b| b.with_retry_budget(budget(|c| c.ratio = -0.1)), "ratio: "),
                (|b| b.with_retry_budget(budget(|c| c.ratio = f64::NAN)), "ratio: "),
                (|b| b.with_retry_budget(budget(|c| c.min_per_second = 0.0)), "min_per_second: "),
            ],
            proof: ("otlp/tests/faults/row_13_throttling.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_circuit_breaker",
            works: vec![
                |b| b.with_circuit_breaker(circuit(|c| c.failure_threshold = 0)),
                |b| b.with_circuit_breaker(circuit(|c| c.failure_threshold = u32::MAX)),
                |b| b.with_circuit_breaker(circuit(|c| (c.initial_interval, c.max_interval) = (TINY, TINY))),
            ],
            refused: vec![
                (|b| b.with_circuit_breaker(circuit(|c| c.initial_interval = NEVER)), "initial_interval: "),
                (|b| b.with_circuit_breaker(circuit(|c| c.max_interval = TINY)), "max_interval: "),
            ],
            proof: ("otlp/tests/it/retry_control.rs", ""),
            ..Row::default()
        },
    ]
}
