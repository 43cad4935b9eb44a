//! Which HTTP methods are known. A method is the caller's to choose, so that only known ones may become part of a span's
//! name; all others are `_OTHER`. Pure.

use crate::attributes::Attributes;
use crate::keys;
use http::Method;

/// The methods of RFC 9110 and RFC 5789, which the conventions know.
const KNOWN: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// What stands in `http.request.method` for a method that is not known.
pub(crate) const OTHER: &str = "_OTHER";
/// What stands for it in a span's name.
pub(crate) const OTHER_IN_NAME: &str = "HTTP";

/// The known methods: the conventions', or the user's in their place.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownMethods(Option<Vec<String>>);

impl KnownMethods {
    pub(crate) fn new(methods: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(Some(methods.into_iter().map(Into::into).collect()))
    }

    /// The method's name, if it is known. Letter case counts, as it does in HTTP.
    pub(crate) fn known<'a>(&self, method: &'a Method) -> Option<&'a str> {
        let name = method.as_str();
        let is_known = match &self.0 {
            None => KNOWN.contains(&name),
            Some(known) => known.iter().any(|known| known == name),
        };
        is_known.then_some(name)
    }
}

/// Puts the method's attributes.
pub(crate) fn put(methods: &KnownMethods, method: &Method, to: &mut impl Attributes) {
    match methods.known(method) {
        Some(name) => to.text(&keys::HTTP_REQUEST_METHOD, name),
        None => {
            to.text(&keys::HTTP_REQUEST_METHOD, OTHER);
            to.text(&keys::HTTP_REQUEST_METHOD_ORIGINAL, method.as_str());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(name: &str) -> Method {
        Method::from_bytes(name.as_bytes()).unwrap()
    }

    #[test]
    fn the_standard_methods_are_known_and_letter_case_counts() {
        let known = KnownMethods::default();
        for name in KNOWN {
            assert_eq!(known.known(&method(name)), Some(name));
        }
        for name in ["get", "GeT", "PROPFIND", "QUERY"] {
            assert_eq!(known.known(&method(name)), None, "{name}");
        }
    }

    #[test]
    fn a_list_of_ones_own_replaces_the_standard_one() {
        let known = KnownMethods::new(["GET", "PURGE"]);
        assert_eq!(known.known(&method("PURGE")), Some("PURGE"));
        assert_eq!(known.known(&method("POST")), None);
    }
}
