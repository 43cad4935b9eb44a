//! `otlp decode`: any OTLP bytes as the official OTLP/JSON.
//!
//! One line per request, or indented. What it prints, `otlp send` and every OTLP/JSON reader takes.

use crate::exit::{Exit, Trouble};
use crate::input::{self, Input, Requests};
use crate::output;
use crate::serve::text;
use clap::Args;
use otlp_model::json;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Print OTLP of any form as readable JSON.
///
/// Recognised by their content: requests of any signal in protobuf, bare, in gRPC frames or with a length before each (as
/// the Collector's file exporter writes them); OTLP/JSON, one document or many; all of them as they are, or compressed with
/// gzip or zstd. Printed is the official OTLP/JSON: one line per request, or indented with --pretty.
///
/// An error names the file, the byte, and where in the message it is; what came before it has been printed by then. The
/// exit code is 1 then.
#[derive(Args)]
#[command(after_help = "Examples:
  otlp decode request.bin
  otlp decode --pretty spans.json.gz
  curl -s http://localhost:8080/dump | otlp decode - | jq .resourceSpans")]
pub(crate) struct Options {
    /// What to read; `-` is standard input.
    #[arg(default_value = "-", value_parser = input::path, value_name = "FILE")]
    file: PathBuf,

    /// Indent, with a line for each member.
    #[arg(long, short)]
    pretty: bool,

    #[command(flatten)]
    input: Input,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Trouble> {
    let mut out = BufWriter::new(io::stdout().lock());
    for request in Requests::open(&options.file, &options.input)? {
        let printed = request.and_then(|request| {
            let json = json::request_to_json(request.signal, &request.protobuf)
                .map_err(|error| Trouble::Failed(format!("{}: {error}", input::name(&options.file))))?;
            // JSON may hold what deceives whoever looks at a terminal.
            let json = text::escaped(&String::from_utf8_lossy(&json)).into_bytes();
            let json = if options.pretty { output::indented(&json) } else { json };
            out.write_all(&json)?;
            Ok(out.write_all(b"\n")?)
        });
        if let Err(trouble) = printed {
            out.flush()?;
            return Err(trouble);
        }
    }
    out.flush()?;
    Ok(Exit::Fine)
}
