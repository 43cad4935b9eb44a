//! The axes of the matrix: what is sent (signal), how (wire, packing) and under which protection (security).
//!
//! Used by senders, counterparts and the page. Plain data: decides nothing.

use otlp_model::Signal;
use std::fmt;

/// Protocol and format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wire {
    Grpc,
    Protobuf,
    Json,
}

/// Compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Packing {
    None,
    Gzip,
    Zstd,
}

/// Whether a connection is encrypted, and whether the client shows a certificate, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Security {
    Plain,
    Tls,
    Mutual,
}

/// One way to a counterpart; all signals take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Case {
    pub(crate) wire: Wire,
    pub(crate) packing: Packing,
    pub(crate) security: Security,
}

impl Wire {
    pub(crate) const ALL: [Self; 3] = [Self::Grpc, Self::Protobuf, Self::Json];
}

impl Packing {
    pub(crate) const ALL: [Self; 3] = [Self::None, Self::Gzip, Self::Zstd];
}

impl Security {
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Tls, Self::Mutual];
}

impl Case {
    /// Every combination.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for wire in Wire::ALL {
            for packing in Packing::ALL {
                all.extend(Security::ALL.map(|security| Self { wire, packing, security }));
            }
        }
        all
    }

    /// A few that have every wire, packing and security at least once.
    pub(crate) fn quick() -> Vec<Self> {
        let diagonal =
            |(index, wire)| Self { wire, packing: Packing::ALL[index], security: Security::ALL[index] };
        let plain = |wire| Self { wire, packing: Packing::None, security: Security::Plain };
        let mut quick: Vec<Self> = Wire::ALL.into_iter().enumerate().map(diagonal).collect();
        quick.extend([Wire::Protobuf, Wire::Json].map(plain));
        quick
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grpc => "gRPC",
            Self::Protobuf => "HTTP/protobuf",
            Self::Json => "HTTP/JSON",
        })
    }
}

impl fmt::Display for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

impl fmt::Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Tls => "TLS",
            Self::Mutual => "mTLS",
        })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {}", self.wire, self.packing, self.security)
    }
}

/// What became of one signal in one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) case: Case,
    pub(crate) signal: Signal,
    pub(crate) found: Found,
}

/// How what arrived compares with what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// Every field is equal.
    Equal,
    /// What was wrong.
    Different(String),
    /// It cannot be equal, because of a defect of the counterpart, which is this.
    Impossible(&'static str),
}

impl Verdict {
    /// What was wrong, if anything was that need not be.
    pub(crate) fn failure(&self) -> Option<&str> {
        match &self.found {
            Found::Different(failure) => Some(failure),
            Found::Equal | Found::Impossible(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_whole_and_the_quick_one_has_each_value() {
        assert_eq!(Case::all().len(), 27);
        let quick = Case::quick();
        assert!(Wire::ALL.iter().all(|wire| quick.iter().any(|case| case.wire == *wire)));
        assert!(Packing::ALL.iter().all(|packing| quick.iter().any(|case| case.packing == *packing)));
        assert!(Security::ALL.iter().all(|security| quick.iter().any(|case| case.security == *security)));
    }
}
