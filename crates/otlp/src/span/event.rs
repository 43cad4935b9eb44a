//! A span's events, and errors, which are events, too.

use super::Span;
use crate::{Timestamp, exception};
use otlp_model::{PreparedAttributes, ToKey, ToValue, ValueRef};
use std::error::Error;

impl Span {
    /// Records that something happened now.
    #[inline]
    pub fn add_event(&mut self, name: impl AsRef<str>, attributes: &[(&str, ValueRef<'_>)]) -> &mut Self {
        if let Some(live) = &mut self.live {
            let now = live.clock.now().unix_nano();
            live.writer.add_event(name.as_ref(), now, attributes.iter().copied());
        }
        self
    }

    /// Records that something happened at `time`, which is written as given (conformance SPAN-16).
    pub fn add_event_at(
        &mut self,
        name: impl AsRef<str>,
        time: impl Into<Timestamp>,
        attributes: &[(&str, ValueRef<'_>)],
    ) -> &mut Self {
        if let Some(live) = &mut self.live {
            live.writer.add_event(name.as_ref(), time.into().unix_nano(), attributes.iter().copied());
        }
        self
    }

    /// Records that something happened at `time`, or now: with attributes that were encoded ahead, and behind them others from an
    /// iterator, for those who have no list of them.
    ///
    /// ```
    /// # fn f(client: otlp::Client) {
    /// use otlp::{KeyValue, PreparedAttributes};
    /// let cart = PreparedAttributes::new([KeyValue::new("cart.kind", "gift")]);
    /// let mut span = client.tracer("shop").start("load cart");
    /// span.add_event_with("loaded", None, &cart, ["books", "toys"].into_iter().zip([3, 1]));
    /// # }
    /// ```
    pub fn add_event_with<K: ToKey, V: ToValue>(
        &mut self,
        name: impl AsRef<str>,
        time: Option<Timestamp>,
        prepared: &PreparedAttributes,
        attributes: impl IntoIterator<Item = (K, V)>,
    ) -> &mut Self {
        if let Some(live) = &mut self.live {
            let time = time.unwrap_or_else(|| live.clock.now()).unix_nano();
            live.writer.add_event_prepared(name.as_ref(), time, prepared, attributes);
        }
        self
    }

    /// Records an error as an `exception` event: `exception.message` is its text, `exception.type` its type unless that is
    /// hidden behind a `dyn`, and when it has sources `exception.stacktrace` is what they say, line by line. It does not
    /// set the status (conformance SPAN-19).
    ///
    /// ```
    /// # async fn f(client: otlp::Client) {
    /// let mut span = client.tracer("shop").start("parse");
    /// if let Err(error) = "x".parse::<u8>() {
    ///     span.record_error(&error).set_status(otlp::StatusCode::Error, error.to_string());
    /// }
    /// # }
    /// ```
    pub fn record_error<E: Error + ?Sized>(&mut self, error: &E) -> &mut Self {
        self.record_error_with(error, &[])
    }

    /// [`record_error`](Self::record_error) with attributes of your own, which take precedence: the type of an error behind
    /// a `dyn`, a backtrace, `exception.escaped`.
    ///
    /// ```
    /// # async fn f(client: otlp::Client) {
    /// use std::backtrace::Backtrace;
    /// let mut span = client.tracer("shop").start("parse");
    /// if let Err(error) = "x".parse::<u8>() {
    ///     let backtrace = Backtrace::force_capture().to_string();
    ///     span.record_error_with(&error, &[("exception.stacktrace", backtrace.as_str().into())]);
    /// }
    /// # }
    /// ```
    pub fn record_error_with<E: Error + ?Sized>(
        &mut self,
        error: &E,
        attributes: &[(&str, ValueRef<'_>)],
    ) -> &mut Self {
        if let Some(live) = &mut self.live {
            let now = live.clock.now().unix_nano();
            let texts = exception::texts(error);
            let own = texts.iter().map(|(key, text)| (*key, text.as_str().into()));
            live.writer.add_event("exception", now, own.chain(attributes.iter().copied()));
        }
        self
    }
}
