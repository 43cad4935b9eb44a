//! The entries about options that only code can set: one that has its default is said to be the default.

use crate::builder::{ClientBuilder, ProxyChoice};
use crate::explain::{Origin, ResolvedConfig};
use otlp_transport::ProxyUrl;
use std::fmt::Debug;

pub(super) fn general(options: &ClientBuilder, config: &mut ResolvedConfig) {
    let defaults = ClientBuilder::default();
    let mut entry = Entry(config);
    entry.of("connect_timeout", &options.connect_timeout, &defaults.connect_timeout);
    entry.of("flush_timeout", &options.flush_timeout, &defaults.flush_timeout);
    entry.of("drop_timeout", &options.drop_timeout, &defaults.drop_timeout);
    entry.of("max_request_bytes", &options.max_request_bytes, &defaults.max_request_bytes);
    entry.of("max_in_flight", &options.max_in_flight, &defaults.max_in_flight);
    entry.of("concurrency", &options.concurrency, &defaults.concurrency);
    let (is, was) = (&options.retry, &defaults.retry);
    entry.of("retry.max_attempts", &is.max_attempts, &was.max_attempts);
    entry.of("retry.initial_interval", &is.initial_interval, &was.initial_interval);
    entry.of("retry.max_interval", &is.max_interval, &was.max_interval);
    entry.of("retry.multiplier", &is.multiplier, &was.multiplier);
    entry.of("retry.randomization_factor", &is.randomization_factor, &was.randomization_factor);
    entry.of("retry.retryable_errors", &is.retryable_errors, &was.retryable_errors);
    let (is, was) = (&options.retry_budget, &defaults.retry_budget);
    entry.of("retry_budget.ratio", &is.ratio, &was.ratio);
    entry.of("retry_budget.min_per_second", &is.min_per_second, &was.min_per_second);
    let (is, was) = (&options.circuit_breaker, &defaults.circuit_breaker);
    entry.of("circuit_breaker.failure_threshold", &is.failure_threshold, &was.failure_threshold);
    entry.of("circuit_breaker.initial_interval", &is.initial_interval, &was.initial_interval);
    entry.of("circuit_breaker.max_interval", &is.max_interval, &was.max_interval);
    entry.of("max_server_delay", &options.max_server_delay, &defaults.max_server_delay);
    let (is, was) = (&options.loss_limit, &defaults.loss_limit);
    entry.of("loss_threshold.share", &is.threshold, &was.threshold);
    entry.of("loss_threshold.window", &is.window, &was.window);
    let (is, was) = (&options.memory, &defaults.memory);
    entry.of("memory_pool.initial_size", &is.initial_size, &was.initial_size);
    entry.of("memory_pool.max_size", &is.max_size, &was.max_size);
    entry.of("memory_pool.chunk_size", &is.chunk_size, &was.chunk_size);
    entry.of("memory_pool.growth_factor", &is.growth_factor, &was.growth_factor);
    entry.of("memory_pool.gc_threshold", &is.gc_threshold, &was.gc_threshold);
    entry.of("overflow_policy", &options.overflow, &defaults.overflow);
    let (is, was) = (&options.pool.config, &defaults.pool.config);
    entry.of("connection_pool.max_connections", &is.max_connections, &was.max_connections);
    entry.of("connection_pool.min_connections", &is.min_connections, &was.min_connections);
    entry.of("connection_pool.connection_timeout", &is.connection_timeout, &was.connection_timeout);
    entry.of("connection_pool.idle_timeout", &is.idle_timeout, &was.idle_timeout);
    entry.of("connection_pool.keep_alive", &is.keep_alive, &was.keep_alive);
    entry.of("max_connection_age", &options.pool.max_age(), &defaults.pool.max_age());
    let (is, was) = (options.pool.pings(), defaults.pool.pings());
    entry.of("keep_alive_interval", &is.interval, &was.interval);
    entry.of("keep_alive_while_idle", &is.while_idle, &was.while_idle);
    proxy(&options.proxy, config);
    credentials(options, config);
}

struct Entry<'a>(&'a mut ResolvedConfig);

impl Entry<'_> {
    fn of<T: Debug + PartialEq>(&mut self, name: &'static str, value: &T, default: &T) {
        let origin = if value == default { Origin::Default } else { Origin::Code };
        self.0.push(name, format_args!("{value:?}"), origin);
    }
}

fn proxy(choice: &ProxyChoice, config: &mut ResolvedConfig) {
    match choice {
        ProxyChoice::Environment => {
            config.push("proxy", "as HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say", Origin::Default);
        }
        ProxyChoice::Off => config.push("proxy", "none", Origin::Code),
        // Its text has no password.
        ProxyChoice::Url(url) => match url.parse::<ProxyUrl>() {
            Ok(url) => config.push("proxy", url, Origin::Code),
            Err(_) => config.push("proxy", "<invalid>", Origin::Code),
        },
    }
}

fn credentials(options: &ClientBuilder, config: &mut ResolvedConfig) {
    if let Some(file) = &options.token_file {
        config.push("bearer_token_file", format_args!("{file:?}"), Origin::Code);
    }
    if options.credentials.is_some() {
        config.push("credentials", "<redacted>", Origin::Code);
    }
}
