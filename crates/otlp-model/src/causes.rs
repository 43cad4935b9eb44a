//! An error and its causes, one after the other.
//!
//! Used wherever the workspace looks for a cause, or tells of it. Reads `source()`, which may be foreign code, and has an end where
//! that has none.

use std::error::Error;
use std::iter::successors;

/// How many are looked at.
const DEPTH: usize = 32;

/// The error, its cause, that one's cause and so on: at most 32, since errors of users' layers may go round in a circle.
///
/// ```
/// let error = std::fmt::Error;
/// assert!(otlp_model::causes(&error).any(|cause| cause.is::<std::fmt::Error>()));
/// ```
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&error| error.source()).take(DEPTH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    /// Whose cause is itself.
    #[derive(Debug)]
    struct Endless;

    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("endless")
        }
    }

    impl Error for Endless {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }

    #[test]
    fn causes_that_have_no_end_are_not_followed_for_ever() {
        assert_eq!(causes(&Endless).count(), DEPTH);
        assert_eq!(causes(&fmt::Error).count(), 1);
    }
}
