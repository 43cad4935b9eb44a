//! Numbers and tables as the document shows them. Pure functions.

use super::statistics::Spread;

/// Three digits that count, and separators between thousands.
pub(crate) fn number(value: f64) -> String {
    let magnitude = value.abs();
    let decimals = match magnitude {
        m if m == 0.0 || m >= 99.95 => 0,
        m if m >= 9.995 => 1,
        m if m >= 0.9995 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) =
        text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    rest.map_or_else(|| format!("{sign}{grouped}"), |rest| format!("{sign}{grouped}.{rest}"))
}

/// A point of an axis: whole numbers without decimals.
pub(super) fn tick(value: f64) -> String {
    let text = number(value);
    match text.split_once('.') {
        Some((whole, rest)) if rest.bytes().all(|digit| digit == b'0') => whole.to_owned(),
        _ => text,
    }
}

/// The median, and the least and the most where they differ.
pub(super) fn spread(spread: Option<Spread>, scale: f64) -> String {
    let Some(Spread { median, min, max }) = spread else { return "—".to_owned() };
    let [median, min, max] = [median, min, max].map(|value| number(value * scale));
    if min == max { median } else { format!("{median} ({min}–{max})") }
}

/// The median alone.
pub(super) fn median(spread: Option<Spread>, scale: f64) -> String {
    optional(spread.map(|spread| spread.median), scale)
}

/// A figure, if there is one.
pub(super) fn optional(value: Option<f64>, scale: f64) -> String {
    value.map_or_else(|| "—".to_owned(), |value| number(value * scale))
}

/// A part of a whole.
pub(super) fn percent(part: Option<f64>) -> String {
    part.map_or_else(
        || "—".to_owned(),
        |part| if part == 0.0 { "0".to_owned() } else { format!("{} %", number(part * 100.0)) },
    )
}

/// A table in Markdown; the first column is text, the others are numbers.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line =
        |cells: &mut dyn Iterator<Item = &str>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    let mut text = line(&mut head.iter().copied());
    text.push_str(&line(&mut (0..head.len()).map(|column| if column == 0 { "---" } else { "---:" })));
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// Replaces each `{{name}}` of a template. A name that is not known stays, to be seen.
pub(crate) fn fill(template: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), value.trim_end())
    })
}

/// Replaces what stands between two markers, which stay. `None` without markers.
pub(super) fn between(text: &str, begin: &str, end: &str, new: &str) -> Option<String> {
    let start = text.find(begin)? + begin.len();
    let stop = start + text[start..].find(end)?;
    Some(format!("{}\n{}\n{}", &text[..start], new.trim_end(), &text[stop..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_count() {
        for (value, text) in [
            (0.0, "0"),
            (0.3456, "0.346"),
            (0.9999, "1.00"),
            (4.0, "4.00"),
            (9.996, "10.0"),
            (45.67, "45.7"),
            (99.96, "100"),
            (1234.5, "1,234"),
            (1_234_567.0, "1,234,567"),
            (-1234.0, "-1,234"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!([tick(4.0), tick(0.5), tick(10.0)], ["4", "0.500", "10"]);
    }

    #[test]
    fn a_spread_shows_its_ends_where_they_differ() {
        let of = |min, max| Some(Spread { median: 2.0, min, max });
        assert_eq!(spread(of(1.0, 3.0), 1.0), "2.00 (1.00–3.00)");
        assert_eq!(spread(of(2.0, 2.0), 10.0), "20.0");
        assert_eq!(spread(None, 1.0), "—");
        assert_eq!(median(of(1.0, 3.0), 1.0), "2.00");
        assert_eq!(percent(Some(0.5)), "50.0 %");
        assert_eq!(percent(Some(0.0)), "0");
    }

    #[test]
    fn tables_are_markdown() {
        assert_eq!(
            table(&["a", "b"], &[vec!["x".to_owned(), "1".to_owned()]]),
            "| a | b |\n| --- | ---: |\n| x | 1 |\n"
        );
    }

    #[test]
    fn templates_and_markers_are_filled() {
        assert_eq!(fill("{{a}} and {{b}}", &[("a", "1\n".to_owned())]), "1 and {{b}}");
        assert_eq!(between("x <a> old <b> y", "<a>", "<b>", "new\n").unwrap(), "x <a>\nnew\n<b> y");
        assert_eq!(between("x <b> <a> y", "<a>", "<b>", "new"), None);
    }
}
