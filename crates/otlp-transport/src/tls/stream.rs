//! The encrypted stream: says in our words why the server ended it.
//!
//! In TLS 1.3 a client is done before the server has looked at its certificate: a refusal comes with the first read, as an
//! alert. Never changes what is read or written.

use super::error::{Offer, TlsError};
use crate::Connection;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client;

pub(super) struct TlsStream {
    inner: client::TlsStream<Connection>,
    offer: Offer,
}

impl TlsStream {
    pub(super) fn new(inner: client::TlsStream<Connection>, offer: Offer) -> Self {
        Self { inner, offer }
    }

    fn told<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| match TlsError::from_alert(&error, self.offer) {
            Some(told) => io::Error::new(error.kind(), told),
            None => error,
        })
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_read(cx, buf);
        result.map(|result| self.told(result))
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, buf);
        result.map(|result| self.told(result))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(cx);
        result.map(|result| self.told(result))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        result.map(|result| self.told(result))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
