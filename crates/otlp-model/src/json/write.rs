//! Writing JSON text: strings, numbers, hexadecimal and base64. Knows no messages.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A quoted string; control characters up to U+009F, quotes and backslashes escaped, all else as it is (JSON-17).
pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(position) = rest.iter().position(|&byte| SPECIAL[usize::from(byte)]) {
        let (plain, special) = rest.split_at(position);
        out.extend_from_slice(plain);
        rest = match special {
            // The second byte is the character's number.
            [LATIN, control @ 0x80..0xa0, rest @ ..] => {
                escape(*control, out);
                rest
            }
            [LATIN, other, rest @ ..] => {
                out.extend_from_slice(&[LATIN, *other]);
                rest
            }
            [byte, rest @ ..] => {
                escape(*byte, out);
                rest
            }
            [] => special,
        };
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// The first byte of U+0080 to U+00BF, of which the first 32 are control characters as well: some terminals obey them.
const LATIN: u8 = 0xc2;

/// Whether a byte may not be written as it is, or may begin such a character.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        special[byte] = true;
        byte += 1;
    }
    (special[b'"' as usize], special[b'\\' as usize]) = (true, true);
    (special[0x7f], special[LATIN as usize]) = (true, true);
    special
};

fn escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        b'"' | b'\\' => byte,
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&hex_digits(byte));
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// An integer as a number.
pub(super) fn integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// An integer as decimal text: 64 bits do not fit into JavaScript's numbers (JSON-06).
pub(super) fn quoted_integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.push(b'"');
    integer(value, out);
    out.push(b'"');
}

/// The shortest number that reads back as `value`; what JSON has no number for becomes text (JSON-09).
pub(super) fn double(value: f64, out: &mut Vec<u8>) {
    let text = if value.is_nan() {
        "\"NaN\""
    } else if value == f64::INFINITY {
        "\"Infinity\""
    } else if value == f64::NEG_INFINITY {
        "\"-Infinity\""
    } else {
        // `Debug` takes the exponent form where `Display` would write hundreds of zeroes. A write to a Vec cannot fail.
        let _ = std::io::Write::write_fmt(out, format_args!("{value:?}"));
        // "1.0" and "1" are the same number.
        if out.ends_with(b".0") {
            out.truncate(out.len() - 2);
        }
        return;
    };
    out.extend_from_slice(text.as_bytes());
}

/// Bytes as quoted lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend(bytes.iter().flat_map(|&byte| hex_digits(byte)));
    out.push(b'"');
}

fn hex_digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]]
}

/// Bytes as quoted base64 with padding.
pub(super) fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn doubles_are_short_and_exact() {
        // conf: JSON-09
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (1e300, "1e300"),
            (5e-324, "5e-324"),
            (f64::NAN, "\"NaN\""),
            (f64::INFINITY, "\"Infinity\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
        ];
        for (value, text) in cases {
            assert_eq!(written(|out| double(value, out)), text);
        }
    }

    #[test]
    fn no_control_character_is_written() {
        // conf: JSON-17
        let all: String = (0..0x180).filter_map(char::from_u32).collect();
        let json = written(|out| string(&all, out));
        assert!(!json.chars().any(char::is_control), "{json:?}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), all);
        assert!(json.contains("~\\u007f\\u0080") && json.contains("\\u009f\u{a0}\u{a1}"), "{json:?}");
        assert!(json.contains("½¾¿À"), "{json:?}");
    }

    proptest! {
        #[test]
        fn strings_are_json(text in any::<String>()) {
            // conf: JSON-17
            let json = written(|out| string(&text, out));
            prop_assert!(json.bytes().all(|byte| byte >= 0x20));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn doubles_read_back(bits in any::<u64>()) {
            // conf: JSON-09
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let json = written(|out| double(value, out));
            prop_assert!(serde_json::from_str::<serde_json::Number>(&json).is_ok(), "{}", json);
            prop_assert_eq!(json.parse::<f64>().unwrap().to_bits(), bits);
        }
    }
}
