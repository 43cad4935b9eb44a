//! Where telemetry is sent to, and the client that sends it: the library's own, as an application has it.
//!
//! Used by `send` and `load`. Adds no retry and no queue of its own: what is measured is the client.

use crate::duration;
use crate::exit::{Trouble, complain};
use crate::receiver::Receiver;
use crate::wire::Wire;
use clap::{Args, ValueEnum};
use otlp::{
    Client, ClientBuilder, Compression, ConfigEntry, DeliveryReport, Error, Origin, OverflowPolicy,
    ResolvedConfig, Signal,
};
use otlp_transport::{Endpoint, Target};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How often it is shown how it goes.
pub(crate) const TICK: Duration = Duration::from_millis(200);

/// Where to, and how.
#[derive(Args, Debug)]
#[command(next_help_heading = "The receiver")]
pub(crate) struct Destination {
    /// The receiver: http://host:4317, https://host, unix:///run/otlp.sock. Default: OTEL_EXPORTER_OTLP_ENDPOINT.
    #[arg(long, short, value_name = "URL")]
    endpoint: Option<String>,

    /// What to speak. Default: as the port of --endpoint says, 4317 or 4318, else OTEL_EXPORTER_OTLP_PROTOCOL, else HTTP.
    #[arg(long, short, value_enum, value_name = "PROTOCOL")]
    protocol: Option<Wire>,

    /// How requests are compressed.
    #[arg(long, value_enum, value_name = "COMPRESSION")]
    compression: Option<Packing>,

    /// How long to wait for delivery at the end; what has no outcome by then is lost.
    #[arg(long, value_parser = duration::parse_positive, default_value = "30s", value_name = "TIME")]
    deadline: Duration,

    #[command(flatten)]
    receiver: Receiver,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Destination {
    /// A builder with all that is said here.
    pub(crate) fn builder(&self) -> Result<ClientBuilder, Trouble> {
        let mut builder = self.receiver.set_on(ClientBuilder::from_env())?;
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let by_port = self.endpoint.as_ref().and_then(|text| match text.parse::<Endpoint>().ok()?.target() {
            Target::Tcp { port: 4317, .. } => Some(Wire::Grpc),
            Target::Tcp { port: 4318, .. } => Some(Wire::HttpProtobuf),
            _ => None,
        });
        if let Some(wire) = self.protocol.or(by_port) {
            builder = wire.set_on(builder);
        }
        if let Some(packing) = self.compression {
            builder = builder.with_compression(match packing {
                Packing::None => Compression::None,
                Packing::Gzip => Compression::Gzip,
                Packing::Zstd => Compression::Zstd,
            });
        }
        Ok(builder)
    }

    /// The client. An option that can't work is a matter of the command line, and so is an environment, or a file, that
    /// switches it off: nothing would be sent, and nothing be wrong.
    pub(crate) fn client(&self, builder: ClientBuilder) -> Result<Client, Trouble> {
        let config = builder.resolve().map_err(|error| Trouble::Usage(in_flags(&error)))?;
        if let Some(entry) = config.get("disabled").filter(|entry| entry.value == "true") {
            return Err(Trouble::Usage(format!("{} switches the client off: unset it", entry.origin)));
        }
        // The client would tell its log, which nobody has here.
        for warning in config.warnings() {
            complain(&format_args!("warning: {warning}"));
        }
        builder.build_blocking().map_err(|error| {
            if error.is_configuration() {
                Trouble::Usage(in_flags(&error))
            } else {
                Trouble::Failed(error.to_string())
            }
        })
    }

    /// The same of one signal, of which there is something to send.
    pub(crate) fn is_on(config: &ResolvedConfig, signal: Signal) -> Result<(), Trouble> {
        match config.get(&format!("{signal}.enabled")).filter(|entry| entry.value == "false") {
            None => Ok(()),
            Some(ConfigEntry { origin: origin @ Origin::File(_), .. }) => {
                let why = "it has no provider for them, or one that takes none";
                Err(Trouble::Usage(format!("{origin} switches {signal} off: {why}")))
            }
            Some(entry) => Err(Trouble::Usage(format!("{} switches {signal} off: unset it", entry.origin))),
        }
    }

    /// A full queue holds up whoever fills it, for as long as delivery would be waited for.
    pub(crate) fn waiting(&self) -> OverflowPolicy {
        OverflowPolicy::Block { timeout: self.deadline }
    }

    /// Ends the client, and shows meanwhile how it goes: its books, and what it says if something was lost.
    pub(crate) fn close(&self, client: &Client, show: impl Fn() + Send) -> (DeliveryReport, Option<String>) {
        let (done, is_done) = mpsc::channel::<()>();
        let closed = thread::scope(|scope| {
            let showing = move || {
                show();
                while is_done.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    show();
                }
            };
            // Without a thread for it, it ends all the same.
            let _ = thread::Builder::new().name("progress".to_owned()).spawn_scoped(scope, showing);
            let closed = client.shutdown_blocking(self.deadline);
            drop(done);
            closed
        });
        match closed {
            Ok(report) => (report, None),
            Err(error) => (of(&error), Some(error.to_string())),
        }
    }
}

/// The options of the builder that are set from the command line, and the flags that set them.
const FLAGS: [(&str, &str); 7] = [
    ("with_endpoint:", "--endpoint:"),
    ("with_header:", "--header:"),
    ("with_tls_config: ca_file", "--ca-file"),
    ("with_tls_config: cert_file", "--cert-file"),
    ("with_tls_config: key_file", "--key-file"),
    ("with_tls_server_name:", "--server-name:"),
    ("with_proxy:", "--proxy:"),
];

/// An error of the builder, in the words of who has a command line and no builder.
fn in_flags(error: &Error) -> String {
    let text = error.to_string();
    let flag = FLAGS.iter().find_map(|(option, flag)| Some(format!("{flag}{}", text.strip_prefix(option)?)));
    flag.unwrap_or(text).replace("with_proxy and without_proxy go before", "--proxy and --no-proxy go before")
}

fn of(error: &Error) -> DeliveryReport {
    error.report().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        destination: Destination,
    }

    /// What holds with these arguments.
    fn holds(arguments: &[&str], entry: &str) -> String {
        let line = Line::parse_from([&["send"], arguments].concat());
        let config = line.destination.builder().unwrap().resolve().unwrap();
        config.get(entry).unwrap().value.clone()
    }

    #[test]
    fn the_port_says_the_protocol_unless_the_option_does() {
        for (endpoint, protocol) in [
            ("http://collector:4317", "grpc"),
            ("https://[::1]:4317", "grpc"),
            ("http://collector:4318", "http/protobuf"),
            ("http://collector:55681", "http/protobuf"),
            ("http://collector", "http/protobuf"),
        ] {
            let holds = |more: &[&str]| holds(&[&["--endpoint", endpoint], more].concat(), "traces.protocol");
            assert_eq!(holds(&[]), protocol, "{endpoint}");
            assert_eq!(holds(&["-p", "grpc"]), "grpc", "{endpoint}");
            assert_eq!(holds(&["-p", "http/json"]), "http/json", "{endpoint}");
        }
    }

    #[test]
    fn the_timeout_is_that_of_connections_too() {
        assert_eq!(holds(&["--timeout", "7s"], "connect_timeout"), "7s");
        assert_eq!(holds(&["--timeout", "7s"], "traces.request_timeout"), "7s");
    }
}
