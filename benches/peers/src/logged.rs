//! The log records through the macros of `log`: the same calls for every bridge, so that only the bridges differ.

use crate::contender::Failure;
use crate::work::Table;
use log::{LevelFilter, Log, info};
use std::ops::Range;

/// Makes a bridge everybody's logger, as in an application: for what is info or above, so that what the libraries below an
/// exporter tell of their work is no work of ours.
///
/// # Errors
///
/// There is a logger already.
pub fn install(bridge: impl Log + 'static) -> Result<(), Failure> {
    log::set_boxed_logger(Box::new(bridge))?;
    log::set_max_level(LevelFilter::Info);
    Ok(())
}

/// Makes these records, and tells `made` of each. The names are those of [`work`](crate::work), which the macros need as
/// literals.
pub fn records(items: Range<u64>, table: &Table, made: impl Fn(u64)) {
    for number in items {
        info!(
            "http.request.method" = "GET",
            "user.id" = number as i64,
            "cache.hit" = true;
            "{}",
            table.body(number)
        );
        made(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work;
    use log::kv::{self, Key, Value, VisitSource};
    use log::{Metadata, Record};
    use std::sync::mpsc::{Sender, channel};

    /// Tells the body and the keys of each record.
    struct Names(Sender<(String, Vec<String>)>);

    impl Log for Names {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &Record<'_>) {
            struct Keys(Vec<String>);
            impl<'kvs> VisitSource<'kvs> for Keys {
                fn visit_pair(&mut self, key: Key<'kvs>, _: Value<'kvs>) -> Result<(), kv::Error> {
                    self.0.push(key.to_string());
                    Ok(())
                }
            }
            let mut keys = Keys(Vec::new());
            record.key_values().visit(&mut keys).unwrap();
            self.0.send((record.args().to_string(), keys.0)).unwrap();
        }

        fn flush(&self) {}
    }

    #[test]
    fn the_literals_are_the_names_of_the_work() {
        let (sender, told) = channel();
        install(Names(sender)).map_err(|_| "a logger").unwrap();
        let (table, made) = (Table::new(), std::cell::Cell::new(0));
        records(3..5, &table, |items| made.set(made.get() + items));
        let keys = [work::METHOD, work::USER, work::HIT].map(str::to_owned).to_vec();
        let expected = [3, 4].map(|number| (table.body(number).to_owned(), keys.clone()));
        assert_eq!((made.get(), told.try_iter().collect::<Vec<_>>()), (2, expected.to_vec()));
    }
}
