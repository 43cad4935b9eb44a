//! Waiting for the first of two futures; what the shells of this crate use where others use `select!`.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Which of two futures ended first, and with what.
#[derive(Debug)]
pub(crate) enum First<A, B> {
    /// The first argument's result.
    Left(A),
    /// The second argument's result.
    Right(B),
}

impl<A, B> First<A, B> {
    pub(crate) fn is_first(&self) -> bool {
        matches!(self, Self::Left(_))
    }
}

/// Polls both and drops the loser; when both are done at once, `left` wins.
pub(crate) async fn race<A, B>(left: impl Future<Output = A>, right: impl Future<Output = B>) -> First<A, B> {
    let mut left = pin!(left);
    let mut right = pin!(right);
    poll_fn(move |cx| {
        if let Poll::Ready(result) = left.as_mut().poll(cx) {
            return Poll::Ready(First::Left(result));
        }
        right.as_mut().poll(cx).map(First::Right)
    })
    .await
}
