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
    let mut in_key = false;
    let mut out = String::with_capacity(text.len());
    for text in text.lines() {
        let (begins, ends) = (text.contains("-----BEGIN"), text.contains("-----END"));
        if !in_key || ends {
            out.push_str(&if begins || ends { text.to_owned() } else { line(text) });
            out.push('\n');
        }
        if begins && text.contains("PRIVATE KEY") {
            in_key = !ends;
            out.push_str(REDACTED);
            out.push('\n');
        } else if ends {
            in_key = false;
        }
    }
    out
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
    line(value)
}

/// One line without secrets.
fn line(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let mut cut = line.len();
    for word in SECRET {
        for (at, _) in lower.match_indices(word) {
            // The value begins behind the next separator.
            let after = at + word.len();
            if let Some(separator) = lower.get(after..).and_then(|rest| rest.find([':', '='])) {
                cut = cut.min(after + separator + 1);
            }
        }
    }
    for scheme in SCHEMES {
        cut = lower.find(scheme).map_or(cut, |at| cut.min(at + scheme.len()));
    }
    let kept = without_credentials(line.get(..cut).unwrap_or_default());
    // `headers:` with nothing behind it is a heading.
    if line.get(cut..).unwrap_or_default().trim().is_empty() { kept } else { format!("{kept} {REDACTED}") }
}

/// The URLs in `text` without what is before `@` and behind `?`.
fn without_credentials(text: &str) -> String {
    let mut words = Vec::new();
    for word in text.split(' ') {
        let Some((scheme, rest)) = word.split_once("://") else {
            words.push(word.to_owned());
            continue;
        };
        let end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let host = authority
            .rsplit_once('@')
            .map_or_else(|| authority.to_owned(), |(_, host)| format!("{REDACTED}@{host}"));
        let cut = |text: &str| match text.split_once('?') {
            Some((before, _)) => format!("{before}?{REDACTED}"),
            None => text.to_owned(),
        };
        words.push(format!("{scheme}://{}{}", cut(&host), cut(path)));
    }
    words.join(" ")
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
            ("the tokenizer failed", "the tokenizer failed"),
        ] {
            assert_eq!(line(before), after);
        }
        let key = "a\n-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\nb\n";
        let expected = "a\n-----BEGIN PRIVATE KEY-----\n<redacted>\n-----END PRIVATE KEY-----\nb\n";
        assert_eq!(text(key), expected);
    }

    #[test]
    fn variables_are_judged_by_their_names_too() {
        let headers = variable("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2,x-tenant=me");
        assert_eq!(headers, "api-key=<redacted>,x-tenant=<redacted>");
        assert_eq!(variable("OTEL_VENDOR_TOKEN", "hunter2"), "<redacted>");
        assert_eq!(variable("HTTPS_PROXY", "http://me:hunter2@proxy:3128"), "http://<redacted>@proxy:3128");
        assert_eq!(variable("OTEL_SERVICE_NAME", "checkout"), "checkout");
    }
}
