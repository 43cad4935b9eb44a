//! 日志分析: the client's lines in the application's log, and the guide's commands that look for something in there.

use super::child::{self, Program};
use super::stage::{EnhancedOtlpClient, PATIENCE, books, collector, scene_at};
use otlp::{Client, RetryConfig};
use otlp_testkit::{Collector, Reply, Script};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

/// As `RUST_LOG` has it in the guide.
const RUST_LOG: &str = "otlp=debug,info";

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs a command of the guide beside `app.log`. `None`, loudly, where there is no such program.
fn run(folder: &Path, command: &str, programs: &[&str]) -> Option<String> {
    for program in programs {
        let found = Command::new("sh").arg("-c").arg(format!("command -v {program}")).output().unwrap();
        if !found.status.success() {
            otlp_testkit::skipped(command, format_args!("there is no {program}"));
            return None;
        }
    }
    let output = Command::new("sh").arg("-c").arg(command).current_dir(folder).output().unwrap();
    assert!(output.stderr.is_empty(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// One batch that is delivered at once, one at the third attempt and slowly, and one that is refused. The id of the second's
/// first span.
async fn three_batches() -> String {
    let collector = collector();
    let slow = Reply::ok().delay(Duration::from_millis(1_100));
    let script = Script::new().first(1, Reply::ok()).next(2, Reply::unavailable()).next(1, slow);
    collector.set_script(script.then(Reply::invalid_argument()));
    let soon = RetryConfig { initial_interval: Duration::from_millis(1), ..RetryConfig::default() };
    let client = EnhancedOtlpClient::builder().with_retry_config(soon).build().await.unwrap();
    let tracer = client.tracer("t");
    let mut ids = Vec::new();
    for spans in [1, 2, 3] {
        let open: Vec<_> = (0..spans).map(|_| tracer.start("s")).collect();
        ids.push(open[0].context().span_id().to_string());
        drop(open);
        books(client.flush_within(PATIENCE).await);
    }
    ids.remove(1)
}

#[tokio::test]
async fn the_guides_lines_find_what_they_look_for_in_text() {
    // conf: RETRY-21, BATCH-25
    let folder = folder("guide-log-text");
    let file = Arc::new(File::create(folder.join("app.log")).unwrap());
    let lines =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(file);
    let guard = tracing::subscriber::set_default(lines.finish().with(RUST_LOG.parse::<Targets>().unwrap()));
    let id = three_batches().await;
    drop(guard);
    let text = std::fs::read_to_string(folder.join("app.log")).unwrap();
    let retried = |line: &&str| line.contains(" WARN ") && line.contains(" answered UNAVAILABLE");
    assert_eq!(text.lines().filter(retried).count(), 2, "{text}");

    // 1. 查找错误
    if let Some(errors) = run(&folder, r#"grep "ERROR" app.log | tail -n 50"#, &["grep", "tail"]) {
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(errors.contains("signal=traces outcome=not_retryable items=3"), "{errors}");
    }
    // 2. 统计错误类型
    let command = r#"grep "ERROR" app.log | awk '{print $5}' | sort | uniq -c | sort -nr"#;
    if let Some(kinds) = run(&folder, command, &["grep", "awk", "sort", "uniq"]) {
        assert_eq!(kinds.split_whitespace().collect::<Vec<_>>(), ["1", "outcome=not_retryable"]);
    }
    // 3. 分析延迟
    let command = r#"grep "duration" app.log | awk '{print $NF}' | sort -n | tail -n 100"#;
    if let Some(durations) = run(&folder, command, &["grep", "awk", "sort", "tail"]) {
        let durations: Vec<f64> = durations.lines().map(|line| line.parse().unwrap()).collect();
        // Three batches, and 1, 3 and 1 attempts.
        assert_eq!(durations.len(), 3 + 5, "{durations:?}");
        assert!(durations.is_sorted() && durations[7] >= 1_100.0, "{durations:?}");
    }
    // 4. 查找特定 Span
    let command = r#"grep "span_id=abc123" app.log"#.replace("abc123", &id);
    if let Some(found) = run(&folder, &command, &["grep"]) {
        let levels: Vec<_> = found.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
        assert_eq!(
            levels,
            ["WARN", "WARN", "DEBUG", "DEBUG"],
            "two retries, the third attempt, the batch: {found}"
        );
        for (number, line) in (1..).zip(found.lines().take(3)) {
            assert!(
                line.contains(&format!(" items=2 bytes=")) && line.contains(&format!(" attempt={number} ")),
                "{line}"
            );
        }
    }
}

#[tokio::test]
async fn the_guides_lines_find_what_they_look_for_in_json() {
    let folder = folder("guide-log-json");
    let file = Arc::new(File::create(folder.join("app.log")).unwrap());
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_writer(file);
    let lines = lines.with_max_level(tracing::Level::TRACE).finish();
    let guard = tracing::subscriber::set_default(lines.with(RUST_LOG.parse::<Targets>().unwrap()));
    let id = three_batches().await;
    drop(guard);

    // 5. 使用 jq 分析 JSON 日志
    let commands = [
        (r#"cat app.log | jq 'select(.level == "ERROR")'"#, 1, r#""outcome": "not_retryable""#),
        // An attempt, and its batch.
        (r#"cat app.log | jq 'select(.duration > 1000)'"#, 2, id.as_str()),
    ];
    for (command, count, sign) in commands {
        let Some(found) = run(&folder, command, &["cat", "jq"]) else { continue };
        assert_eq!(
            (found.matches("\"signal\": \"traces\"").count(), found.matches(sign).count()),
            (count, count),
            "{found}"
        );
    }
}

/// A program of its own: it has no `tracing` subscriber, and the logger is the process's.
#[test]
#[rustfmt::skip]
fn env_logger_shows_the_lines() {
    // conf: BATCH-25
    if child::endpoint().is_some() {
        env_logger::Builder::from_env(
            env_logger::Env::default()
                .default_filter_or("otlp=debug,info")
        ).init();
        return three_spans();
    }
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let command = child::command("logs::env_logger_shows_the_lines", &collector.grpc_endpoint());
    let (status, output, complaints) = Program::start(command).end();
    assert!(status.success(), "{status} {output} {complaints}");
    let lines: Vec<_> = complaints.lines().collect();
    assert_eq!(lines.len(), 2, "an attempt and its batch: {complaints}");
    for (line, stage) in lines.iter().zip(["attempt", "batch"]) {
        assert!(line.starts_with("[DEBUG otlp::export] signal=traces outcome=delivered items=3 bytes="), "{line}");
        assert!(line.contains(&format!("{stage} delivered, duration in ms: ")), "{line}");
    }
    // The other form of the guide: the variable.
    let mut command = child::command("logs::env_logger_shows_the_lines", &collector.grpc_endpoint());
    command.env("RUST_LOG", "info");
    let (status, _, complaints) = Program::start(command).end();
    assert!(status.success() && complaints.is_empty(), "{complaints}");
}

fn three_spans() {
    scene_at(child::endpoint().unwrap());
    let builder = EnhancedOtlpClient::builder().with_header("x-api-key", "hunter2");
    let client = builder.build_blocking().unwrap();
    let tracer = client.tracer("t");
    (0..3).for_each(|_| tracer.start("s").end());
    client.shutdown_blocking(PATIENCE).unwrap();
}

/// 环境变量控制调试: without any subscriber or logger.
#[test]
fn otlp_debug_tells_stderr() {
    if child::endpoint().is_some() {
        return three_spans();
    }
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    for (value, told) in [("1", true), ("0", false)] {
        let mut command = child::command("logs::otlp_debug_tells_stderr", &collector.grpc_endpoint());
        command.env("OTLP_DEBUG", value);
        let (status, output, complaints) = Program::start(command).end();
        assert!(status.success(), "{status} {output} {complaints}");
        assert_eq!(complaints.contains("otlp: traces: 3 items, "), told, "{complaints}");
        let books = "otlp: traces: 3 accepted = 3 delivered + 0 rejected + 0 dropped + 0 pending";
        assert_eq!(complaints.contains(books), told, "{complaints}");
        assert!(!complaints.contains("hunter2"), "{complaints}");
    }
}
