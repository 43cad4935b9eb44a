//! What goes to standard output: JSON as it is or indented, and counts in words.
//!
//! Used by `decode`, and by who sums up. Pure but for the writing.

/// As `1 span` and `2 spans`, of a word that takes no more than that.
pub(crate) fn counted(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// `json` with a line for each member and two blanks for each level; what is empty stays on one line.
///
/// Works on the text: numbers, order and spelling stay as they are.
pub(crate) fn indented(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let mut bytes = json.iter().copied().peekable();
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + 2 * depth, b' ');
    };
    while let Some(byte) = bytes.next() {
        if in_string {
            out.push(byte);
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'{' | b'[' => {
                out.push(byte);
                if let Some(end) = bytes.next_if(|next| [b'}', b']'].contains(next)) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                line(&mut out, depth);
            }
            b':' => out.extend(b": "),
            b'"' => {
                in_string = true;
                out.push(byte);
            }
            byte => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_get_lines_and_texts_are_left_alone() {
        let text = br#"{"a":[{"b":"{,:\"}"},1],"c":{},"d":[]}"#;
        let expected = "{\n  \"a\": [\n    {\n      \"b\": \"{,:\\\"}\"\n    },\n    1\n  ],\n  \"c\": {},\n  \"d\": []\n}";
        assert_eq!(String::from_utf8(indented(text)).unwrap(), expected);
    }
}
