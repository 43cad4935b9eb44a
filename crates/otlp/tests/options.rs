//! Every option of the builder: values that work, values at the edge of what is allowed, and values that are refused with
//! an error that names the option. And that no option is missing here.
//!
//! That an option does what it says is the business of the test named in its row, which must at least use it.

#![cfg(all(feature = "grpc", feature = "http", feature = "json", feature = "gzip", feature = "_tls"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

/// Beside this file, in a folder of the same name.
mod options {
    mod delivery;
    mod receiver;
    mod source;
    mod telemetry;
    mod tls;

    use otlp::{Client, ClientBuilder, ErrorKind};
    use otlp_testkit::Collector;
    use std::path::Path;
    use std::time::Duration;

    type Set = fn(ClientBuilder) -> ClientBuilder;

    /// An option, and what it takes.
    #[derive(Default)]
    pub(crate) struct Row {
        /// The builder's method.
        pub(crate) name: &'static str,
        /// With these a span is delivered.
        pub(crate) works: Vec<Set>,
        /// Edges of what is allowed, with which nothing need be delivered.
        pub(crate) builds: Vec<Set>,
        /// What is refused, and what the error says behind the option's name.
        pub(crate) refused: Vec<(Set, &'static str)>,
        /// Under `crates/`: the test that it does what it says, and what is looked for in there, if not the option's name.
        pub(crate) proof: (&'static str, &'static str),
    }

    fn table() -> Vec<Row> {
        [receiver::rows(), delivery::rows(), telemetry::rows(), tls::rows()].into_iter().flatten().collect()
    }

    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn good_values_are_taken_and_bad_ones_refused_by_name() {
        let collector = Collector::builder().start().await.unwrap();
        for Row { name, works, builds, refused, .. } in table() {
            assert!(works.len() + builds.len() > 0, "{name}: give a value that works");
            for set in works {
                let client = set(Client::builder().without_proxy().with_endpoint(collector.grpc_endpoint()));
                let client = client.build().await.unwrap_or_else(|error| panic!("{name}: {error}"));
                client.tracer("t").start("s").end();
                let report =
                    client.shutdown(PATIENCE).await.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(report.delivered(), 1, "{name}: {report}");
            }
            for set in builds {
                let client = set(Client::builder().with_drop_timeout(Duration::ZERO)).build().await;
                client.unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            for (set, problem) in refused {
                let error = set(Client::builder()).build().await.expect_err(name);
                assert_eq!(error.kind(), ErrorKind::Configuration, "{name}: {error}");
                let text = error.to_string();
                let (option, said) = text.split_once(": ").unwrap_or((&text, ""));
                assert_eq!(option, name, "{text}");
                assert!(said.starts_with(problem), "{name}: {problem:?}: {text}");
            }
        }
    }

    #[test]
    fn every_option_has_a_row() {
        let named: Vec<_> = table().iter().map(|row| row.name).collect();
        for option in source::options() {
            let rows = named.iter().filter(|name| **name == option).count();
            assert_eq!(
                rows, 1,
                "ClientBuilder::{option} has {rows} rows: each option has one in crates/otlp/tests/options/*.rs, with \
                 values that work, edges, refused values, and the test that shows that it does what it says"
            );
        }
        let known = source::options();
        for name in named {
            assert!(known.iter().any(|option| option == name), "ClientBuilder::{name} does not exist");
        }
    }

    #[test]
    fn every_option_is_used_by_the_test_that_is_named_for_it() {
        for Row { name, proof: (file, sign), .. } in table() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
            let text =
                std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {file}: {error}"));
            let sign = if sign.is_empty() { format!(".{name}(") } else { sign.to_owned() };
            assert!(text.contains(&sign), "{name}: nothing of {sign:?} in {file}");
        }
    }
}
