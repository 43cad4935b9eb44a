//! The official gRPC C-core with Google's protobuf as a receiver: a small Python program that writes down what it decodes.

use crate::case::{Case, Packing, Security, Wire};
use crate::certificates::Certificates;
use crate::matrix::Receiver;
use crate::process::Process;
use crate::{Failure, compare};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use otlp_model::Signal;
use otlp_testkit::Payload;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const SCRIPT: &str = include_str!("python/receiver.py");
const START: Duration = Duration::from_secs(60);

/// The running receiver; ends with this.
pub(crate) struct GrpcCore {
    process: Process,
    /// Plain, TLS, mTLS.
    ports: [u64; 3],
    read: usize,
}

impl GrpcCore {
    pub(crate) fn start(python: &Path, certificates: &Certificates) -> Result<Self, Failure> {
        let mut command = Command::new(python);
        command.args([
            "-c",
            SCRIPT,
            &certificates.ca(),
            &certificates.server_cert(),
            &certificates.server_key(),
        ]);
        let mut process = Process::start("the receiver on gRPC C-core", &command)?;
        let ports = process.wait_for("it listens", START, |said| {
            let ports = said
                .iter()
                .find_map(|line| serde_json::from_str::<Value>(line).ok()?.get("ports").cloned())?;
            Some([ports[0].as_u64()?, ports[1].as_u64()?, ports[2].as_u64()?])
        })?;
        Ok(Self { process, ports, read: 0 })
    }

    /// Where it listens in clear text.
    pub(crate) fn plain(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }
}

impl Receiver for GrpcCore {
    fn endpoint(&self, case: Case) -> Option<String> {
        if case.wire != Wire::Grpc || case.packing == Packing::Zstd {
            return None;
        }
        Some(match case.security {
            Security::Plain => self.plain(),
            Security::Tls => format!("https://127.0.0.1:{}", self.ports[1]),
            Security::Mutual => format!("https://127.0.0.1:{}", self.ports[2]),
        })
    }

    fn arrived(&mut self) -> Result<Vec<Payload>, Failure> {
        let lines = self.process.said(|said| said.get(self.read..).unwrap_or_default().to_vec());
        self.read += lines.len();
        payloads(&lines)
    }
}

/// The requests among the lines of a Python program: a signal and base64 each.
pub(crate) fn payloads(lines: &[String]) -> Result<Vec<Payload>, Failure> {
    let mut payloads = Vec::new();
    for line in lines {
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        let (Some(signal), Some(request)) = (line["signal"].as_str(), line["request"].as_str()) else {
            continue;
        };
        let signal =
            Signal::ALL.into_iter().find(|known| known.as_str() == signal).ok_or("no such signal")?;
        payloads.push(compare::decode(signal, &BASE64.decode(request)?)?);
    }
    Ok(payloads)
}
