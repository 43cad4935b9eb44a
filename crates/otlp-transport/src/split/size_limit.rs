//! What is known of the size of requests that a receiver takes, in bytes before compression.
//!
//! Pure: learns from what was taken and refused, and needs no clock: the way up is counted in requests. Receivers
//! measure requests as they arrive, compressed perhaps; for one kind of data that is about proportional.

/// How many requests near the limit have to be taken before a larger one is tried, at first.
const PATIENCE: u32 = 32;

/// And at most, after several tries were in vain: each costs one request sent for nothing.
const MAX_PATIENCE: u32 = 2048;

#[derive(Debug)]
pub(super) struct SizeLimit {
    /// Requests are cut to this size; `None` while none was refused.
    limit: Option<usize>,
    /// The largest that was taken since the last refusal of a size that had been.
    taken: usize,
    /// How many near the limit were taken in a row.
    near: u32,
    patience: u32,
}

impl Default for SizeLimit {
    fn default() -> Self {
        Self { limit: None, taken: 0, near: 0, patience: PATIENCE }
    }
}

impl SizeLimit {
    /// Whether a request of this size had better be cut before it is sent.
    pub(super) fn exceeds(&self, size: usize) -> bool {
        self.limit.is_some_and(|limit| size > limit)
    }

    /// A request of this size was taken.
    pub(super) fn taken(&mut self, size: usize) {
        self.taken = self.taken.max(size);
        let Some(limit) = self.limit else { return };
        if size < limit / 2 {
            return;
        }
        self.near += 1;
        if self.near >= self.patience {
            self.near = 0;
            self.limit = Some(limit.saturating_add(limit / 4));
        }
    }

    /// A request of this size was refused.
    pub(super) fn refused(&mut self, size: usize) {
        if size <= self.taken {
            // The receiver is another one, or has changed.
            self.taken = 0;
        }
        let raised_in_vain = self.taken > 0 && self.limit.is_some();
        self.patience = if raised_in_vain { (self.patience * 2).min(MAX_PATIENCE) } else { PATIENCE };
        self.near = 0;
        // Its halves are a little more than half as large, for the heads that both have, and are to be tried. What was taken
        // before is known to be good.
        let limit = (size - size / 4).max(self.taken);
        self.limit = Some(self.limit.map_or(limit, |former| former.min(limit)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sends a request of `size` in halves to a receiver that takes `max`; how many were refused.
    fn send(limit: &mut SizeLimit, size: usize, max: usize) -> u32 {
        send_and_count(limit, size, max).refused
    }

    #[derive(Default)]
    struct Count {
        sent: u32,
        refused: u32,
    }

    impl std::ops::Add for Count {
        type Output = Self;

        fn add(self, other: Self) -> Self {
            Self { sent: self.sent + other.sent, refused: self.refused + other.refused }
        }
    }

    fn send_and_count(limit: &mut SizeLimit, size: usize, max: usize) -> Count {
        let halves = |limit: &mut _| {
            send_and_count(limit, size / 2, max) + send_and_count(limit, size - size / 2, max)
        };
        if size > 1 && limit.exceeds(size) {
            return halves(limit);
        }
        if size <= max {
            limit.taken(size);
            return Count { sent: 1, refused: 0 };
        }
        limit.refused(size);
        let refused = Count { sent: 1, refused: 1 };
        if size == 1 { refused } else { refused + halves(limit) }
    }

    #[test]
    fn what_was_refused_once_is_cut_beforehand() {
        let mut limit = SizeLimit::default();
        assert_eq!(send(&mut limit, 2_000_000, 1_200_000), 1);
        // Larger ones are tried now and then, ever more seldom.
        let refused: Vec<u32> = (0..1_000).map(|_| send(&mut limit, 2_000_000, 1_200_000)).collect();
        let refused: u32 = refused.iter().sum();
        assert!(refused <= 8, "{refused}");
    }

    #[test]
    fn a_limit_that_was_raised_is_found_out() {
        let mut limit = SizeLimit::default();
        send(&mut limit, 1_000_000, 100_000);
        let mut sent = 0;
        while limit.exceeds(1_000_000) {
            send(&mut limit, 1_000_000, 4_000_000);
            sent += 1;
        }
        assert!(sent < 100, "{sent}");
    }

    #[test]
    fn a_receiver_that_takes_less_than_it_did_is_believed() {
        let mut limit = SizeLimit::default();
        send(&mut limit, 1_000_000, 4_000_000);
        send(&mut limit, 1_000_000, 10_000);
        assert!(limit.exceeds(20_000));
        assert!(send(&mut limit, 1_000_000, 10_000) <= 1);
    }

    proptest! {
        /// Some while the limit is sought, then one of some thousand: where requests are cut into many, many are sent.
        #[test]
        fn whatever_the_receiver_takes_few_are_refused_in_the_long_run(
            max in 1_000..4_000_000usize,
            sizes in prop::collection::vec(1..2_000_000usize, 200),
        ) {
            let mut limit = SizeLimit::default();
            let Count { sent, refused } = sizes
                .iter()
                .map(|size| send_and_count(&mut limit, *size, max))
                .fold(Count::default(), |sum, count| sum + count);
            prop_assert!(refused <= 50 + sent / 1_000, "{refused} of {sent} with {max}");
        }
    }
}
