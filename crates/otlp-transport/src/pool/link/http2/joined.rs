//! Frames joined on their way to a connection, so that many go with one system call.
//!
//! Used by HTTP/2 alone, which hands over each frame by itself and flushes behind it, while receivers take frames of 16 KiB. To
//! copy them costs less than half of what a call for each does.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The length of the frames that receivers take, with its head.
const FRAME: usize = 16 * 1024 + 9;

/// What is joined at most. Four frames save nearly as much, more than eight nothing more.
const JOINED: usize = 8 * FRAME;

/// A connection whose frames are joined.
///
/// What is less than a frame goes out with its flush. A flush behind more is put off once, since mostly another frame follows:
/// then what is joined goes out with a second flush, when there is no more room, or when the connection is read from next, with
/// which HTTP/2 begins each turn.
#[derive(Debug)]
pub(super) struct Joined<T> {
    io: T,
    /// Not yet written from `start` on.
    bytes: Vec<u8>,
    start: usize,
    /// The last frame's flush was put off.
    is_due: bool,
}

impl<T: AsyncWrite + Unpin> Joined<T> {
    pub(super) fn new(io: T) -> Self {
        Self { io, bytes: Vec::new(), start: 0, is_due: false }
    }

    fn write_joined(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.bytes.get(self.start..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.io).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.start += written,
            }
        }
        self.bytes.clear();
        self.start = 0;
        Poll::Ready(Ok(()))
    }

    fn flush_joined(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_joined(cx))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Joined<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // A server that does not read now may write all the same. One that is gone may have said why before: the error waits
        // for the flush with which HTTP/2 ends each turn.
        if !self.bytes.is_empty() {
            let _ = self.flush_joined(cx);
        }
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Joined<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        if self.bytes.len() + length > JOINED {
            ready!(self.write_joined(cx))?;
        }
        // A frame of a receiver that takes longer ones.
        if length > JOINED {
            return Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        }
        slices.iter().for_each(|slice| self.bytes.extend_from_slice(slice));
        self.is_due = false;
        Poll::Ready(Ok(length))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_due || self.bytes.len() < FRAME {
            return self.flush_joined(cx);
        }
        self.is_due = true;
        // Should there be no second flush, the next turn's reading is one.
        cx.waker().wake_by_ref();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_joined(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    /// Takes so many bytes with each call, in turns; none: not now.
    #[derive(Debug, Default)]
    struct Wire {
        takes: Vec<usize>,
        turn: usize,
        written: Vec<u8>,
        calls: usize,
        flushes: usize,
        is_shut: bool,
        /// Nobody is there to take any more.
        is_gone: bool,
        /// What it was told before.
        told: Vec<u8>,
    }

    impl AsyncWrite for Wire {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            if self.is_gone {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let takes =
                if self.takes.is_empty() { usize::MAX } else { self.takes[self.turn % self.takes.len()] };
            self.turn += 1;
            if takes == 0 {
                return Poll::Pending;
            }
            self.calls += 1;
            let bytes = &bytes[..takes.min(bytes.len())];
            self.written.extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.flushes += 1;
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.is_shut = true;
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncRead for Wire {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if self.told.is_empty() {
                return Poll::Pending;
            }
            buffer.put_slice(&std::mem::take(&mut self.told));
            Poll::Ready(Ok(()))
        }
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn read(joined: &mut Joined<Wire>, cx: &mut Context<'_>) {
        assert!(Pin::new(joined).poll_read(cx, &mut ReadBuf::new(&mut [0])).is_pending());
    }

    fn write(joined: &mut Joined<Wire>, cx: &mut Context<'_>, length: usize) -> bool {
        let frame = vec![7; length];
        let (head, payload) = frame.split_at(length.min(9));
        let slices = [IoSlice::new(head), IoSlice::new(payload)];
        match Pin::new(joined).poll_write_vectored(cx, &slices) {
            Poll::Ready(written) => written.unwrap() == length,
            Poll::Pending => false,
        }
    }

    fn flush(joined: &mut Joined<Wire>, cx: &mut Context<'_>) -> bool {
        Pin::new(joined).poll_flush(cx).map(Result::unwrap).is_ready()
    }

    #[test]
    fn frames_that_follow_each_other_go_with_one_call() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let cx = &mut Context::from_waker(&waker);
        let mut joined = Joined::new(Wire::default());
        for _ in 0..8 {
            assert!(write(&mut joined, cx, FRAME) && flush(&mut joined, cx));
        }
        assert_eq!(joined.io.calls, 0);
        assert!(woken.0.load(Ordering::SeqCst) > 0, "somebody has to send them if nothing follows");
        assert!(flush(&mut joined, cx));
        assert_eq!((joined.io.calls, joined.io.written.len(), joined.io.flushes), (1, 8 * FRAME, 1));
    }

    #[test]
    fn what_is_joined_goes_with_the_next_turn_if_nothing_follows() {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut joined = Joined::new(Wire::default());
        assert!(write(&mut joined, cx, FRAME) && flush(&mut joined, cx));
        read(&mut joined, cx);
        assert_eq!((joined.io.written.len(), joined.io.flushes), (FRAME, 1));
    }

    #[test]
    fn what_a_server_said_before_it_was_gone_is_read_before_the_error() {
        let cx = &mut Context::from_waker(Waker::noop());
        let wire = Wire { is_gone: true, told: b"goodbye".to_vec(), ..Wire::default() };
        let mut joined = Joined::new(wire);
        assert!(write(&mut joined, cx, FRAME) && flush(&mut joined, cx));
        let mut bytes = [0; 16];
        let mut buffer = ReadBuf::new(&mut bytes);
        assert!(matches!(Pin::new(&mut joined).poll_read(cx, &mut buffer), Poll::Ready(Ok(()))));
        assert_eq!(buffer.filled(), b"goodbye");
        assert!(matches!(Pin::new(&mut joined).poll_flush(cx), Poll::Ready(Err(_))));
    }

    #[test]
    fn little_goes_at_once_and_long_frames_are_not_copied() {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut joined = Joined::new(Wire::default());
        assert!(write(&mut joined, cx, 9) && flush(&mut joined, cx));
        assert_eq!(joined.io.written.len(), 9);
        // A wire without vectored writes takes the first slice only.
        assert!(!write(&mut joined, cx, JOINED + 1));
        assert_eq!((joined.bytes.len(), joined.io.written.len()), (0, 18));
    }

    #[test]
    fn a_goodbye_goes_before_the_connection_is_shut() {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut joined = Joined::new(Wire { takes: vec![10, 0, 100], ..Wire::default() });
        assert!(write(&mut joined, cx, 17));
        assert!(Pin::new(&mut joined).poll_shutdown(cx).is_pending());
        assert!(!joined.io.is_shut);
        assert!(Pin::new(&mut joined).poll_shutdown(cx).is_ready());
        assert_eq!((joined.io.written.len(), joined.io.is_shut), (17, true));
    }

    proptest! {
        /// However little the connection takes at once, and whenever.
        #[test]
        fn bytes_come_in_order_and_all_of_them(
            frames in prop::collection::vec((0..2 * FRAME, any::<bool>(), any::<bool>()), 0..40),
            takes in prop::collection::vec(0..3 * FRAME, 0..8),
        ) {
            let cx = &mut Context::from_waker(Waker::noop());
            let takes = [takes, vec![FRAME]].concat();
            let mut joined = Joined::new(Wire { takes, ..Wire::default() });
            let mut sent = Vec::new();
            for (number, (length, flushes, reads)) in frames.into_iter().enumerate() {
                let frame = vec![number as u8; length];
                while Pin::new(&mut joined).poll_write(cx, &frame).is_pending() {}
                sent.extend_from_slice(&frame);
                if flushes {
                    while !flush(&mut joined, cx) {}
                }
                if reads {
                    read(&mut joined, cx);
                }
                prop_assert!(joined.bytes.len() <= JOINED);
                prop_assert!(sent.starts_with(&joined.io.written));
            }
            while !(flush(&mut joined, cx) && flush(&mut joined, cx)) {}
            prop_assert_eq!(joined.io.written, sent);
        }
    }
}
