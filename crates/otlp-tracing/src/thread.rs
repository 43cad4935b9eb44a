//! The current thread's number and name, as attributes.
//!
//! Found out once for each thread, because the standard library tells the number as text only.

use otlp::{KeyValue, PreparedAttributes};
use std::cell::RefCell;
use std::panic::catch_unwind;
use std::thread;

thread_local! {
    static THREAD: RefCell<Option<PreparedAttributes>> = const { RefCell::new(None) };
}

/// Calls `f` with the thread's number and its name, as far as they can be known: not while the thread is being torn down. `f` runs
/// no code of others.
pub(crate) fn describe(f: impl FnOnce(&PreparedAttributes)) {
    let _ = THREAD.try_with(|known| {
        if let Ok(mut known) = known.try_borrow_mut() {
            f(known.get_or_insert_with(current));
        }
    });
}

#[cold]
fn current() -> PreparedAttributes {
    // Panics at the very end of a thread.
    let Ok(thread) = catch_unwind(thread::current) else { return PreparedAttributes::default() };
    let text = format!("{:?}", thread.id());
    let digits = text.trim_matches(|c: char| !c.is_ascii_digit());
    let id = digits.parse::<i64>().ok().map(|id| KeyValue::new("thread.id", id));
    let name = thread.name().map(|name| KeyValue::new("thread.name", name.to_owned()));
    PreparedAttributes::new(id.into_iter().chain(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_have_numbers_of_their_own_and_the_names_they_were_given() {
        let mut ids = Vec::new();
        for name in ["one", "two"] {
            let thread = thread::Builder::new().name(name.to_owned()).spawn(|| {
                let mut seen = Vec::new();
                describe(|known| seen = known.attributes().to_vec());
                seen
            });
            let seen = thread.unwrap().join().unwrap();
            assert_eq!(seen[1], KeyValue::new("thread.name", name));
            assert_eq!(seen[0].key, "thread.id");
            ids.push(seen[0].value.clone());
        }
        assert_ne!(ids[0], ids[1]);
    }
}
