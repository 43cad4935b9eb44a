//! The counterparts: how each is had, what is played with it, and what came of it.
//!
//! Used by the run, one after the other. How each works is in a module of its own.

use crate::case::{Case, Packing, Security, Verdict, Wire};
use crate::certificates::Certificates;
use crate::collector::{self, Collector};
use crate::grpc_core::GrpcCore;
use crate::hardship::{Answers, Course, Hardship};
use crate::missing::Missing;
use crate::options::Options;
use crate::rotel::Rotel;
use crate::serve::Serve;
use crate::testkit::Testkit;
use crate::tools::{COLLECTOR, PACKAGES, ROTEL};
use crate::{Failure, doctor, matrix, python_sdk, sender, tools};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counterpart {
    Collector,
    GrpcCore,
    Rotel,
    PythonSdk,
    PythonSdkServe,
}

/// What came of one.
pub(crate) struct Results {
    pub(crate) counterpart: Counterpart,
    /// What was played, or why nothing was.
    pub(crate) played: Result<Played, String>,
}

/// What was found.
#[derive(Default)]
pub(crate) struct Played {
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) hardships: Vec<Hardship>,
    /// Why it could not be played to its end.
    pub(crate) broken: Option<String>,
}

impl Counterpart {
    pub(crate) const ALL: [Self; 5] =
        [Self::Collector, Self::GrpcCore, Self::Rotel, Self::PythonSdk, Self::PythonSdkServe];

    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Collector => "collector",
            Self::GrpcCore => "grpc-core",
            Self::Rotel => "rotel",
            Self::PythonSdk => "python-sdk",
            Self::PythonSdkServe => "python-sdk-serve",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|counterpart| counterpart.name() == name).ok_or_else(|| {
            format!("no counterpart is called {name}: there are {}", Self::ALL.map(Self::name).join(", "))
        })
    }

    /// What it is.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Collector => "The OpenTelemetry Collector",
            Self::GrpcCore => "gRPC's C-core with Google's protobuf",
            Self::Rotel => "Rotel, a collector in Rust",
            Self::PythonSdk => "The OpenTelemetry SDK for Python, to otlp-testkit",
            Self::PythonSdkServe => "The OpenTelemetry SDK for Python, to `otlp serve`",
        }
    }

    /// Which version of it.
    pub(crate) fn version(self) -> String {
        match self {
            Self::Collector => COLLECTOR.to_owned(),
            Self::GrpcCore => PACKAGES[..3].join(", "),
            Self::Rotel => ROTEL.to_owned(),
            Self::PythonSdk | Self::PythonSdkServe => PACKAGES[3..].join(", "),
        }
    }

    /// Why cases are missing in its matrix.
    pub(crate) fn lacks(self) -> &'static str {
        match self {
            Self::Collector => "",
            Self::GrpcCore => "It has no HTTP, and C-core has no zstd.",
            Self::Rotel => {
                "Its receivers have neither TLS nor zstd. From JSON it reads neither NaN nor an attribute without a value, so that \
                 these are left out there."
            }
            Self::PythonSdk => "Its exporters have neither JSON nor zstd.",
            Self::PythonSdkServe => "`otlp serve` has no TLS.",
        }
    }

    /// Gets it, and plays everything with it.
    pub(crate) fn run(self, options: &Options, folder: &Path, certificates: &Certificates) -> Results {
        let cases = if options.quick { Case::quick() } else { Case::all() };
        let target = &options.target;
        let had = match self {
            Self::Collector => tools::collector(target),
            Self::GrpcCore | Self::PythonSdk | Self::PythonSdkServe => {
                tools::python(target, "grpc", &PACKAGES)
            }
            Self::Rotel => tools::rotel(target),
        };
        Results::of(self, had, |program, played| match self {
            Self::Collector => collector(played, program, folder, &cases, certificates, options),
            Self::GrpcCore => grpc_core(played, program, &cases, certificates),
            Self::Rotel => rotel(played, program, folder, &cases, certificates),
            Self::PythonSdk => Testkit::start(certificates).map(|mut testkit| {
                let send = python_sdk::with(program, certificates);
                played.verdicts = matrix::run(&mut testkit, &python_sdk::cases(&cases), &send);
            }),
            Self::PythonSdkServe => Serve::start(&options.otlp, &folder.join("serve")).map(|mut serve| {
                let send = python_sdk::with(program, certificates);
                played.verdicts = matrix::run(&mut serve, &python_sdk::cases(&cases), &send);
            }),
        })
    }
}

fn collector(
    played: &mut Played,
    program: &Path,
    folder: &Path,
    cases: &[Case],
    certificates: &Certificates,
    options: &Options,
) -> Result<(), Failure> {
    let mut collector = Collector::start(program, &folder.join("collector"), certificates)?;
    played.verdicts = matrix::run(&mut collector, cases, &sender::with(certificates));
    for wire in [Wire::Grpc, Wire::Protobuf, Wire::Json] {
        for security in [Security::Plain, Security::Tls, Security::Mutual] {
            let case = Case { wire, packing: Packing::None, security };
            played.hardships.push(Hardship::of(format!("`otlp doctor` ({case})"), || {
                doctor::examine(&options.otlp, &mut collector, case, certificates)
            }));
        }
    }
    drop(collector);
    played.hardships.extend(collector::hardships::run(program, folder, certificates, options.quick));
    Ok(())
}

fn grpc_core(
    played: &mut Played,
    python: &Path,
    cases: &[Case],
    certificates: &Certificates,
) -> Result<(), Failure> {
    let mut receiver = GrpcCore::start(python, certificates)?;
    played.verdicts = matrix::run(&mut receiver, cases, &sender::with(certificates));
    played
        .hardships
        .push(Hardship::of("zstd, which it does not know", || unknown_packing(&receiver, certificates)));
    Ok(())
}

/// A compression that the receiver does not have: refused for good, and told.
fn unknown_packing(receiver: &GrpcCore, certificates: &Certificates) -> Result<Course, Failure> {
    let case = Case { wire: Wire::Grpc, packing: Packing::Zstd, security: Security::Plain };
    let (answers, endpoint) = (Answers::default(), receiver.plain());
    let builder = sender::client(case, &endpoint, certificates).with_attempt_layer(answers.layer());
    let client = builder.build_blocking()?;
    client.tracer("refused").start("refused").set_attribute("padding", "x".repeat(4096)).end();
    let ended = client.shutdown_blocking(Duration::from_secs(30));
    let report = ended.as_ref().err().and_then(otlp::Error::report).ok_or("a refused span was no error")?;
    if report.dropped().total() != 1 || report.delivered() != 0 {
        return Err(format!("the span is lost, and the client says: {report}").into());
    }
    Ok(Course { answer: answers.first(&endpoint)?, outcome: format!("dropped at once and told: {report}") })
}

fn rotel(
    played: &mut Played,
    program: &Path,
    folder: &Path,
    cases: &[Case],
    certificates: &Certificates,
) -> Result<(), Failure> {
    let mut receiver = Rotel::start(program, &folder.join("rotel"))?;
    played.verdicts = matrix::run(&mut receiver, cases, &sender::with(certificates));
    Ok(())
}

impl Results {
    /// Plays with what was had. What cannot be had is skipped; what was there to be made and was not made is a failure.
    fn of(
        counterpart: Counterpart,
        had: Result<PathBuf, Missing>,
        play: impl FnOnce(&Path, &mut Played) -> Result<(), Failure>,
    ) -> Self {
        let mut played = Played::default();
        let broken = match had {
            Ok(program) => play(&program, &mut played).err().map(|error| error.to_string()),
            Err(Missing::Broken(reason)) => Some(reason),
            Err(Missing::Unavailable(reason)) => return Self { counterpart, played: Err(reason) },
        };
        Self { counterpart, played: Ok(Played { broken, ..played }) }
    }

    /// How much of it failed.
    pub(crate) fn failures(&self) -> usize {
        let Ok(played) = &self.played else { return 0 };
        let verdicts = played.verdicts.iter().filter(|verdict| verdict.failure().is_some()).count();
        let hardships = played.hardships.iter().filter(|hardship| hardship.found.is_err()).count();
        verdicts + hardships + usize::from(played.broken.is_some())
    }

    /// For the terminal: what failed, in full, or that it was skipped.
    pub(crate) fn lines(&self) -> String {
        let played = match &self.played {
            Ok(played) => played,
            Err(reason) => return format!("!!! SKIPPED, NOTHING PROVEN: {reason}\n"),
        };
        let mut lines = String::new();
        for verdict in &played.verdicts {
            if let Some(failure) = verdict.failure() {
                lines.push_str(&format!("  ✗ {}, {}: {failure}\n", verdict.case, verdict.signal));
            }
        }
        for hardship in &played.hardships {
            if let Err(failure) = &hardship.found {
                lines.push_str(&format!("  ✗ {}: {failure}\n", hardship.name));
            }
        }
        if let Some(broken) = &played.broken {
            lines.push_str(&format!("  ✗ {broken}\n"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_is_skipped_and_what_cannot_be_made_has_failed() {
        let played = |had| {
            let results = Results::of(Counterpart::Rotel, had, |_, _| Ok(()));
            (results.failures(), results.lines())
        };
        let (failures, lines) = played(Err(Missing::Unavailable("no network".to_owned())));
        assert_eq!((failures, lines.as_str()), (0, "!!! SKIPPED, NOTHING PROVEN: no network\n"));
        let (failures, lines) = played(Err(Missing::Broken("undefined: x".to_owned())));
        assert_eq!((failures, lines.as_str()), (1, "  ✗ undefined: x\n"));
        assert_eq!(played(Ok(PathBuf::new())), (0, String::new()));
    }
}
