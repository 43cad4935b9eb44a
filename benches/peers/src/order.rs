//! What a contender is told to do: its command line, written by the run and read by every contender.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One run of one contender.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Order {
    /// How to reach the sink.
    pub transport: Transport,
    /// How requests are compressed.
    pub compression: Compression,
    /// How fast items are made, and what happens to them.
    pub mode: Mode,
    /// What is made.
    pub workload: Workload,
    /// Items to make, over all threads.
    pub items: u64,
    /// Threads that make them.
    pub threads: u64,
    /// The sink, as `127.0.0.1:PORT`.
    pub sink: String,
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its word, on the command line and in tables.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(format!("{word}: expected one of {}", [$($word),*].join(", "))),
                }
            }
        }
    };
}

words! {
    /// How to reach the sink.
    Transport {
        /// OTLP/gRPC, in clear text.
        Grpc = "grpc",
        /// OTLP/HTTP with protobuf bodies, in clear text.
        Http = "http",
    }
}

words! {
    /// How requests are compressed: at each contender's default level.
    Compression {
        /// Not at all.
        None = "none",
        /// gzip.
        Gzip = "gzip",
        /// zstd.
        Zstd = "zstd",
    }
}

words! {
    /// How fast items are made, and what happens to them.
    Mode {
        /// The producer is held back by the contender's own queue, so that all arrive.
        Lossless = "lossless",
        /// The contender's defaults, and items as fast as they can be made.
        Burst = "burst",
        /// The sampler says no; attributes are offered all the same. Nothing is sent.
        Unsampled = "unsampled",
    }
}

words! {
    /// What is made.
    Workload {
        /// Spans with the same strings each time.
        Fixed = "fixed",
        /// Spans with strings that vary.
        Varied = "varied",
        /// Log records of 100 bytes with three attributes.
        Logs = "logs",
        /// Spans with the same strings, and all that the layers for `tracing` can add: the place in the source, the thread, the
        /// target, and for how long the span was entered.
        Full = "full",
    }
}

impl Order {
    /// The command line that [`parse`](Self::parse) reads.
    #[must_use]
    pub fn to_args(&self) -> Vec<String> {
        let Self { transport, compression, mode, workload, items, threads, sink } = self;
        vec![
            transport.to_string(),
            compression.to_string(),
            mode.to_string(),
            workload.to_string(),
            items.to_string(),
            threads.to_string(),
            sink.clone(),
        ]
    }

    /// Reads a contender's command line, the program's name left out.
    ///
    /// # Errors
    ///
    /// What was expected.
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let args: Vec<String> = args.into_iter().collect();
        let [transport, compression, mode, workload, items, threads, sink] = &args[..] else {
            return Err("usage: <contender> grpc|http none|gzip|zstd lossless|burst|unsampled \
                fixed|varied|logs ITEMS THREADS HOST:PORT"
                .to_owned());
        };
        let number = |name: &str, text: &str| {
            text.parse().map_err(|_| format!("{name} {text}: expected a whole number"))
        };
        Ok(Self {
            transport: transport.parse()?,
            compression: compression.parse()?,
            mode: mode.parse()?,
            workload: workload.parse()?,
            items: number("ITEMS", items)?,
            threads: number("THREADS", threads)?,
            sink: sink.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_survives_the_command_line() {
        for &mode in Mode::ALL {
            let order = Order {
                transport: Transport::Http,
                compression: Compression::Zstd,
                mode,
                workload: Workload::Logs,
                items: 12,
                threads: 2,
                sink: "127.0.0.1:4".to_owned(),
            };
            assert_eq!(Order::parse(order.to_args()), Ok(order));
        }
        assert!(Order::parse(["grpc".to_owned()]).is_err());
        assert!("smoke".parse::<Transport>().is_err());
    }
}
