//! The processes that a question may be about: this one, and those whose name or command line names OTLP or OpenTelemetry.
//!
//! Used for the bundle, in the place of `ps`. Of arguments the names are shown, and never what follows them: it may be a secret.

use super::redact;
use std::fmt::Write as _;
use std::path::Path;
use sysinfo::{Process, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// The characters of a command line that are shown: a compiler's has thousands.
const MOST: usize = 200;

/// A line for each.
pub(super) fn table() -> String {
    let what =
        ProcessRefreshKind::nothing().with_cpu().with_memory().with_cmd(UpdateKind::Always).without_tasks();
    let mut system = System::new();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
    let mut processes: Vec<&Process> = system.processes().values().filter(|it| concerns(it)).collect();
    processes.sort_unstable_by_key(|process| process.pid());
    if processes.is_empty() {
        return "not known here".to_owned();
    }
    let mut text = String::from("    pid  memory, CPU time, age, state, command\n");
    for process in processes {
        let _ = writeln!(
            text,
            "{:>7}  {} MiB, {:.1} s, {} s, {}, {}",
            process.pid().as_u32(),
            process.memory() >> 20,
            process.accumulated_cpu_time() as f64 / 1e3,
            process.run_time(),
            process.status(),
            command(&process.name().to_string_lossy(), &words(process)),
        );
    }
    text
}

fn concerns(process: &Process) -> bool {
    let name = process.name().to_string_lossy().into_owned();
    let is_own = process.pid().as_u32() == std::process::id();
    is_own
        || std::iter::once(name).chain(words(process)).any(|word| {
            let word = word.to_ascii_lowercase();
            word.contains("otlp") || word.contains("otel")
        })
}

fn words(process: &Process) -> Vec<String> {
    process.cmd().iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The command line without the values in it; of a process that shows none, its `name`.
fn command(name: &str, words: &[String]) -> String {
    let Some((program, arguments)) = words.split_first() else {
        return redact::text(name).trim_end().to_owned();
    };
    let is_ours = Path::new(program).file_stem().is_some_and(|stem| stem == "otlp");
    let mut shown = vec![redact::text(program).trim_end().to_owned()];
    for (at, argument) in arguments.iter().enumerate() {
        let end = match argument.as_bytes() {
            word if is_ours && at == 0 && word.iter().all(u8::is_ascii_lowercase) => word.len(),
            [b'-', b'-', ..] => argument.find(|c| !is_of_name(c)).unwrap_or(argument.len()),
            // What is behind one letter may be its value.
            [b'-', ..] => argument.char_indices().nth(2).map_or(argument.len(), |(end, _)| end),
            _ => 0,
        };
        let hidden = if end < argument.len() { "…" } else { "" };
        let word = format!("{}{hidden}", argument.get(..end).unwrap_or_default());
        if shown.last() != Some(&word) {
            shown.push(word);
        }
    }
    let shown = shown.join(" ");
    shown.chars().filter(|c| !otlp_model::response::is_deceptive(*c)).take(MOST).collect()
}

/// Whether it may be in the name of an option: what is not ends it.
fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_an_argument_is_shown() {
        for (line, shown) in [
            (&["/bin/otlp", "doctor", "-H", "x-team=hunter2", "--json"][..], "/bin/otlp doctor -H … --json"),
            (&["otlp", "send", "-Hx=hunter2", "--header=x=hunter2"], "otlp send -H… --header…"),
            (&["java", "-Dotel.exporter.otlp.headers=hunter2", "hunter2"], "java -D… …"),
            (&["curl", "-u", "me:hunter2", "hunter2", "https://otlp/?key=hunter2"], "curl -u …"),
            (&["otlp-tool", "hunter2", "-", "--x:hunter2", "--x=hunter2"], "otlp-tool … - --x…"),
            (&["env", "--otlp.x hunter2", "--token\thunter2"], "env --otlp.x… --token…"),
            (&["otelcol: http://me:hunter2@host"], "otelcol: http://<redacted>@host"),
            (&[], "otelcol"),
        ] {
            let words: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(command("otelcol", &words), shown);
        }
    }
}
