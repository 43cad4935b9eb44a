//! The real binary, as a shell would start it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod decode;
mod doctor;
mod doctor_answers;
mod doctor_clock;
mod doctor_compression;
mod doctor_file;
mod doctor_network;
mod doctor_signals;
mod doctor_tls;
#[cfg(unix)]
mod live;
mod load;
mod manual;
mod pipes;
mod reaching;
mod report;
mod send;
#[cfg(unix)]
mod serve;
#[cfg(unix)]
mod serve_refuses;
#[cfg(unix)]
mod serving;
mod support;
#[cfg(unix)]
mod tail;
mod tunnel;
#[cfg(unix)]
mod ui;
