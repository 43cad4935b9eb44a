#![doc = include_str!("../README.md")]

mod baggage;
mod batch_sender;
mod builder;
mod client;
mod clock;
mod config;
#[cfg(feature = "config-file")]
mod config_file;
mod connection_pool;
#[cfg(all(tokio_unstable, feature = "tokio-console"))]
mod console;
mod context;
pub mod core;
mod deaf;
mod decision;
pub mod detect;
mod env;
mod error;
mod exception;
mod explain;
mod foreign;
mod hook;
mod id_generator;
mod ids;
mod init;
mod lines;
#[cfg(feature = "log")]
mod log_bridge;
mod log_draft;
mod log_record;
mod logger;
mod loss;
mod observe;
pub mod propagation;
mod report;
mod resolve;
mod resource;
mod runtime;
mod settings;
mod shared;
#[cfg(feature = "signal")]
mod signal;
mod signal_config;
mod slot;
mod span;
mod spare;
mod stack;
mod timestamp;
#[cfg(feature = "_tls")]
mod tls;
mod tracer;
mod typed;
mod voice;

pub use baggage::{Baggage, BaggageEntry};
pub use batch_sender::{BatchReport, BatchSender};
pub use builder::ClientBuilder;
pub use client::Client;
pub use config::{
    BatchConfig, BatchStrategy, CircuitBreakerConfig, Concurrency, MemoryPoolConfig, Protocol,
    RetryBudgetConfig, RetryConfig, SerializationFormat, TemporalityPreference,
};
pub use connection_pool::ConnectionPoolConfig;
pub use context::{ContextGuard, FutureExt, TraceContext, WithContext, WithSpan};
pub use error::{Error, ErrorKind};
pub use explain::{ConfigEntry, Explanation, Origin, ResolvedConfig, ResolvedExporter};
pub use hook::{EmittedLog, EndedSpan, LogHook, SpanHook, StartedSpan};
pub use id_generator::IdGenerator;
pub use init::{InitGuard, init, init_with, logger, propagator, tracer};
#[cfg(feature = "log")]
pub use log_bridge::LogBridge;
pub use log_draft::LogDraft;
pub use log_record::LogBuilder;
pub use logger::Logger;
pub use loss::LossReport;
pub use otlp_batch::{OverflowPolicy, Stats};
pub use otlp_model::{
    AnyValue, Body, Buckets, DataPointFlags, Distribution, DropReason, Dropped, EncodedRecords, Event,
    Exemplar, ExponentialBuckets, ExponentialHistogram, ExponentialHistogramDataPoint, ExportRequest,
    ExportResponse, Gauge, GroupId, Histogram, HistogramDataPoint, InstrumentationScope, Key, KeyRef,
    KeyValue, Limits, Link, LogRecord, LogWriter, Metric, MetricData, MetricKind, MetricWriter,
    NumberDataPoint, NumberValue, Outcome, PreparedAttributes, Records, Redaction, Resource, Severity,
    Signal, SpanContext, SpanData, SpanId, SpanKind, SpanWriter, Status, StatusCode, Sum, Summary,
    SummaryDataPoint, Temporality, ToKey, ToValue, TraceFlags, TraceId, TraceState, Undelivered,
    ValueAtQuantile, ValueRef,
};
pub use otlp_sampling::{
    AlwaysOffSampler, AlwaysOnSampler, ComposableAdaptive, ComposableAlwaysOff, ComposableAlwaysOn,
    ComposableAnnotating, ComposableParentThreshold, ComposableProbability, ComposableRateLimiting,
    ComposableRuleBased, ComposableSampler, CompositeSampler, ParentBasedSampler, Predicate,
    ProbabilitySampler, RateError, RateLimitingSampler, RatioError, Sampler, SamplingDecision,
    SamplingIntent, SamplingParameters, SamplingResult, SpansPerSecond, Threshold, TraceIdRatioBasedSampler,
};
pub use otlp_transport::{
    BearerTokenFile, BoxConnector, BoxError, BoxExportService, Compression, Connection, Credentials,
    Endpoint, ErrorType, Headers, InvalidHeader, PoolStats, Target, Token, TokenFuture,
};
#[cfg(feature = "_tls")]
pub use otlp_transport::{TlsConfigError, TlsStatus};
pub use report::{DeliveryReport, SignalReport};
pub use resource::default_resource;
pub use signal_config::SignalConfig;
pub use span::{SamplingAnswer, SamplingQuestion, Span, SpanClock, SpanDraft, SpanEnd};
pub use timestamp::Timestamp;
#[cfg(feature = "_tls")]
pub use tls::TlsConfig;
pub use tracer::{SpanBuilder, Tracer};

#[cfg(not(any(feature = "grpc", feature = "http")))]
compile_error!("otlp needs a protocol: enable the feature `grpc` or `http`");

/// The code in the pages of `docs/` compiles.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/sampling.md")]
    struct Sampling;
    #[doc = include_str!("../../../docs/configuration.md")]
    struct Configuration;

    #[cfg(feature = "_tls")]
    #[doc = include_str!("../../../docs/troubleshooting.md")]
    struct Troubleshooting;

    #[cfg(feature = "_tls")]
    #[doc = include_str!("../../../docs/troubleshooting.zh.md")]
    struct TroubleshootingInChinese;

    #[doc = include_str!("../../../docs/context.md")]
    struct Context;

    #[doc = include_str!("../../../docs/logs.md")]
    struct Logs;
}
