//! Taking secrets out of texts that somebody will attach to a question.
//!
//! Used for the bundle. Pure, and rather too strict than too trusting: what follows a word like `token` is gone, to the end of
//! its line, and so is what belongs to it on the lines below.

mod pair;

/// In the place of a secret.
const REDACTED: &str = "<redacted>";

/// Words in the name of what is secret.
const SECRET: [&str; 10] = [
    "token",
    "secret",
    "password",
    "passwd",
    "authorization",
    "api-key",
    "api_key",
    "apikey",
    "credential",
    "headers",
];

/// Words before a secret.
const SCHEMES: [&str; 2] = ["bearer ", "basic "];

/// `text` without secrets, line by line; of a private key only that there is one.
pub(super) fn text(text: &str) -> String {
    let values = pair::secret_values(text);
    let (mut in_key, mut below, mut scalar) = (false, None, None);
    let mut out = String::with_capacity(text.len());
    for (number, text) in text.lines().enumerate() {
        let mut text = text;
        if in_key {
            let Some(end) = text.find("-----END") else { continue };
            (in_key, text) = (false, text.get(end..).unwrap_or_default());
        }
        let key = private_key(text);
        let kept = text.get(..key.unwrap_or(text.len())).unwrap_or_default();
        // Whatever is further to the right belongs to it, in YAML and in JSON that is indented.
        let is_right_of = |above: &usize| kept.trim().is_empty() || indent(kept) > *above;
        below = below.filter(is_right_of);
        scalar = scalar.filter(is_right_of);
        // Where the secret of this line begins.
        let begin = match (scalar, below) {
            (Some(_), _) => Some(indent(kept)),
            (None, Some(_)) => Some(pair::behind_name(kept).unwrap_or(indent(kept))),
            (None, None) if values.contains(&number) => pair::behind_name(kept),
            (None, None) => secret(kept),
        };
        out.push_str(&line(kept, begin, scalar.is_some()));
        out.push('\n');
        if let Some(begin) = begin {
            below = below.or(Some(indent(kept)));
            let is_scalar = kept.get(begin..).is_some_and(is_scalar);
            scalar = scalar.or(is_scalar.then_some(indent(kept)));
        }
        if key.is_some() {
            in_key = !text.contains("-----END");
            out.push_str(REDACTED);
            out.push('\n');
        }
    }
    out
}

/// The rest of a text of which the beginning is missing, without what may belong to a secret that was named there.
pub(super) fn after_a_cut(text: &str) -> &str {
    let text = text.split_once('\n').map_or("", |(_cut, rest)| rest);
    let end = text.find("-----END").filter(|end| text.find("-----BEGIN").is_none_or(|begin| *end < begin));
    let mut rest = text.get(end.unwrap_or(0)..).unwrap_or_default();
    while rest.starts_with([' ', '\t', '\r', '\n', '-']) {
        rest = rest.split_once('\n').map_or("", |(_below, rest)| rest);
    }
    rest
}

/// Where the content of a private key begins, behind the line that says so. What follows it on the same line goes with it.
fn private_key(text: &str) -> Option<usize> {
    let (begin, dashes) = (text.find("-----BEGIN")?, "-----");
    let end = begin + dashes.len() + text.get(begin + dashes.len()..)?.find(dashes)?;
    text.get(begin..end)?.contains("PRIVATE KEY").then_some(end + dashes.len())
}

/// Where the content of a line begins; an item of a list in YAML is further to the right than its dash.
fn indent(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t', '-']).len()
}

/// Whether a value is none: brackets, or what begins a text of several lines in YAML.
fn is_nothing(value: &str) -> bool {
    value.chars().all(|c| "{[]}|>-+, ".contains(c))
}

/// Whether what is below this value is more of it, and no names with values of their own.
fn is_scalar(value: &str) -> bool {
    let value = value.trim_start();
    value.starts_with(['|', '>']) || !(value.starts_with('#') || is_nothing(value))
}

/// A variable's value, of which the name says what it may hold.
pub(super) fn variable(name: &str, value: &str) -> String {
    if name.ends_with("_HEADERS") {
        // The names help, the values are secrets; and so is what only looks like a name with a value.
        let pairs = value.split(',').filter(|pair| !pair.trim().is_empty());
        let shown = pairs.map(|pair| match pair::behind_name(pair) {
            Some(begin) => format!("{}{REDACTED}", pair.get(..begin).unwrap_or_default().trim_start()),
            None => REDACTED.to_owned(),
        });
        return shown.collect::<Vec<_>>().join(",");
    }
    if is_secret(name) {
        return REDACTED.to_owned();
    }
    text(value).trim_end().to_owned()
}

/// Whether a name has such a word in it.
fn is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    SECRET.iter().any(|word| lower.contains(word))
}

/// Where a secret begins that has a name: behind the next separator, or at the value that is on the same line.
fn secret(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let ends = SECRET.iter().flat_map(|word| lower.match_indices(word).map(|(at, _)| at + word.len()));
    let behind = |end: usize| Some(end + lower.get(end..)?.find([':', '='])? + 1);
    let value = pair::value_beside_name(&lower).filter(|_| is_secret(&lower));
    ends.filter_map(behind).chain(value).min()
}

/// One line without its secret, which begins there, and without those that have no name. If it is one `whole`, nothing is shown.
fn line(line: &str, begin: Option<usize>, whole: bool) -> String {
    let lower = line.to_ascii_lowercase();
    let mut cut = begin.unwrap_or(line.len());
    for scheme in SCHEMES {
        cut = lower.find(scheme).map_or(cut, |at| cut.min(at + scheme.len()));
    }
    let kept = without_credentials(line.get(..cut).unwrap_or_default());
    let rest = line.get(cut..).unwrap_or_default();
    // `headers:` with nothing behind it is a heading.
    if rest.trim().is_empty() || (is_nothing(rest) && !whole) {
        format!("{kept}{rest}").trim_end().to_owned()
    } else if kept.trim_end_matches([' ', '\t', '-']).is_empty() {
        format!("{kept}{REDACTED}")
    } else {
        format!("{kept} {REDACTED}")
    }
}

/// `text` without what is before `@` and behind `?` in URLs, also in those without a scheme.
fn without_credentials(text: &str) -> String {
    text.split(' ').map(without_credentials_of_word).collect::<Vec<_>>().join(" ")
}

fn without_credentials_of_word(word: &str) -> String {
    let (before, rest) = word.find("://").map_or(("", word), |at| word.split_at(at + "://".len()));
    let is_url = !before.is_empty();
    let before = match before.rsplit_once('@') {
        Some((_user, host)) => format!("{REDACTED}@{host}"),
        None => before.to_owned(),
    };
    let without_query = |text: &str| match text.split_once('?') {
        Some((path, query)) if is_url || query.contains('=') => format!("{path}?{REDACTED}"),
        _ => text.to_owned(),
    };
    match rest.rsplit_once('@') {
        // A password with a `?` in it, or a query with an `@`: neither what is before nor what is behind can be shown.
        Some((user, _)) if user.contains('?') && (is_url || user.contains(':')) => {
            format!("{before}{REDACTED}")
        }
        Some((user, host)) if is_url || user.contains(':') => {
            format!("{before}{REDACTED}@{}", without_query(host))
        }
        _ => format!("{before}{}", without_query(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_and_the_rest_stays() {
        for (before, after) in [
            ("receivers: otlp", "receivers: otlp"),
            ("api-key: hunter2", "api-key: <redacted>"),
            ("      Authorization: \"Bearer hunter2\"", "      Authorization: <redacted>"),
            ("sent with Bearer hunter2 and more", "sent with Bearer  <redacted>"),
            ("{\"token\": \"hunter2\", \"a\": 1}", "{\"token\": <redacted>"),
            ("headers:", "headers:"),
            ("proxy http://me:hunter2@proxy:3128/x is used", "proxy http://<redacted>@proxy:3128/x is used"),
            ("GET https://host/v1/traces?key=hunter2", "GET https://host/v1/traces?<redacted>"),
            ("\"POST /v1/traces?key=hunter2 HTTP/1.1\" 200", "\"POST /v1/traces?<redacted> HTTP/1.1\" 200"),
            ("http://me:hunt/er2@a,http://me:hunter2@b", "http://<redacted>@b"),
            ("proxy me:hunter2@proxy:3128, really?", "proxy <redacted>@proxy:3128, really?"),
            ("the tokenizer failed", "the tokenizer failed"),
            ("proxy http://me:hun?ter2@proxy:3128", "proxy http://<redacted>"),
            ("proxy me:hun?te=r2@proxy:3128", "proxy <redacted>"),
            ("me:hunter2@a,http://b", "<redacted>@a,http://b"),
            ("GET https://host/?key=hun@ter2", "GET https://<redacted>"),
            ("http://me:hunter2@host/?key=hunter2", "http://<redacted>@host/?<redacted>"),
            ("{\"value\":\"hunter2\",\"name\":\"API_TOKEN\",\"b\":1}", "{\"value\": <redacted>"),
        ] {
            assert_eq!(text(before).trim_end(), after);
        }
        let key = "a\n-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\nb\n";
        let expected = "a\n-----BEGIN PRIVATE KEY-----\n<redacted>\n-----END PRIVATE KEY-----\nb\n";
        assert_eq!(text(key), expected);
        for (before, after) in [
            (
                r#"{"key": "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\n"}"#,
                "{\"key\": \"-----BEGIN RSA PRIVATE KEY-----\n<redacted>\n",
            ),
            ("-----BEGIN CERTIFICATE-----\nMIIB\n", "-----BEGIN CERTIFICATE-----\nMIIB\n"),
        ] {
            assert_eq!(text(before), after);
        }
    }

    #[test]
    fn what_stands_below_the_name_of_a_secret_is_one() {
        for (before, after) in [
            (
                "    headers:\n      x-team: hunter2\n\n      other: &a hunter2\n    sending_queue:\n      size: 5\n",
                "    headers:\n      x-team: <redacted>\n\n      other: <redacted>\n    sending_queue:\n      size: 5\n",
            ),
            (
                "headers:\n- name: x\n  value: hunter2\nb: 1\n",
                "headers:\n- name: <redacted>\n  value: <redacted>\nb: 1\n",
            ),
            (
                "{\n  \"headers\": {\n    \"x-team\": \"hunter2\"\n  },\n  \"a\": 1\n}\n",
                "{\n  \"headers\": {\n    \"x-team\": <redacted>\n  },\n  \"a\": 1\n}\n",
            ),
            ("- token: a\n  b: 1\n- c: 1\n", "- token: <redacted>\n  b: 1\n- c: 1\n"),
            ("headers: # ours\n  x-team: hunter2\n", "headers: <redacted>\n  x-team: <redacted>\n"),
            ("token: |-\n  hunter2\nb: 1\n", "token: |-\n  <redacted>\nb: 1\n"),
            // Base64 ends in what else separates a name from its value.
            ("token: |-\n  aHVudGVyMjI=\nb: 1\n", "token: |-\n  <redacted>\nb: 1\n"),
            ("token:\n  aHVudGVyMjI=\nb: 1\n", "token:\n  <redacted>\nb: 1\n"),
            ("tokens:\n- aHVudGVyMjI=\n- b: c\n", "tokens:\n- <redacted>\n- b: <redacted>\n"),
            ("authorization: >-\n  Basic dXNlcjpwdw==\n", "authorization: >-\n  <redacted>\n"),
            ("password: |\n  abc: def\n\n  {}\nb: 1\n", "password: |\n  <redacted>\n\n  <redacted>\nb: 1\n"),
            ("password: !!str |\n  abc: def\n", "password: <redacted>\n  <redacted>\n"),
            (
                "headers:\n  x-team: |\n    abc: def\n  other: a\n",
                "headers:\n  x-team: |\n    <redacted>\n  other: <redacted>\n",
            ),
        ] {
            assert_eq!(text(before), after);
        }
    }

    #[test]
    fn a_secret_may_have_its_name_on_another_line() {
        for (before, after) in [
            (
                "- name: OTEL_EXPORTER_OTLP_HEADERS\n  value: \"x-team=hunter2\"\n- name: A\n  value: b\n",
                "- name: OTEL_EXPORTER_OTLP_HEADERS\n  value: <redacted>\n- name: A\n  value: b\n",
            ),
            (
                "  {\n    \"name\": \"API_TOKEN\",\n    \"value\": \"hunter2\"\n  }\n",
                "  {\n    \"name\": \"API_TOKEN\",\n    \"value\": <redacted>\n  }\n",
            ),
            (
                "- value: |-\n    abc: def\n  name: API_TOKEN\n",
                "- value: |-\n    <redacted>\n  name: API_TOKEN\n",
            ),
            ("name: API_TOKEN\nvalue:\n  hunter2\n", "name: API_TOKEN\nvalue:\n  <redacted>\n"),
        ] {
            assert_eq!(text(before), after);
        }
    }

    #[test]
    fn what_is_below_a_cut_is_shown_from_where_nothing_is_above_it() {
        for (before, after) in [
            ("unter2\na: 1\n  b: 2\n", "a: 1\n  b: 2\n"),
            ("ers:\n  x-team: hunter2\n- hunter2\n\na: 1\n", "a: 1\n"),
            ("hunter2\nhunter2\n-----END PRIVATE KEY-----\na\n", "a\n"),
            ("a\nb\n-----BEGIN A-----\n-----END A-----\n", "b\n-----BEGIN A-----\n-----END A-----\n"),
            ("hunter2", ""),
        ] {
            assert_eq!(after_a_cut(before), after);
        }
    }

    #[test]
    fn variables_are_judged_by_their_names_too() {
        let headers = variable("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2,x-tenant=me");
        assert_eq!(headers, "api-key=<redacted>,x-tenant=<redacted>");
        for (mistaken, shown) in [
            ("Authorization: Basic dXNlcjpwdw==", "Authorization:<redacted>"),
            ("Basic dXNlcjpwdw==,x-tenant=me", "<redacted>,x-tenant=<redacted>"),
            ("dXNlcjpwdw==", "<redacted>"),
            ("hunter2", "<redacted>"),
        ] {
            assert_eq!(variable("OTEL_EXPORTER_OTLP_HEADERS", mistaken), shown);
        }
        assert_eq!(variable("OTEL_VENDOR_TOKEN", "hunter2"), "<redacted>");
        assert_eq!(variable("HTTPS_PROXY", "http://me:hunter2@proxy:3128"), "http://<redacted>@proxy:3128");
        assert_eq!(variable("HTTPS_PROXY", "me:hunter2@proxy:3128"), "<redacted>@proxy:3128");
        let key = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n";
        assert!(!variable("OTEL_EXPORTER_OTLP_CLIENT_KEY", key).contains("hunter2"));
        assert_eq!(variable("OTEL_SERVICE_NAME", "checkout"), "checkout");
    }
}
