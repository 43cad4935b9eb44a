//! Taking secrets out of texts that somebody will attach to a question.
//!
//! Used for the bundle. Pure, and rather too strict than too trusting: what follows a word like `token` is gone, to the end of
//! its line.

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
    let (mut in_key, mut below) = (false, None);
    let mut out = String::with_capacity(text.len());
    for text in text.lines() {
        let mut text = text;
        if in_key {
            let Some(end) = text.find("-----END") else { continue };
            (in_key, text) = (false, text.get(end..).unwrap_or_default());
        }
        let key = private_key(text);
        let kept = text.get(..key.unwrap_or(text.len())).unwrap_or_default();
        // Whatever is further to the right belongs to it, in YAML and in JSON that is indented.
        below = below.filter(|above| kept.trim().is_empty() || indent(kept) > *above);
        let line = if below.is_some() { value_removed(kept) } else { line(kept) };
        if below.is_none() && secret(kept).is_some() {
            below = Some(indent(kept));
        }
        out.push_str(&line);
        out.push('\n');
        if key.is_some() {
            in_key = !text.contains("-----END");
            out.push_str(REDACTED);
            out.push('\n');
        }
    }
    out
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

/// A line below the name of what is secret: names help, values are gone.
fn value_removed(line: &str) -> String {
    let begin = line.find([':', '=']).map_or(indent(line), |at| at + 1);
    let (name, value) = line.split_at(begin);
    let blank = if name.ends_with([':', '=']) { " " } else { "" };
    if is_nothing(value) { line.to_owned() } else { format!("{name}{blank}{REDACTED}") }
}

/// A variable's value, of which the name says what it may hold.
pub(super) fn variable(name: &str, value: &str) -> String {
    if name.ends_with("_HEADERS") {
        // The names help, the values are secrets.
        let names: Vec<&str> =
            value.split(',').filter_map(|pair| pair.split_once('=')).map(|(name, _)| name.trim()).collect();
        return names.iter().map(|name| format!("{name}={REDACTED}")).collect::<Vec<_>>().join(",");
    }
    if SECRET.iter().any(|word| name.to_ascii_lowercase().contains(word)) {
        return REDACTED.to_owned();
    }
    text(value).trim_end().to_owned()
}

/// Where a secret begins that has a name: behind the next separator.
fn secret(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let ends = SECRET.iter().flat_map(|word| lower.match_indices(word).map(|(at, _)| at + word.len()));
    ends.filter_map(|after| Some(after + lower.get(after..)?.find([':', '='])? + 1)).min()
}

/// One line without secrets.
fn line(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let mut cut = secret(line).unwrap_or(line.len());
    for scheme in SCHEMES {
        cut = lower.find(scheme).map_or(cut, |at| cut.min(at + scheme.len()));
    }
    let kept = without_credentials(line.get(..cut).unwrap_or_default());
    let rest = line.get(cut..).unwrap_or_default();
    // `headers:` with nothing behind it is a heading.
    if is_nothing(rest) {
        format!("{kept}{rest}").trim_end().to_owned()
    } else {
        format!("{kept} {REDACTED}")
    }
}

/// `text` without what is before `@` and behind `?` in URLs, also in those without a scheme.
fn without_credentials(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let (scheme, rest) = word.find("://").map_or(("", word), |at| word.split_at(at + "://".len()));
        let (rest, query) = match rest.split_once('?') {
            Some((before, query)) if !scheme.is_empty() || query.contains('=') => {
                (before, format!("?{REDACTED}"))
            }
            _ => (rest, String::new()),
        };
        match rest.rsplit_once('@') {
            Some((user, host)) if !scheme.is_empty() || user.contains(':') => {
                format!("{scheme}{REDACTED}@{host}{query}")
            }
            _ => format!("{scheme}{rest}{query}"),
        }
    });
    words.collect::<Vec<_>>().join(" ")
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
        ] {
            assert_eq!(line(before), after);
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
        ] {
            assert_eq!(text(before), after);
        }
    }

    #[test]
    fn variables_are_judged_by_their_names_too() {
        let headers = variable("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2,x-tenant=me");
        assert_eq!(headers, "api-key=<redacted>,x-tenant=<redacted>");
        assert_eq!(variable("OTEL_VENDOR_TOKEN", "hunter2"), "<redacted>");
        assert_eq!(variable("HTTPS_PROXY", "http://me:hunter2@proxy:3128"), "http://<redacted>@proxy:3128");
        assert_eq!(variable("HTTPS_PROXY", "me:hunter2@proxy:3128"), "<redacted>@proxy:3128");
        let key = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n";
        assert!(!variable("OTEL_EXPORTER_OTLP_CLIENT_KEY", key).contains("hunter2"));
        assert_eq!(variable("OTEL_SERVICE_NAME", "checkout"), "checkout");
    }
}
