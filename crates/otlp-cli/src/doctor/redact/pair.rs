//! Names and their values, as texts of any form write them: on one line, or on two lines of the same item.
//!
//! Used to find the values of which a name says that they are secret. Knows neither YAML nor JSON, only how both are written.
//! Pure.

use super::is_secret;
use std::collections::HashSet;

/// What stands before the first name of a line, in YAML and in JSON.
const BEFORE: [char; 5] = [' ', '\t', '-', '{', '['];

/// Something with a name and a value, each on a line of its own, as Kubernetes writes variables.
struct Item {
    indent: usize,
    /// Whether its name is one of a secret.
    is_secret: bool,
    /// The line with its value.
    value: Option<usize>,
}

/// The lines with the value of something that has the name of a secret on another line: below or above, since some sort them.
pub(super) fn secret_values(text: &str) -> HashSet<usize> {
    let (mut open, mut secret): (Vec<Item>, _) = (Vec::new(), HashSet::new());
    for (number, line) in text.lines().enumerate() {
        let indent = start(line);
        let (before, content) = line.split_at(indent);
        if content.is_empty() {
            continue;
        }
        let begins = before.contains(['-', '{', '[']);
        while open.last().is_some_and(|item| item.indent > indent || (item.indent == indent && begins)) {
            open.pop();
        }
        if open.last().is_none_or(|item| item.indent < indent) {
            open.push(Item { indent, is_secret: false, value: None });
        }
        let (Some((key, value)), Some(item)) = (pair(line), open.last_mut()) else { continue };
        if key.eq_ignore_ascii_case("value") {
            item.value = Some(number);
        } else if is_name(value) && is_secret(value) {
            item.is_secret = true;
        } else if ["name", "key"].iter().any(|it| key.eq_ignore_ascii_case(it)) {
            (item.is_secret, item.value) = (false, None);
        }
        secret.extend(item.value.filter(|_| item.is_secret));
    }
    secret
}

/// Where the value begins in a line, of which all is in lower case, that has a name and a value, in whatever order.
pub(super) fn value_beside_name(line: &str) -> Option<usize> {
    let behind = |at: usize| {
        let end = at + "value".len();
        let rest = line.get(end..)?.trim_start_matches(['"', '\'', ' ']);
        rest.starts_with([':', '=']).then_some(line.len() - rest.len() + 1)
    };
    let has_name = ["name", "key"].iter().any(|it| line.contains(it));
    line.match_indices("value").find_map(|(at, _)| behind(at)).filter(|_| has_name)
}

/// Where the value begins in a line that has a name before it, behind the separator. Neither the `=` at the end of base64 is
/// one, nor a colon inside a word.
pub(super) fn behind_name(line: &str) -> Option<usize> {
    let at = line.find([':', '='])?;
    let (before, value) = (line.get(start(line)..at)?, line.get(at + 1..)?);
    let name = before.trim_end();
    let separates = if line.get(at..)?.starts_with(':') {
        unquoted(name) != name || value.is_empty() || value.starts_with([' ', '\t'])
    } else {
        name != before || value.trim_start_matches('=').starts_with(|c: char| c != ',' && !c.is_whitespace())
    };
    (separates && is_name(unquoted(name))).then_some(at + 1)
}

/// The first name of a line, and its value.
fn pair(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_at(behind_name(line)?);
    let name = name.get(start(line)..)?.trim_end_matches([':', '=']).trim_end();
    let value = value.split_once(" #").map_or(value, |(value, _comment)| value);
    Some((unquoted(name), unquoted(value.trim().trim_end_matches([',', '}', ' ']))))
}

fn start(line: &str) -> usize {
    line.len() - line.trim_start_matches(BEFORE).len()
}

fn unquoted(text: &str) -> &str {
    let inside = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secrets_are_found_below_and_above_their_names() {
        for (text, lines) in [
            ("- name: API_TOKEN\n  value: a\n- name: PORT\n  value: b\n", &[1][..]),
            ("- value: a\n  name: API_TOKEN\n- value: b\n  name: PORT\n", &[0]),
            ("- name: 'API_TOKEN' # ours\n  value: a\n", &[1]),
            ("- name: API_TOKEN\n  more:\n    value: a\n  value: b\n", &[3]),
            ("{\n  \"name\": \"API_TOKEN\",\n  \"value\": \"a\"\n},\n{\n  \"value\": \"b\"\n}\n", &[2]),
            ("[{ \"Name\": \"API_TOKEN\",\n   \"Value\": \"a\" },\n { \"Value\": \"b\" }]\n", &[1]),
            ("name = \"API_TOKEN\"\nvalue = \"a\"\nname = \"PORT\"\nvalue = 1\n", &[1]),
            ("msg=\"invalid token\"\nvalue: 3\n", &[]),
        ] {
            let mut found: Vec<usize> = secret_values(text).into_iter().collect();
            found.sort_unstable();
            assert_eq!(found, lines, "{text}");
        }
    }

    #[test]
    fn a_name_is_told_from_the_rest_of_a_value() {
        for (line, begin) in [
            ("  x-team: a", Some(9)),
            ("- \"x-team\":\"a\"", Some(11)),
            ("x-team=a=b", Some(7)),
            ("x = a", Some(3)),
            ("x:", Some(2)),
            ("  aHVudGVyMjI=", None),
            ("aHVudGVyMg==", None),
            ("aHVudGVyMg==, # ours", None),
            ("\"aHVudGVyMjI=\",", None),
            ("Basic dXNlcjpwdw==", None),
            ("abc:def", None),
            ("hunter 2: a", None),
            ("hunter2", None),
        ] {
            assert_eq!(behind_name(line), begin, "{line}");
        }
    }
}
