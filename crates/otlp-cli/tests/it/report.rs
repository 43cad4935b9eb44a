//! `otlp doctor --report`: everything that is asked for first, and no secret.

use crate::support::{finish, otlp};
use otlp_testkit::{Collector, Reply};

#[test]
fn the_bundle_has_every_section_and_no_secret() {
    let collector = Collector::builder().http().reply(Reply::http_status(401)).start_blocking().unwrap();
    let folder = std::env::temp_dir().join(format!("otlp-cli-{}-report", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (report, log) = (folder.join("report.txt"), folder.join("app.log"));
    let lines: Vec<String> = (0..1500).map(|line| format!("line {line}\n")).collect();
    std::fs::write(&log, format!("{}authorization: Bearer hunter2\n", lines.concat())).unwrap();

    let paths = [report.to_str().unwrap(), log.to_str().unwrap()];
    let mut command = otlp(&["doctor", "--timeout", "60s", "--report", paths[0], "--attach", paths[1]]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{}?key=hunter2", collector.http_endpoint()));
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2");
    command.env("HTTPS_PROXY", "http://me:hunter2@proxy:3128");
    let said = finish(&mut command, b"");
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.err.contains("the report is in "), "{}", said.err);

    let text = std::fs::read_to_string(&report).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(!text.contains("hunter2") && !said.out.contains("hunter2"), "{text}\n{}", said.out);
    for section in
        ["otlp doctor", "findings", "configuration", "environment", "resources", "sockets", paths[1]]
    {
        assert!(text.contains(&format!("=== {section} ===\n")), "{section}: {text}");
    }
    for part in [
        "✗ traces",
        "does not accept the credentials that were sent",
        "OTEL_EXPORTER_OTLP_HEADERS=api-key=<redacted>",
        "HTTPS_PROXY=http://<redacted>@proxy:3128",
        "retry.max_attempts",
        "line 1499",
        "authorization: <redacted>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("line 400\n"), "the last lines only");
    if cfg!(target_os = "linux") {
        assert!(text.contains(" LISTEN"), "{text}");
    }
}
