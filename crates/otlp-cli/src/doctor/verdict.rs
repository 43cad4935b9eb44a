//! What it all comes to, for people and for programs.
//!
//! Pure: made from the findings. The shape of the JSON is documented in docs/cli.md and stays as it is.

use super::finding::{Finding, Status, names};
use super::settings::Setting;
use crate::exit::Exit;
use crate::section::Section;
use otlp_model::Signal;
use serde_json::{Value, json};
use std::fmt::Write as _;

pub(crate) fn exit(findings: &[Finding]) -> Exit {
    if failed(findings).next().is_some() { Exit::Failed } else { Exit::Fine }
}

fn failed(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|finding| finding.status == Status::Failed)
}

/// The configuration, one line for each value; where there is more than one receiver, below the signals of each.
pub(crate) fn configuration(settings: &[Setting]) -> String {
    let mut text = String::new();
    for group in settings.chunk_by(|one, next| one.signals == next.signals) {
        match group {
            [Setting { signals, .. }, ..] if !signals.is_empty() => {
                let _ = writeln!(text, "{}", names(signals).join(", "));
            }
            _ if !text.is_empty() => text.push_str("besides\n"),
            _ => {}
        }
        text.push_str(&table(group));
    }
    text
}

fn table(settings: &[Setting]) -> String {
    let width = |of: fn(&Setting) -> usize| settings.iter().map(of).max().unwrap_or(0).min(48);
    let (names, values) = (width(|it| it.name.len()), width(|it| it.value.len()));
    settings.iter().fold(String::new(), |mut text, Setting { name, value, origin, .. }| {
        let _ = writeln!(text, "  {name:names$}  {value:values$}  ({origin})");
        text
    })
}

/// A finding as a line.
pub(crate) fn line(finding: &Finding) -> String {
    format!("{} {:8} {}", finding.status.mark(), finding.step, finding.named(&finding.text))
}

/// The verdict: what failed, each with cause, cure and page; the same cure once.
/// `real`: whether requests with an item were sent.
pub(crate) fn verdict(findings: &[Finding], real: bool) -> String {
    let mut text = String::new();
    let mut told = Vec::new();
    // What says what the port is says more than that something failed there; and a port for TLS, or for clear text, has
    // understood nothing of what it refused.
    let is_named = |of: &Finding| {
        let is_below = ["tls", "grpc", "http"].contains(&of.step);
        let is_export = names(&Signal::ALL).contains(&of.step);
        let mut ports = failed(findings).filter(|it| it.step == "port" && it.signals == of.signals);
        ports.any(|port| {
            is_below || (is_export && port.diagnosis.as_ref().is_some_and(|it| it.section == Section::Tls))
        })
    };
    for finding in failed(findings).chain(findings.iter().filter(|it| it.status == Status::Note)) {
        let Some(diagnosis) = &finding.diagnosis else { continue };
        let about = (diagnosis, &finding.signals);
        if told.contains(&about) || is_named(finding) {
            continue;
        }
        told.push(about);
        let head = format!("{} {:8}", finding.status.mark(), finding.step);
        let _ = writeln!(text, "\n{}", wrapped(&head, &finding.named(&diagnosis.cause)));
        let _ = writeln!(text, "{}", wrapped("  cure    ", &diagnosis.cure));
        let _ = writeln!(text, "  see      {}", diagnosis.page());
    }
    let failures = failed(findings).count();
    match failures {
        0 if real => text.push_str("\nAll is well: what is sent there arrives.\n"),
        0 => {
            text.push_str("\nAll is well as far as empty requests show: they are taken. No data was sent.\n")
        }
        1 => text.push_str("\n1 check failed.\n"),
        failures => {
            let _ = writeln!(text, "\n{failures} checks failed.");
        }
    }
    text
}

/// `text` behind `head`, in lines of at most 100 characters, the later ones below where the text begins.
fn wrapped(head: &str, text: &str) -> String {
    let indent = head.chars().count() + 1;
    let (mut out, mut column) = (head.to_owned(), indent - 1);
    for word in text.split(' ') {
        let width = word.chars().count();
        if column + 1 + width > 100 && column > indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent - 1));
            column = indent - 1;
        }
        out.push(' ');
        out.push_str(word);
        column += 1 + width;
    }
    out
}

pub(crate) fn to_json(settings: &[Setting], findings: &[Finding]) -> Value {
    let failures = failed(findings).count();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "configuration": settings.iter().map(Setting::to_json).collect::<Vec<_>>(),
        "findings": findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
        "verdict": { "ok": failures == 0, "failed": failures },
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::Diagnosis;
    use super::*;

    #[test]
    fn long_texts_are_wrapped_below_their_begin() {
        let text = wrapped("  cure    ", &"word ".repeat(30));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() == 2 && lines.iter().all(|line| line.len() <= 100), "{text}");
        assert!(lines[1].starts_with(&format!("{}word", " ".repeat(11))), "{text}");
    }

    #[test]
    fn each_cure_is_told_once_and_decides_the_exit_code() {
        let diagnosis = Diagnosis::new("no token", "send one", Section::Refused);
        let findings = [
            Finding::ok("tcp", "fine"),
            Finding::failed("traces", "401", diagnosis.clone()),
            Finding::failed("logs", "401", diagnosis),
        ];
        let text = verdict(&findings, true);
        assert_eq!(text.matches("send one").count(), 1, "{text}");
        assert!(
            text.contains("see      docs/troubleshooting.md#refused") && text.ends_with("2 checks failed.\n")
        );
        assert_eq!(exit(&findings), Exit::Failed);
        assert_eq!(exit(&findings[..1]), Exit::Fine);
        assert_eq!(to_json(&[], &findings)["verdict"], json!({ "ok": false, "failed": 2 }));
    }
}
