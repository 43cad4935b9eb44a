//! The variable of resource attributes.

use otlp_model::Resource;
use percent_encoding::percent_decode_str;

/// Attributes as `key=value,key=value`, keys and values percent-encoded (RES-07). One mistake discards all of them (RES-08): half a
/// resource would look like another one.
pub(crate) fn attributes(list: &str) -> Result<Resource, String> {
    let members = list.split(',').map(str::trim).enumerate().filter(|(_, member)| !member.is_empty());
    members.into_iter().try_fold(Resource::new(), |resource, (index, member)| {
        let problem = |problem: &str| format!("attribute {} of the list {problem}", index + 1);
        let (key, value) = member.split_once('=').ok_or_else(|| problem("has no `=`"))?;
        let decode = |text: &str| decode(text.trim()).ok_or_else(|| problem("is not percent-encoded UTF-8"));
        let (key, value) = (decode(key)?, decode(value)?);
        if key.is_empty() {
            return Err(problem("has an empty key"));
        }
        Ok(resource.with(key, value))
    })
}

fn decode(text: &str) -> Option<String> {
    let is_encoded = |rest: &str| matches!(rest.as_bytes(), [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit());
    if !text.split('%').skip(1).all(is_encoded) {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::AnyValue;

    #[test]
    fn keys_and_values_are_decoded() {
        // conf: RES-07
        let resource = attributes(" team = a%2Cb ,k%3D1=x=y,,empty=").unwrap();
        let text = |key| resource.get(key).cloned();
        assert_eq!(text("team"), Some(AnyValue::from("a,b")));
        assert_eq!(text("k=1"), Some(AnyValue::from("x=y")));
        assert_eq!(text("empty"), Some(AnyValue::from("")));
        assert_eq!(resource.attributes.len(), 3);
    }

    #[test]
    fn one_mistake_discards_all() {
        // conf: RES-08
        for (list, problem) in [
            ("a=1,b", "attribute 2 of the list has no `=`"),
            ("a=1,=2", "attribute 2 of the list has an empty key"),
            ("a=%zz", "attribute 1 of the list is not percent-encoded UTF-8"),
            ("a=%", "attribute 1 of the list is not percent-encoded UTF-8"),
            ("a=%ff", "attribute 1 of the list is not percent-encoded UTF-8"),
        ] {
            assert_eq!(attributes(list).unwrap_err(), problem, "{list}");
        }
    }
}
