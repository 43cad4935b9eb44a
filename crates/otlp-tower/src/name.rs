//! A span's name, put together without an allocation: a sampler wants to see it before anybody knows whether there will be
//! a span. Pure.

/// Names up to this length are made on the stack.
const SHORT: usize = 128;

/// A name: one text, or two with a blank between.
pub(crate) enum Name<'a> {
    One(&'a str),
    Short([u8; SHORT], usize),
    Long(String),
}

impl<'a> Name<'a> {
    pub(crate) fn new(method: &'a str, target: Option<&str>) -> Self {
        let Some(target) = target else { return Self::One(method) };
        let len = method.len() + 1 + target.len();
        if len > SHORT {
            return Self::Long(format!("{method} {target}"));
        }
        let mut bytes = [b' '; SHORT];
        bytes[..method.len()].copy_from_slice(method.as_bytes());
        bytes[method.len() + 1..len].copy_from_slice(target.as_bytes());
        Self::Short(bytes, len)
    }
}

impl AsRef<str> for Name<'_> {
    fn as_ref(&self) -> &str {
        match self {
            Self::One(name) => name,
            // Two texts and a blank: it cannot fail.
            Self::Short(bytes, len) => str::from_utf8(&bytes[..*len]).unwrap_or_default(),
            Self::Long(name) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_length_read_as_written() {
        assert_eq!(Name::new("GET", None).as_ref(), "GET");
        assert_eq!(Name::new("GET", Some("")).as_ref(), "GET ");
        for len in [1, SHORT - 5, SHORT - 4, SHORT - 3, 1_000] {
            let route = "ä/".repeat(len.div_ceil(3));
            assert_eq!(Name::new("GET", Some(&route)).as_ref(), format!("GET {route}"));
        }
    }
}
