//! Asking about an attribute's text, whatever kind its value is.
//!
//! Used by the conditions of rules. Allocates nothing, but for numbers of more than 32 characters.

use otlp_model::AnyValue;
use std::fmt::{self, Display, Write};

/// Whether `holds` of the value as a text, or of one of an array's items; bytes, maps and what is empty have none.
pub(super) fn of_any(value: &AnyValue, holds: &dyn Fn(&str) -> bool) -> bool {
    match value {
        AnyValue::String(text) => holds(text),
        AnyValue::Bool(value) => holds(if *value { "true" } else { "false" }),
        AnyValue::Int(value) => of_number(value, holds),
        AnyValue::Double(value) => of_number(value, holds),
        AnyValue::Array(items) => items.iter().any(|item| of_any(item, holds)),
        _ => false,
    }
}

fn of_number(number: impl Display, holds: &dyn Fn(&str) -> bool) -> bool {
    let mut digits = Digits { text: [0; 32], len: 0 };
    match write!(digits, "{number}").ok().and_then(|()| digits.get()) {
        Some(text) => holds(text),
        None => holds(&number.to_string()),
    }
}

/// A short text on the stack.
struct Digits {
    text: [u8; 32],
    len: usize,
}

impl Digits {
    fn get(&self) -> Option<&str> {
        std::str::from_utf8(self.text.get(..self.len)?).ok()
    }
}

impl Write for Digits {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let end = self.len + more.len();
        self.text.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(more.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_that_has_a_text_is_asked_by_it() {
        // conf: SAMP-25
        let is = |value: AnyValue, text: &str| of_any(&value, &|found| found == text);
        assert!(is("GET".into(), "GET") && !is("GET".into(), "get"));
        assert!(
            is(true.into(), "true") && is(404.into(), "404") && is(i64::MIN.into(), "-9223372036854775808")
        );
        assert!(is(404.0.into(), "404") && is(0.5.into(), "0.5"));
        assert!(is(1e40.into(), &format!("1{}", "0".repeat(40))), "too long for the stack");
        assert!(is(vec!["a", "b"].into(), "b") && is(vec![1_i64, 2].into(), "1"));
        assert!(!is(AnyValue::Empty, "") && !is(AnyValue::Bytes(b"a".to_vec()), "a"));
    }
}
