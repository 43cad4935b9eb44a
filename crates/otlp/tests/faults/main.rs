//! The whole client against each fault it must survive, a file for each row of the list of faults. Every test asserts the
//! target of its row and ends with balanced books.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "../it/support.rs"]
#[allow(dead_code, reason = "shared with `it` and `guide`; each uses a part")]
mod support;

mod attempts;
mod child;
mod connect_proxy;
mod course;
mod formats;

// The rows, in the order of their numbers.
mod row_01_down_at_start;
mod row_02_outage;
mod row_04_restart;
mod row_05_goaway;
mod row_06_reset;
mod row_07_slow_response;
#[cfg(target_os = "linux")]
mod row_08_black_hole;
mod row_08_half_open;
mod row_09_pings;
#[cfg(feature = "_tls")]
mod row_11_server_certificate;
#[cfg(feature = "_tls")]
mod row_12_rotation;
mod row_13_throttling;
mod row_14_grpc_codes;
mod row_15_http_statuses;
mod row_16_partial_success;
mod row_17_reply_shapes;
mod row_18_malformed_answers;
mod row_19_response_bombs;
mod row_20_redirect;
mod row_21_too_large;
mod row_22_accepted_then_timeout;
mod row_23_clock;
#[cfg(unix)]
mod row_30_fork;
mod row_31_runtimes;
mod row_32_panics;
mod row_33_flood;
mod row_34_giants;
mod row_35_bytes;
mod row_36_numbers;
mod row_37_lifecycles;
mod row_38_contexts;
mod row_39_exits;
#[cfg(all(unix, feature = "signal"))]
mod row_40_signals;
mod row_41_loop;
mod row_42_secrets;
#[cfg(target_os = "linux")]
mod row_43_exhaustion;
mod row_44_proxy_unix_ipv6;
