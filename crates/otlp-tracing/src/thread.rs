//! The current thread's number and name, as attributes.
//!
//! Found out once for each thread, because the standard library tells the number as text only.

use std::cell::RefCell;
use std::panic::catch_unwind;
use std::thread;

struct Thread {
    id: Option<i64>,
    name: Option<Box<str>>,
}

thread_local! {
    static THREAD: RefCell<Option<Thread>> = const { RefCell::new(None) };
}

/// Calls `f` with the thread's number and its name, if they can be known: not while the thread is being torn down.
pub(crate) fn describe(f: impl FnOnce(Option<i64>, Option<&str>)) {
    let _ = THREAD.try_with(|known| {
        if let Ok(mut known) = known.try_borrow_mut() {
            let thread = known.get_or_insert_with(Thread::current);
            f(thread.id, thread.name.as_deref());
        }
    });
}

impl Thread {
    #[cold]
    fn current() -> Self {
        // Panics at the very end of a thread.
        let Ok(thread) = catch_unwind(thread::current) else { return Self { id: None, name: None } };
        let text = format!("{:?}", thread.id());
        let digits = text.trim_matches(|c: char| !c.is_ascii_digit());
        Self { id: digits.parse().ok(), name: thread.name().map(Box::from) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_have_numbers_of_their_own_and_the_names_they_were_given() {
        let mut ids = Vec::new();
        for name in ["one", "two"] {
            let thread = thread::Builder::new().name(name.to_owned()).spawn(|| {
                let mut seen = (None, None);
                describe(|id, name| seen = (id, name.map(str::to_owned)));
                seen
            });
            let (id, seen) = thread.unwrap().join().unwrap();
            assert_eq!(seen.as_deref(), Some(name));
            ids.push(id.unwrap());
        }
        assert_ne!(ids[0], ids[1]);
    }
}
