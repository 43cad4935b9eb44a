//! `otlp doctor`: why nothing arrives, from the name's addresses up to what the receiver says to an export.
//!
//! The subcommand and its options. A pure plan decides what is probed, small shells probe, pure judges say what it means.

mod anchor;
mod application;
mod bundle;
mod case;
mod certificate;
mod chain;
mod examine;
mod export;
mod exporters;
mod finding;
mod identify;
mod judge;
mod limit;
mod look;
mod machine;
mod mistake;
mod plan;
mod processes;
mod proxies;
mod reach;
mod redact;
mod sample;
mod settings;
mod sockets;
mod speak;
mod talk;
mod tls;
mod toolchain;
mod verdict;

use crate::exit::{Exit, Trouble, complain};
use crate::receiver::Receiver;
use crate::wire::Wire;
use bundle::Known;
use clap::{Args, ValueHint};
use finding::Finding;
use otlp_model::Signal;
use settings::{Given, Resolved};
use std::io::{self, Write};
use std::path::PathBuf;

/// Find out why no telemetry arrives.
///
/// Probes the way to a receiver from the bottom up, and says of each step whether it works: the addresses of the name (dns),
/// a connection to each (tcp), the proxy, TLS and the certificate, whether HTTP or gRPC answers and how fast, whether the
/// clocks agree, and what the receiver makes of an empty and of a real request of each signal, of compressed ones, and of a large one. If
/// something else answers than what was asked for, it finds out what that is and names the mistake. For everything that fails
/// there is the cause, the cure, and the page that says more.
///
/// Without ENDPOINT and flags, the OTEL_ variables count, as for an application, or the configuration file that
/// OTEL_CONFIG_FILE names. Where signals go to different receivers, each receiver is examined once, with its signals. A real
/// request holds one span, data point or log record of the service `otlp-doctor`; --empty sends none. No connection
/// and no answer is waited for longer than --timeout.
#[derive(Args)]
#[command(after_help = "Examples:
  otlp doctor
  otlp doctor http://collector:4318
  otlp doctor https://otlp.example.com --ca-file ca.pem -H 'authorization=Bearer …'
  otlp doctor --config otel.yaml
  otlp doctor --report report.txt --attach app.log --attach collector.yaml
  otlp doctor --json | jq '.findings[] | select(.status == \"failed\")'

Exit codes: 0 all is well, 1 something failed, an OTEL_ variable or a file that keeps an application from sending included,
2 the command line is wrong.")]
pub(crate) struct Options {
    /// The receiver, as in OTEL_EXPORTER_OTLP_ENDPOINT: http://host:4317, https://host, unix:///run/otlp.sock.
    endpoint: Option<String>,

    /// A file of OpenTelemetry's declarative configuration, in the place of the OTEL_ variables; as OTEL_CONFIG_FILE.
    #[arg(long, short, value_hint = ValueHint::FilePath, value_name = "FILE")]
    config: Option<String>,

    /// What to speak; may be given more than once. Default: OTEL_EXPORTER_OTLP_PROTOCOL, else to ENDPOINT gRPC on port 4317, and
    /// on others HTTP with both kinds of bodies; to an endpoint from elsewhere http/protobuf, as an application does.
    #[arg(long, short = 'p', value_enum, value_delimiter = ',', value_name = "PROTOCOL")]
    protocol: Vec<Wire>,

    /// What to export; may be given more than once. Default: all that are not switched off.
    #[arg(long, value_parser = crate::input::parse_signal, value_delimiter = ',', value_name = "traces|metrics|logs")]
    signal: Vec<Signal>,

    /// Send empty requests only: nothing becomes visible at the receiver.
    #[arg(long)]
    empty: bool,

    /// Find out how large a request may be, by sending larger and larger ones, up to 64 MiB, that hold nothing. Without, one is
    /// sent that is as large as those of a client may be, 2 MiB.
    #[arg(long)]
    limits: bool,

    /// Print one JSON document instead of text; its shape is in docs/cli.md.
    #[arg(long)]
    json: bool,

    /// Write a bundle for whoever helps: findings, versions, configuration with its file, variables, resources, processes, sockets.
    /// Secrets are taken out; look through it all the same before you show it to others.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Add the end of a file to the bundle, such as a log or a Collector's configuration. May be given more than once.
    #[arg(long, value_name = "FILE", requires = "report")]
    attach: Vec<PathBuf>,

    #[command(flatten)]
    receiver: Receiver,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Trouble> {
    let (protocols, signals) = (once(&options.protocol), once(&options.signal));
    let given = Given {
        endpoint: options.endpoint.as_deref(),
        config: options.config.as_deref(),
        protocols: &protocols,
        signals: &signals,
        receiver: &options.receiver,
        real: !options.empty,
        limits: options.limits,
    };
    let Resolved { cases, settings, file, mut findings, explanation } =
        settings::resolve(&given, &|name| std::env::var(name).ok())?;
    // Whoever reads no more, as `head`, still gets the report and the exit code.
    let (mut out, mut printed) = (io::stdout(), Ok(()));
    let mut print = |text: &str| {
        if printed.is_ok() {
            printed = writeln!(out, "{text}");
        }
    };
    let mut say = |text: &str| {
        if !options.json {
            print(text);
        }
    };
    let is_one = settings.iter().all(|setting| setting.signals.is_empty());
    if let ([case], true) = (cases.as_slice(), is_one) {
        say(&case.first.endpoint.to_string());
    }
    say(&verdict::configuration(&settings));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::Failed(format!("no runtime: {error}")))?;
    findings.iter().for_each(|finding| say(&verdict::line(finding)));
    for case in &cases {
        let signals = if is_one { Vec::new() } else { case.signals() };
        if !signals.is_empty() && !findings.is_empty() {
            say("");
        }
        let mut tell = |finding: &Finding| say(&verdict::line(finding));
        findings.extend(runtime.block_on(examine::examine(case, &signals, &mut tell)));
    }
    let toolchain = match options.report {
        Some(_) => runtime.block_on(toolchain::versions()),
        None => String::new(),
    };
    // A resolver that hangs is not waited for.
    runtime.shutdown_background();
    let mut written = Ok(());
    if let Some(path) = &options.report {
        // Flags are code to the library: what was given here has another name there.
        let configuration = format!(
            "{}\nall options, as the library sees what the command gave it (flags are code)\n{explanation}",
            verdict::configuration(&settings)
        );
        let known = Known {
            cases: &cases,
            configuration,
            file: file.as_deref(),
            toolchain: &toolchain,
            findings: &findings,
            real: given.real,
            attached: &options.attach,
        };
        written = std::fs::write(path, bundle::text(&known))
            .map_err(|error| Trouble::Failed(format!("{}: {error}", path.display())));
        if written.is_ok() {
            complain(&format_args!("the report is in {}", path.display()));
        }
    }
    if options.json {
        print(&format!("{:#}", verdict::to_json(&settings, &findings)));
    } else {
        print(verdict::verdict(&findings, given.real).trim_end_matches('\n'));
    }
    // What was found has been told: that it could not be written, too, comes last.
    written?;
    verdict::exit(&findings).though(printed)
}

/// What was given, each once: whoever names something twice wants it no more than others.
fn once<T: Copy + PartialEq>(given: &[T]) -> Vec<T> {
    let mut once = Vec::new();
    for one in given {
        if !once.contains(one) {
            once.push(*one);
        }
    }
    once
}
