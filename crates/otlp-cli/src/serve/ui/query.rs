//! The query of an address: `search=a+b&limit=5`. Pure.

use percent_encoding::percent_decode_str;

/// The value of the first parameter of this name; what is no UTF-8 in it is replaced.
pub(super) fn value(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    let blanks = value.replace('+', " ");
    Some(percent_decode_str(&blanks).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_as_browsers_encode_them() {
        let query = "limit=5&search=GET+%2Fcart%2B%C3%A9&x&search=no";
        assert_eq!(value(query, "search").as_deref(), Some("GET /cart+é"));
        assert_eq!(value(query, "limit").as_deref(), Some("5"));
        assert_eq!(value(query, "x").as_deref(), Some(""));
        assert_eq!(value("", "search"), None);
        assert_eq!(value("search=%ff%", "search").as_deref(), Some("\u{fffd}%"));
    }
}
