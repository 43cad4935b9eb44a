//! The variables of one signal: its exporter, and how it is batched.
//!
//! Each `OTEL_EXPORTER_OTLP_X` is asked for as `OTEL_EXPORTER_OTLP_TRACES_X` first; a value of that which is no good is as
//! if it were not there, so that the general one holds (ENV-10, ENV-11).

use super::text::Reader;
use crate::config::{Protocol, SerializationFormat, TemporalityPreference};
use crate::settings::{Address, Given, SignalSettings};
use otlp_model::Signal;
use otlp_transport::{Compression, Headers};

pub(super) fn signal(reader: &mut Reader<'_>, signal: Signal) -> SignalSettings {
    let all = Names { signal, own: false };
    let own = Names { signal, own: true };
    let mut settings = SignalSettings {
        enabled: enabled(reader, signal),
        endpoint: endpoint(reader, own).or_else(|| endpoint(reader, all)),
        protocol: protocol(reader, own).or_else(|| protocol(reader, all)),
        headers: headers(reader, own).or_else(|| headers(reader, all)),
        compression: compression(reader, own).or_else(|| compression(reader, all)),
        request_timeout: reader.timeout(own.of("TIMEOUT")).or_else(|| reader.timeout(all.of("TIMEOUT"))),
        insecure: reader.boolean(own.of("INSECURE")).or_else(|| reader.boolean(all.of("INSECURE"))),
        ..SignalSettings::default()
    };
    #[cfg(feature = "_tls")]
    tls(reader, [own, all], &mut settings);
    batching(reader, signal, &mut settings);
    settings
}

/// Of metrics alone (METR-59).
pub(super) fn temporality(reader: &mut Reader<'_>) -> Option<Given<TemporalityPreference>> {
    let name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    reader.word(name, "one of cumulative, delta and lowmemory", |word| match word {
        "cumulative" => Some(TemporalityPreference::Cumulative),
        "delta" => Some(TemporalityPreference::Delta),
        "lowmemory" => Some(TemporalityPreference::LowMemory),
        _ => None,
    })
}

/// How the variables of a signal, or of all, are called.
#[derive(Clone, Copy)]
struct Names {
    signal: Signal,
    own: bool,
}

impl Names {
    fn of(self, option: &str) -> String {
        match (self.own, upper(self.signal)) {
            (true, signal) => format!("OTEL_EXPORTER_OTLP_{signal}_{option}"),
            (false, _) => format!("OTEL_EXPORTER_OTLP_{option}"),
        }
    }
}

fn upper(signal: Signal) -> &'static str {
    match signal {
        Signal::Metrics => "METRICS",
        Signal::Logs => "LOGS",
        _ => "TRACES",
    }
}

/// Whether there is an exporter at all: `none` is the one choice beside OTLP (ENV-17).
fn enabled(reader: &mut Reader<'_>, signal: Signal) -> Option<Given<bool>> {
    let list = reader.text(format!("OTEL_{}_EXPORTER", upper(signal)))?;
    let (mut otlp, mut none) = (false, false);
    for word in list.value.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match word.to_ascii_lowercase().as_str() {
            "otlp" => otlp = true,
            "none" => none = true,
            _ => reader.warn(
                &list.origin.to_string(),
                format_args!("{word:?} is not otlp or none, the exporters there are; it is ignored"),
            ),
        }
    }
    (otlp || none).then_some(Given { value: otlp, origin: list.origin })
}

fn endpoint(reader: &mut Reader<'_>, names: Names) -> Option<Given<Address>> {
    reader.parsed(names.of("ENDPOINT"), |value| Address::new(value, names.own))
}

fn protocol(reader: &mut Reader<'_>, names: Names) -> Option<Given<(Protocol, SerializationFormat)>> {
    let compiled_in = "a protocol that is compiled in: grpc, http/protobuf and http/json, by their features";
    reader.word(names.of("PROTOCOL"), compiled_in, |word| match word {
        #[cfg(feature = "grpc")]
        "grpc" => Some((Protocol::Grpc, SerializationFormat::Protobuf)),
        #[cfg(feature = "http")]
        "http/protobuf" => Some((Protocol::Http, SerializationFormat::Protobuf)),
        #[cfg(feature = "json")]
        "http/json" => Some((Protocol::Http, SerializationFormat::Json)),
        _ => None,
    })
}

/// A member that is no good costs only itself (HDR-05), and is not shown: it may be a secret.
fn headers(reader: &mut Reader<'_>, names: Names) -> Option<Given<Headers>> {
    let list = reader.text(names.of("HEADERS"))?;
    let value = Headers::parse(&list.value).unwrap_or_else(|error| {
        reader.warn(&list.origin.to_string(), format_args!("{error}; the others are used"));
        error.into_valid()
    });
    (!value.is_empty()).then_some(Given { value, origin: list.origin })
}

fn compression(reader: &mut Reader<'_>, names: Names) -> Option<Given<Compression>> {
    let compiled_in = "a compression that is compiled in: none, and gzip and zstd, by their features";
    reader.word(names.of("COMPRESSION"), compiled_in, |word| match word {
        "none" => Some(Compression::None),
        #[cfg(feature = "gzip")]
        "gzip" => Some(Compression::Gzip),
        #[cfg(feature = "zstd")]
        "zstd" => Some(Compression::Zstd),
        _ => None,
    })
}

/// Files. A certificate without its key, or a key without its certificate, is nothing (TLS-03).
#[cfg(feature = "_tls")]
fn tls(reader: &mut Reader<'_>, [own, all]: [Names; 2], settings: &mut SignalSettings) {
    let file = |option: &str| reader.text(own.of(option)).or_else(|| reader.text(all.of(option)));
    settings.ca_file = file("CERTIFICATE");
    settings.cert_file = file("CLIENT_CERTIFICATE");
    settings.key_file = file("CLIENT_KEY");
    let (has, lacks) = match (&settings.cert_file, &settings.key_file) {
        (Some(cert), None) => (cert.origin.to_string(), "the key"),
        (None, Some(key)) => (key.origin.to_string(), "the certificate"),
        _ => return,
    };
    reader.warn(&has, format_args!("{lacks} to it is not set; it is ignored"));
    (settings.cert_file, settings.key_file) = (None, None);
}

/// The processors' variables; there are none for metrics.
fn batching(reader: &mut Reader<'_>, signal: Signal, settings: &mut SignalSettings) {
    let name = match signal {
        Signal::Traces => |option: &str| format!("OTEL_BSP_{option}"),
        Signal::Logs => |option: &str| format!("OTEL_BLRP_{option}"),
        _ => return,
    };
    settings.batch_delay = reader.delay(name("SCHEDULE_DELAY"));
    settings.export_timeout = reader.timeout(name("EXPORT_TIMEOUT"));
    settings.queue_size = reader.positive(name("MAX_QUEUE_SIZE"));
    settings.batch_size = reader.positive(name("MAX_EXPORT_BATCH_SIZE"));
    let default = crate::BatchConfig::default().max_queue_size;
    let queue = settings.queue_size.as_ref().map_or(default, |queue| queue.value);
    if settings.batch_size.as_ref().is_some_and(|batch| batch.value > queue) {
        let problem = format_args!("is larger than the queue, which has room for {queue}; it is ignored");
        reader.warn(&name("MAX_EXPORT_BATCH_SIZE"), problem);
        settings.batch_size = None;
    }
}
