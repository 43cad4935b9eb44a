//! The bytes of a request, in the pieces they were put together from.
//!
//! Made by the assembler, read by layers, and written to sockets piece by piece. Never changed once made: whoever
//! wants other bytes makes another body.

use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// The encoded bytes of a request, as slices that follow each other.
///
/// Cloning counts a reference and copies nothing. Records that came through a queue stay where they were queued: a body
/// holds that memory until its last clone is gone, and the queue counts it as used for so long.
///
/// ```
/// use bytes::Bytes;
/// use otlp_model::Body;
/// let body: Body = [&b"head "[..], b"records"].into_iter().map(Bytes::from_static).collect();
/// assert_eq!((body.len(), body.slices().len()), (12, 2));
/// assert_eq!(body.to_bytes(), "head records");
/// assert_eq!(body, Body::from(&b"head records"[..]));
/// ```
#[derive(Clone, Default)]
pub struct Body {
    len: usize,
    slices: Slices,
}

#[derive(Clone)]
enum Slices {
    One(Bytes),
    Many(Arc<[Bytes]>),
}

impl Default for Slices {
    fn default() -> Self {
        Self::One(Bytes::new())
    }
}

impl Body {
    /// The number of bytes in all slices.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no byte in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes in order; no slice is empty.
    #[must_use]
    pub fn slices(&self) -> &[Bytes] {
        match &self.slices {
            Slices::One(bytes) if bytes.is_empty() => &[],
            Slices::One(bytes) => std::slice::from_ref(bytes),
            Slices::Many(slices) => slices,
        }
    }

    /// The bytes in one piece: a copy, unless they are one slice already.
    ///
    /// For what reads a body as a whole, as the views of [`view`](crate::view) do.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        match &self.slices {
            Slices::One(bytes) => bytes.clone(),
            Slices::Many(slices) => slices.concat().into(),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self { len: bytes.len(), slices: Slices::One(bytes) }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}

impl FromIterator<Bytes> for Body {
    fn from_iter<I: IntoIterator<Item = Bytes>>(slices: I) -> Self {
        let mut slices: Vec<Bytes> = slices.into_iter().filter(|slice| !slice.is_empty()).collect();
        if slices.len() <= 1 {
            return slices.pop().unwrap_or_default().into();
        }
        Self { len: slices.iter().map(Bytes::len).sum(), slices: Slices::Many(slices.into()) }
    }
}

/// Bodies are equal when their bytes are, however they are cut.
impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        if self.len != other.len {
            return false;
        }
        let mut others = other.slices().iter();
        let mut theirs: &[u8] = &[];
        self.slices().iter().all(|ours| {
            let mut ours = &ours[..];
            while !ours.is_empty() {
                if theirs.is_empty() {
                    let Some(next) = others.next() else { return false };
                    theirs = next;
                }
                let (one, other) = (ours, theirs);
                let same = one.len().min(other.len());
                let ((one, ours_left), (other, theirs_left)) = (one.split_at(same), other.split_at(same));
                if one != other {
                    return false;
                }
                (ours, theirs) = (ours_left, theirs_left);
            }
            true
        })
    }
}

impl Eq for Body {}

impl fmt::Debug for Body {
    /// The bytes are left out: they are many, and may be what nobody wants in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("len", &self.len).field("slices", &self.slices().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_body_is_its_bytes_however_they_are_cut(
            bytes in prop::collection::vec(any::<u8>(), 0..40),
            cuts in prop::collection::vec(0..40usize, 0..6),
            other_cuts in prop::collection::vec(0..40usize, 0..6),
            flip in prop::option::of(0..40usize),
        ) {
            let cut = |bytes: &[u8], mut cuts: Vec<usize>| -> Body {
                cuts.extend([0, bytes.len()]);
                cuts.retain(|at| *at <= bytes.len());
                cuts.sort_unstable();
                cuts.windows(2).map(|range| Bytes::copy_from_slice(&bytes[range[0]..range[1]])).collect()
            };
            let body = cut(&bytes, cuts);
            prop_assert_eq!(body.len(), bytes.len());
            prop_assert_eq!(body.is_empty(), bytes.is_empty());
            prop_assert_eq!(&body.to_bytes(), &bytes);
            prop_assert_eq!(body.slices().concat(), bytes.clone());
            prop_assert!(body.slices().iter().all(|slice| !slice.is_empty()));

            let mut changed = bytes.clone();
            if let Some(byte) = flip.and_then(|at| changed.get_mut(at)) {
                *byte ^= 1;
            }
            prop_assert_eq!(body == cut(&changed, other_cuts), bytes == changed);
        }
    }

    #[test]
    fn one_slice_is_not_copied() {
        let bytes = Bytes::from(vec![7; 100]);
        let body = Body::from(bytes.clone());
        assert_eq!(
            (body.to_bytes().as_ptr(), body.clone().to_bytes().as_ptr()),
            (bytes.as_ptr(), bytes.as_ptr())
        );
        assert_eq!((Body::default().len(), Body::default().slices().len()), (0, 0));
    }
}
