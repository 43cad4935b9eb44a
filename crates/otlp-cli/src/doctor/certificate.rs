//! What a certificate says, for people: whose it is, who vouches, which names it has, and until when.
//!
//! Reads bytes that a server chose: whatever can't be read is left out. Verifies nothing.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// One certificate of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) names: Vec<String>,
    pub(crate) not_before: SystemTime,
    pub(crate) not_after: SystemTime,
}

/// Reads a certificate in DER.
pub(crate) fn read(der: &[u8]) -> Option<Shown> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|extension| &extension.value.general_names);
    let validity = certificate.validity();
    Some(Shown {
        subject: printable(&certificate.subject().to_string()),
        issuer: printable(&certificate.issuer().to_string()),
        names: names.filter_map(name).map(|name| printable(&name)).collect(),
        not_before: time(validity.not_before.timestamp()),
        not_after: time(validity.not_after.timestamp()),
    })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(v4) => Some(std::net::Ipv4Addr::from(v4).to_string()),
            Err(_) => Some(std::net::Ipv6Addr::from(<[u8; 16]>::try_from(*bytes).ok()?).to_string()),
        },
        _ => None,
    }
}

fn time(seconds: i64) -> SystemTime {
    // Dates in HTTP end with the year 9999.
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0).min(253_402_300_799))
}

/// Without what could write lines of its own, and not too long.
fn printable(text: &str) -> String {
    text.chars().take(200).map(|c| if otlp_model::response::is_deceptive(c) { ' ' } else { c }).collect()
}

/// As in HTTP.
pub(crate) fn date(time: SystemTime) -> String {
    httpdate::fmt_http_date(time)
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.subject)?;
        if !self.names.is_empty() {
            write!(f, " for {}", self.names.join(", "))?;
        }
        write!(f, ", issued by {}, from {} to {}", self.issuer, date(self.not_before), date(self.not_after))
    }
}
