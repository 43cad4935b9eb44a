//! The parser accepts what `serde_json` accepts, and reads the same from it.

use super::*;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Reads any value into serde_json's tree; what the transcoder does, without a schema.
fn tree(parser: &mut Parser<'_>) -> Result<Value, Error> {
    match parser.peek() {
        Some(b'{') => {
            let mut members = Map::new();
            parser.object(|parser, name| {
                members.insert(name.to_owned(), tree(parser)?);
                Ok(())
            })?;
            Ok(Value::Object(members))
        }
        Some(b'[') => {
            let mut elements = Vec::new();
            parser.list(|parser| {
                elements.push(tree(parser)?);
                Ok(())
            })?;
            Ok(Value::Array(elements))
        }
        _ => Ok(match parser.scalar("a value")? {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Number(text) => serde_json::from_str(text).unwrap_or(Value::Null),
            Scalar::String(text) => Value::String(text.into_owned()),
        }),
    }
}

fn parse(json: &[u8]) -> Result<Value, Error> {
    let mut parser = Parser::new(json)?;
    let value = tree(&mut parser)?;
    parser.end()?;
    Ok(value)
}

fn skip(json: &[u8]) -> Result<(), Error> {
    let mut parser = Parser::new(json)?;
    parser.skip()?;
    parser.end()
}

fn values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::String),
    ];
    scalar.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Fragments of JSON in any order: mostly malformed, close to well-formed.
fn almost_json() -> impl Strategy<Value = String> {
    let fragments = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\x\"",
        "0",
        "-1",
        "01",
        "1.5",
        "1.",
        ".5",
        "1e5",
        "1E-2",
        "1e",
        "-",
        "null",
        "nul",
        "true",
        "false",
        " ",
        "\n",
        "\"",
        "\t",
        "\u{1}",
        "é",
        "\"é\u{1}\"",
        "\"\\",
        "\"\\u12\"",
        "\"\\u+123\"",
        "NaN",
    ];
    prop::collection::vec(prop::sample::select(fragments.to_vec()), 0..8).prop_map(|parts| parts.concat())
}

#[test]
fn surrogates_must_be_paired() {
    // conf: JSON-17
    assert_eq!(parse(br#""\ud83d\ude00\u00e9""#).unwrap(), "😀é");
    for json in [&br#""\ud83d""#[..], br#""\ude00""#, br#""\ud83d\u0041""#, br#""\ud83d\ud83d""#] {
        let error = parse(json).unwrap_err();
        assert_eq!(error.to_string(), "a surrogate stands alone in a string (at byte 1)");
    }
    assert_eq!(parse(b"\"\xff\"").unwrap_err().to_string(), "the text is not valid UTF-8 (at byte 1)");
}

#[test]
fn skipping_does_not_recurse() {
    // conf: JSON-10
    let deep = "[{\"a\":".repeat(200_000) + "1" + &"}]".repeat(200_000);
    skip(deep.as_bytes()).unwrap();
    assert!(skip(&deep.as_bytes()[..deep.len() - 1]).is_err());
}

proptest! {
    #[test]
    fn what_serde_json_writes_is_read(value in values(), pretty: bool) {
        let json = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.unwrap();
        // Through text and back: without `float_roundtrip` serde_json itself may be off by one in the last digit.
        let expected: Value = serde_json::from_slice(&json).unwrap();
        prop_assert_eq!(parse(&json).unwrap(), expected);
        prop_assert!(skip(&json).is_ok());
    }

    #[test]
    fn what_serde_json_refuses_is_refused(json in almost_json()) {
        let expected = serde_json::from_str::<Value>(&json);
        match parse(json.as_bytes()) {
            Ok(value) => prop_assert_eq!(value, expected.unwrap()),
            Err(_) => prop_assert!(expected.is_err(), "{}", json),
        }
        prop_assert_eq!(skip(json.as_bytes()).is_ok(), parse(json.as_bytes()).is_ok());
    }
}
