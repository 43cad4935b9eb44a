//! The OpenTelemetry Collector as a receiver: its own OTLP receiver, thrice, each signal to a file of its own.
//!
//! The files hold protobuf, and are not buffered: what was confirmed is there, also if the process is killed.

pub(crate) mod hardships;
mod hoard;

use crate::case::{Case, Security, Wire};
use crate::certificates::Certificates;
use crate::matrix::Receiver;
use crate::process::Process;
use crate::{Failure, compare};
use otlp_model::Signal;
use otlp_testkit::Payload;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const START: Duration = Duration::from_secs(60);
/// How often it is started where it listened before, and the time between.
const TRIES: usize = 10;
const PAUSE: Duration = Duration::from_millis(500);
/// Of memory, in MiB: far above what it needs.
const PLENTY: u32 = 4096;

/// A running Collector; ends with this.
pub(crate) struct Collector {
    program: PathBuf,
    folder: PathBuf,
    config: Value,
    process: Option<Process>,
    /// By receiver and protocol, as `otlp/tls grpc`.
    addresses: BTreeMap<String, String>,
    /// How much of each file was read.
    read: [u64; 3],
}

impl Collector {
    /// Starts one that has its files in `folder`, which must not hold any.
    pub(crate) fn start(program: &Path, folder: &Path, certificates: &Certificates) -> Result<Self, Failure> {
        Self::start_with(program, folder, certificates, PLENTY)
    }

    /// The same, refusing data while it uses more than so many MiB.
    fn start_with(
        program: &Path,
        folder: &Path,
        certificates: &Certificates,
        mib: u32,
    ) -> Result<Self, Failure> {
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder)?;
        let (program, folder) = (program.to_owned(), folder.to_owned());
        let config = config(&folder, certificates, mib);
        let mut this =
            Self { program, folder, config, process: None, addresses: BTreeMap::new(), read: [0; 3] };
        this.run()?;
        Ok(this)
    }

    /// Dies as in a crash.
    fn kill(&mut self) -> Result<(), Failure> {
        let Some(process) = self.process.take() else { return Ok(()) };
        process.kill()?;
        Signal::ALL.into_iter().try_for_each(|signal| cut(&file(&self.folder, signal)))
    }

    /// Starts again where it listened before, with so much memory.
    fn restart(&mut self, mib: u32) -> Result<(), Failure> {
        self.kill()?;
        self.config["processors"]["memory_limiter"] = memory_limiter(mib);
        for (name, address) in &self.addresses {
            if let Some((receiver, protocol)) = name.split_once(' ') {
                self.config["receivers"][receiver]["protocols"][protocol]["endpoint"] = json!(address);
            }
        }
        // Meanwhile somebody else may have been given one of its ports, as a connection's own.
        for _ in 1..TRIES {
            if self.run().is_ok() {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        self.run()
    }

    fn run(&mut self) -> Result<(), Failure> {
        let path = self.folder.join("config.yaml");
        // JSON is YAML.
        std::fs::write(&path, format!("{:#}\n", self.config))?;
        let mut command = Command::new(&self.program);
        command.arg(format!("--config=file:{}", path.display()));
        let mut process = Process::start("the Collector", &command)?;
        process.wait_for("it is ready", START, |said| {
            said.iter().any(|line| line.contains("Everything is ready")).then_some(())
        })?;
        self.addresses = process.said(addresses);
        if self.addresses.len() < 6 {
            return Err(format!("the Collector did not tell where it listens: {:?}", self.addresses).into());
        }
        self.process = Some(process);
        Ok(())
    }

    /// The address of a receiver, with its scheme.
    fn address(&self, wire: Wire, security: Security) -> Option<String> {
        let protocol = if wire == Wire::Grpc { "grpc" } else { "http" };
        let (receiver, scheme) = match security {
            Security::Plain => ("otlp/plain", "http"),
            Security::Tls => ("otlp/tls", "https"),
            Security::Mutual => ("otlp/mutual", "https"),
        };
        let address = self.addresses.get(&format!("{receiver} {protocol}"))?;
        Some(format!("{scheme}://{address}"))
    }

    /// Waits until its memory limiter has looked again, has not come by enough, and refuses data.
    fn refuses(&mut self) -> Result<(), Failure> {
        let process = self.process.as_mut().ok_or("the Collector is down")?;
        // At each look it collects garbage first. Of the first, it may have begun before this was asked.
        let looks = |said: &[String]| said.iter().filter(|line| line.contains("Forcing a GC")).count();
        let enough = process.said(looks) + 3;
        process.wait_for("it refuses data", START, |said| {
            let refuses = said.iter().any(|line| line.contains("Refusing data"));
            (refuses && looks(said) >= enough).then_some(())
        })
    }
}

impl Receiver for Collector {
    fn endpoint(&self, case: Case) -> Option<String> {
        self.address(case.wire, case.security)
    }

    fn arrived(&mut self) -> Result<Vec<Payload>, Failure> {
        let mut arrived = Vec::new();
        for (signal, read) in Signal::ALL.into_iter().zip(&mut self.read) {
            let Ok(mut file) = File::open(file(&self.folder, signal)) else { continue };
            file.seek(SeekFrom::Start(*read))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let (messages, length) = messages(&bytes);
            for message in messages {
                arrived.push(compare::decode(signal, message)?);
            }
            *read += length as u64;
        }
        Ok(arrived)
    }
}

fn file(folder: &Path, signal: Signal) -> PathBuf {
    folder.join(format!("{signal}.otlp"))
}

/// The messages in a file, each with its length before it in four bytes, and how many bytes they take: the last may not be there
/// yet as a whole.
fn messages(bytes: &[u8]) -> (Vec<&[u8]>, usize) {
    let (mut messages, mut rest) = (Vec::new(), bytes);
    while let Some((length, after)) = rest.split_first_chunk::<4>()
        && let Some(message) = after.get(..u32::from_be_bytes(*length) as usize)
    {
        messages.push(message);
        rest = &after[message.len()..];
    }
    (messages, bytes.len() - rest.len())
}

/// Takes off a file what a killed Collector had not written to its end: that was confirmed to nobody, and nothing that is written
/// behind it could be told from it.
fn cut(path: &Path) -> Result<(), Failure> {
    let Ok(bytes) = std::fs::read(path) else { return Ok(()) };
    let (_, whole) = messages(&bytes);
    Ok(File::options().write(true).open(path)?.set_len(whole as u64)?)
}

fn config(folder: &Path, certificates: &Certificates, mib: u32) -> Value {
    let receiver = |tls: Option<Value>| {
        let mut listener = json!({ "endpoint": "127.0.0.1:0" });
        if let Some(tls) = tls {
            listener["tls"] = tls;
        }
        json!({ "protocols": { "grpc": listener, "http": listener } })
    };
    let tls = json!({ "cert_file": certificates.server_cert(), "key_file": certificates.server_key() });
    let mut mutual = tls.clone();
    mutual["client_ca_file"] = json!(certificates.ca());
    let mut config = json!({
        "receivers": { "otlp/plain": receiver(None), "otlp/tls": receiver(Some(tls)), "otlp/mutual": receiver(Some(mutual)) },
        "processors": { "memory_limiter": memory_limiter(mib) },
        "exporters": { "debug": { "verbosity": "basic" } },
        "service": {
            "telemetry": { "metrics": { "level": "none" }, "logs": { "level": "info", "encoding": "json" } },
            "pipelines": {},
        },
    });
    for signal in Signal::ALL {
        let exporter = format!("file/{signal}");
        // With rotation its writer has no buffer; this much is not reached.
        config["exporters"][&exporter] = json!({ "path": file(folder, signal), "format": "proto", "rotation": { "max_megabytes": 100_000 } });
        config["service"]["pipelines"][signal.as_str()] = json!({
            "receivers": ["otlp/plain", "otlp/tls", "otlp/mutual"],
            "processors": ["memory_limiter"],
            "exporters": [exporter, "debug"],
        });
    }
    config
}

fn memory_limiter(mib: u32) -> Value {
    json!({
        "check_interval": "100ms",
        "limit_mib": mib,
        "spike_limit_mib": mib / 2,
        // So that it sees at once when there is memory again.
        "min_gc_interval_when_soft_limited": "0s",
        "max_gc_interval_when_soft_limited": "100ms",
        "max_gc_interval_when_hard_limited": "100ms",
    })
}

/// Where each receiver listens, from what the Collector logs.
fn addresses(said: &[String]) -> BTreeMap<String, String> {
    let told = said.iter().filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let protocol = match line["msg"].as_str()? {
            "Starting GRPC server" => "grpc",
            "Starting HTTP server" => "http",
            _ => return None,
        };
        let receiver = line["otelcol.component.id"].as_str()?;
        Some((format!("{receiver} {protocol}"), line["endpoint"].as_str()?.to_owned()))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_was_written_in_part_does_not_hide_what_comes_behind_it() {
        let path = std::env::temp_dir().join(format!("otlp-interop-cut-{}", std::process::id()));
        std::fs::write(&path, b"\0\0\0\x02ab\0\0\0\0\0\0\0\x05cd").unwrap();
        cut(&path).unwrap();
        File::options().append(true).open(&path).unwrap().write_all(b"\0\0\0\x01e\0\0").unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(messages(&bytes), (vec![&b"ab"[..], b"", b"e"], bytes.len() - 2));
        cut(&path).unwrap();
    }
}
