//! `otlp doctor --report`: everything that is asked for first, each where it belongs, and no secret.

use crate::support::{Said, finish, otlp};
use otlp_testkit::{Collector, Reply};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A folder that is gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("otlp-cli-{}-report-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn with(&self, name: &str, content: &str) -> String {
        std::fs::write(self.0.join(name), content).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The sections of a report, by title.
struct Report(String);

impl Report {
    /// Runs `command`, which writes to `folder`.
    fn of(command: &mut Command, folder: &Folder) -> (Said, Self) {
        let path = folder.path("report.txt");
        let said = finish(command.args(["--timeout", "60s", "--report", &path]), b"");
        assert!(said.err.contains(&format!("the report is in {path}")), "{}", said.err);
        let report = Self(std::fs::read_to_string(&path).unwrap());
        assert!(!report.0.contains("hunter2") && !said.out.contains("hunter2"), "{}\n{}", report.0, said.out);
        (said, report)
    }

    fn titles(&self) -> Vec<&str> {
        self.0.lines().filter_map(|line| line.strip_prefix("=== ")?.strip_suffix(" ===")).collect()
    }

    fn section(&self, title: &str) -> &str {
        let (_, rest) = self.0.split_once(&format!("=== {title} ===\n")).expect(&self.0);
        rest.split("\n\n=== ").next().unwrap()
    }

    /// The section has a line that begins with `begin`, and this is the rest of it.
    #[track_caller]
    fn line(&self, title: &str, begin: &str) -> &str {
        let section = self.section(title);
        let line = section.lines().find_map(|line| line.strip_prefix(begin));
        assert!(line.is_some(), "{begin:?} is missing in {title}: {section}");
        line.unwrap()
    }
}

#[test]
fn the_bundle_has_every_section_and_no_secret() {
    let collector = Collector::builder().http().reply(Reply::http_status(401)).start_blocking().unwrap();
    let folder = Folder::new("sections");
    let lines: Vec<String> = (0..1500).map(|line| format!("line {line}\n")).collect();
    let log = folder.with("app.log", &format!("{}authorization: Bearer hunter2\n", lines.concat()));

    let mut command = otlp(&["doctor", "--attach", &log, "-H", "x-team=hunter2"]);
    let endpoint = collector.http_endpoint();
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{endpoint}?key=hunter2"));
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2");
    command.env("OTEL_SERVICE_NAME", "checkout");
    command.env("HTTPS_PROXY", "http://me:hunter2@proxy:3128");
    let (said, report) = Report::of(&mut command, &folder);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    let titles = [
        "otlp doctor",
        "findings",
        "configuration",
        "environment",
        "resources",
        "processes",
        "sockets",
        &log,
    ];
    assert_eq!(report.titles(), titles);

    let version = concat!(env!("CARGO_PKG_VERSION"), " (needs Rust ", env!("CARGO_PKG_RUST_VERSION"), ")");
    assert_eq!(report.line("otlp doctor", "otlp "), version);
    assert!(report.section("otlp doctor").contains(std::env::consts::ARCH), "{}", report.0);
    assert_ne!(report.line("otlp doctor", "kernel "), "unknown");

    assert!(report.line("findings", "✓ http ").contains("HTTP/1.1 answers"));
    assert!(report.line("findings", "✗ traces ").contains("answered 401"));
    assert!(report.section("findings").contains("does not accept the credentials that were sent"));
    assert!(
        report.line("configuration", "  endpoint ").contains(&endpoint),
        "{}",
        report.section("configuration")
    );
    let configuration = report.section("configuration");
    assert!(configuration.contains("retry.max_attempts"), "{configuration}");
    // The command line is said to be one, and what the library calls it is said to be the library's.
    let (own, of_library) = configuration
        .split_once("\nall options, as the library sees what the command gave it (flags are code)\n")
        .unwrap();
    assert!(own.contains("--header)"), "{own}");
    assert!(!own.contains("(code)") && of_library.contains("code"), "{configuration}");
    for origin in ["(OTEL_EXPORTER_OTLP_ENDPOINT)", "(--timeout)", "(default)", "OTEL_SERVICE_NAME"] {
        assert!(configuration.contains(origin), "{origin}: {configuration}");
    }
    for (variable, value) in [
        ("OTEL_EXPORTER_OTLP_HEADERS=", "api-key=<redacted>"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT=", &format!("{endpoint}?<redacted>")),
        ("OTEL_SERVICE_NAME=", "checkout"),
        ("HTTPS_PROXY=", "http://<redacted>@proxy:3128"),
    ] {
        assert_eq!(report.line("environment", variable), value);
    }
    assert_eq!(report.line(&log, "authorization: "), "<redacted>");
    assert_eq!(report.line(&log, "line 1499"), "");
    assert!(!report.section(&log).contains("line 400\n"), "the last lines only");
    if cfg!(target_os = "linux") {
        let port = endpoint.rsplit(':').next().unwrap();
        assert_eq!(report.line("sockets", &format!("127.0.0.1:{port} - 0.0.0.0:0")), " LISTEN");
    }
}

#[test]
fn the_configuration_file_is_in_it_as_it_is_but_for_secrets() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let folder = Folder::new("file");
    let endpoint = collector.grpc_endpoint();
    let good = format!(
        "# Ours.\nfile_format: \"1.1\"\nlogger_provider:\n  processors:\n    - batch:\n        schedule_delay: 700\n        exporter:\n          \
         otlp_grpc:\n            endpoint: \"{endpoint}\"\n            headers:\n              - name: x-team\n                value: hunter2\n"
    );
    let good = folder.with("good.yaml", &good);
    let wrong = folder.with("wrong.yaml", "file_format: \"1.1\"\npassword: hunter2\nlogger: 1\n");
    let by_flag = |file: &str| otlp(&["doctor", "--config", file]);
    let by_variable = |file: &str| {
        let mut command = otlp(&["doctor"]);
        command.env("OTEL_CONFIG_FILE", file);
        command
    };
    for mut command in [by_flag(&good), by_variable(&good)] {
        let (said, report) = Report::of(&mut command, &folder);
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
        let text = std::fs::read_to_string(&good).unwrap().replace("name: x-team", "name: <redacted>");
        let text = text.replace("value: hunter2", "value: <redacted>");
        assert_eq!(report.section(&format!("configuration file {good}")), text.trim_end());
    }
    // One that is no good is asked for first.
    for mut command in [by_flag(&wrong), by_variable(&wrong)] {
        let (said, report) = Report::of(&mut command, &folder);
        assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
        let text = "file_format: \"1.1\"\npassword: <redacted>\nlogger: 1";
        assert_eq!(report.section(&format!("configuration file {wrong}")), text);
    }
    // What was named by mistake is not shown to anybody.
    let mistake = folder.with("netrc", "machine collector password hunter2\n");
    let place = folder.path("folder.yaml");
    std::fs::create_dir(&place).unwrap();
    for (file, said) in
        [(mistake, "its name does not end in .yaml or .yml"), (place, "it is no regular file")]
    {
        let (_, report) = Report::of(&mut by_flag(&file), &folder);
        assert_eq!(report.section(&format!("configuration file {file}")), format!("not shown: {said}"));
    }
    let missing = folder.path("missing.yaml");
    let (_, report) = Report::of(&mut by_flag(&missing), &folder);
    let error = std::fs::read(&missing).unwrap_err().to_string();
    assert_eq!(report.section(&format!("configuration file {missing}")), error);
}

#[test]
fn where_it_cannot_be_written_the_verdict_is_told_all_the_same() {
    let collector = Collector::builder().http().start_blocking().unwrap();
    let folder = Folder::new("unwritable");
    let (endpoint, path) = (collector.http_endpoint(), folder.path("nowhere/report.txt"));
    let line = ["doctor", &endpoint, "-p", "http/protobuf", "--timeout", "60s", "--report", &path];
    let said = finish(&mut otlp(&line), b"");
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.out.contains("All is well"), "{}", said.out);
    assert!(said.err.starts_with(&format!("error: {path}: ")), "{}", said.err);
    let said = finish(otlp(&line).arg("--json"), b"");
    let json: serde_json::Value = serde_json::from_str(&said.out).expect(&said.out);
    assert_eq!((said.code, &json["verdict"]["ok"]), (Some(1), &true.into()));
}

#[test]
fn the_rust_that_is_installed_is_told() {
    let folder = Folder::new("rust");
    let empty = ["doctor", "unix:///nowhere/otlp.sock"];
    let (_, report) = Report::of(&mut otlp(&empty), &folder);
    for program in ["rustc", "cargo"] {
        let here = Command::new(program).arg("--version").output();
        let here = here.map(|output| String::from_utf8(output.stdout).unwrap().trim().to_owned());
        let expected = here.unwrap_or_else(|_| "not installed, or not on the PATH".to_owned());
        assert_eq!(report.line("otlp doctor", &format!("{program}: ")), expected);
    }
    let (_, report) = Report::of(otlp(&empty).env("PATH", &folder.0), &folder);
    for program in ["rustc: ", "cargo: "] {
        assert_eq!(report.line("otlp doctor", program), "not installed, or not on the PATH");
    }
}

/// On other systems what of this there is is not known to be there.
#[cfg(target_os = "linux")]
#[test]
fn memory_disks_and_the_processes_of_telemetry_are_told() {
    let folder = Folder::new("machine");
    // Waits for its input, which does not come.
    let mut waiting =
        otlp(&["decode", "--pretty"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let (_, report) =
        Report::of(&mut otlp(&["doctor", "unix:///nowhere/otlp.sock", "-H", "x-team=hunter2"]), &folder);
    waiting.kill().unwrap();
    waiting.wait().unwrap();

    let total = std::fs::read_to_string("/proc/meminfo").unwrap();
    let total: u64 = total.split_whitespace().nth(1).unwrap().parse().unwrap();
    let memory = report.line("resources", "memory: ");
    assert!(memory.ends_with(&format!(" MiB available of {} MiB", total >> 10)), "{memory}");
    assert!(!memory.starts_with("0 "), "{memory}");
    assert_eq!(report.line("resources", "load: ").split(' ').count(), 3);
    for what in ["swap: ", "memory limit: ", "CPU limit: ", "disk"] {
        assert!(!report.line("resources", what).is_empty());
    }

    let processes = report.section("processes");
    let line = |ending: &str| processes.lines().find(|line| line.ends_with(ending)).expect(processes);
    assert_eq!(line("otlp decode --pretty").split_whitespace().next(), Some(&*waiting.id().to_string()));
    // Itself, with the names of what it was given.
    line("otlp doctor … -H … --timeout … --report …");
}
