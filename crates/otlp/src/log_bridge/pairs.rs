//! Key-value pairs of `log` as attributes, each of the kind it has: only what is no number, truth value, text or error
//! becomes text. Calls foreign code, which may panic; the bridge sees to that.

use crate::log_record::LiveLog;
use log::kv::{Error, Key, Source, Value, VisitSource, VisitValue};
use otlp_model::ValueRef;

pub(super) fn put(live: &mut LiveLog, pairs: &dyn Source) {
    // Only a visitor could fail, and this one does not.
    let _ = pairs.visit(&mut Pairs(live));
}

struct Pairs<'a>(&'a mut LiveLog);

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        value.visit(Attribute { live: self.0, key: key.as_str() })
    }
}

struct Attribute<'a, 'k> {
    live: &'a mut LiveLog,
    key: &'k str,
}

impl Attribute<'_, '_> {
    fn set<'v>(&mut self, value: impl Into<ValueRef<'v>>) -> Result<(), Error> {
        self.live.writer.set_attribute(self.key, value.into());
        Ok(())
    }
}

impl<'v> VisitValue<'v> for Attribute<'_, '_> {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), Error> {
        self.live.set_text(self.key, format_args!("{value}"));
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), Error> {
        self.set(ValueRef::Empty)
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.set(ValueRef::Uint(value))
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        self.set(ValueRef::Int(value))
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        self.set(ValueRef::Double(value))
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.set(ValueRef::Bool(value))
    }

    fn visit_str(&mut self, value: &str) -> Result<(), Error> {
        self.set(ValueRef::String(value))
    }

    fn visit_error(&mut self, error: &(dyn std::error::Error + 'static)) -> Result<(), Error> {
        self.live.set_text(self.key, format_args!("{error}"));
        self.live.set_exception(error);
        Ok(())
    }

    fn visit_borrowed_error(&mut self, error: &'v (dyn std::error::Error + 'static)) -> Result<(), Error> {
        self.visit_error(error)
    }
}
