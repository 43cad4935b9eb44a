//! `${NAME}`, `${env:NAME}` and `${NAME:-default}` in a scalar, and `$$` for a dollar.

/// The text with what its references stand for: once, from left to right, and never again in what was put in (CFG-07, CFG-08).
///
/// A variable that is not set or empty is its default, or nothing (CFG-05). A reference that is none is an error (CFG-09).
pub(super) fn substitute(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('$') {
        done.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            done.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix('{') {
            let (reference, after) =
                after.split_once('}').ok_or_else(|| "a reference ${…} has no end".to_owned())?;
            done.push_str(&value(reference, lookup)?);
            rest = after;
        } else {
            done.push('$');
            rest = after;
        }
    }
    done.push_str(rest);
    Ok(done)
}

fn value(reference: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let (name, default) = reference.split_once(":-").unwrap_or((reference, ""));
    let name = name.strip_prefix("env:").unwrap_or(name);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        // What it is may be part of a secret.
        return Err(
            "this ${…} is no reference: one is ${NAME}, ${env:NAME} or ${NAME:-default}, and $$ a dollar"
                .to_owned(),
        );
    }
    Ok(lookup(name).filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned()))
}
