//! What receivers say about failure, decoded from header values: gRPC status, message and details, and `Retry-After`.
//!
//! Used by the terminals. Pure: the clock is an argument, any bytes are fine as input and nothing here panics or
//! returns an error, because a status must not be lost over the decoration around it (conformance GRPC-09, GRPC-10).

#[cfg(feature = "grpc")]
pub(crate) use grpc::{details, message, timeout_value};
#[cfg(feature = "http")]
pub(crate) use http::retry_after;

/// The longest server message kept, in bytes: enough to read, too little to flood a log with.
pub(crate) const MESSAGE_LIMIT: usize = 1024;

/// `text` without characters that [could deceive](otlp_model::response::is_deceptive) and no longer than [`MESSAGE_LIMIT`].
pub(crate) fn printable(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(MESSAGE_LIMIT));
    for c in text.trim().chars() {
        let c = if otlp_model::response::is_deceptive(c) { ' ' } else { c };
        if kept.len() + c.len_utf8() > MESSAGE_LIMIT {
            kept.push('…');
            break;
        }
        kept.push(c);
    }
    kept
}

#[cfg(feature = "grpc")]
mod grpc {
    use base64::Engine as _;
    use base64::alphabet;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    use otlp_model::response::{RpcStatus, decode_rpc_status};
    use std::time::Duration;

    /// Padded or not, as the gRPC protocol demands of receivers.
    const BASE64: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );

    /// The text of `grpc-message`: percent-encoded UTF-8, taken as it is where it is malformed (GRPC-09).
    pub(crate) fn message(value: &[u8]) -> String {
        super::printable(&percent_encoding::percent_decode(value).decode_utf8_lossy())
    }

    /// The status of `grpc-status-details-bin`, or nothing when it cannot be decoded (GRPC-10).
    pub(crate) fn details(value: &[u8]) -> Option<RpcStatus> {
        decode_rpc_status(&BASE64.decode(value.trim_ascii()).ok()?).ok()
    }

    /// The value of `grpc-timeout`: at most 8 digits and a unit, rounded down to what fits (GRPC-05).
    ///
    /// Never longer than `timeout`, so that the server does not wait beyond the client; never zero.
    pub(crate) fn timeout_value(timeout: Duration) -> String {
        const MOST: u128 = 99_999_999;
        let nanos = timeout.as_nanos().max(1);
        let units = [
            (1, 'n'),
            (1_000, 'u'),
            (1_000_000, 'm'),
            (1_000_000_000, 'S'),
            (60_000_000_000, 'M'),
            (3_600_000_000_000, 'H'),
        ];
        for (size, unit) in units {
            if nanos / size <= MOST {
                return format!("{}{unit}", nanos / size);
            }
        }
        format!("{MOST}H")
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use proptest::prelude::*;

        #[test]
        fn messages_are_percent_decoded() {
            // conf: GRPC-09
            assert_eq!(message(b"plain"), "plain");
            assert_eq!(message(b"caf%C3%A9 %25"), "caf\u{e9} %");
            assert_eq!(message(b"100% %zz %"), "100% %zz %");
            assert_eq!(message(b"%ff"), "\u{fffd}");
            assert_eq!(message(b"two%0Alines"), "two lines");
        }

        #[test]
        fn timeouts_fit_eight_digits() {
            // conf: GRPC-05
            assert_eq!(timeout_value(Duration::from_millis(1)), "1000000n");
            assert_eq!(timeout_value(Duration::from_secs(10)), "10000000u");
            assert_eq!(timeout_value(Duration::from_secs(100)), "100000m");
            assert_eq!(timeout_value(Duration::from_secs(100_000)), "100000S");
            assert_eq!(timeout_value(Duration::ZERO), "1n");
        }

        proptest! {
            #[test]
            fn any_timeout_is_valid_and_not_longer(secs in any::<u64>(), nanos in 0u32..1_000_000_000) {
                let timeout = Duration::new(secs, nanos);
                let value = timeout_value(timeout);
                let (digits, unit) = value.split_at(value.len() - 1);
                prop_assert!((1..=8).contains(&digits.len()), "{value}");
                let size: u128 = match unit {
                    "n" => 1, "u" => 1_000, "m" => 1_000_000, "S" => 1_000_000_000,
                    "M" => 60_000_000_000, "H" => 3_600_000_000_000,
                    _ => return Err(TestCaseError::fail(value)),
                };
                prop_assert!(digits.parse::<u128>().unwrap() * size <= timeout.as_nanos().max(1));
            }

            #[test]
            fn no_bytes_make_the_decoders_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
                // conf: GRPC-09, GRPC-10
                prop_assert!(message(&bytes).len() <= super::super::MESSAGE_LIMIT + 3);
                let _ = details(&bytes);
                let encoded = BASE64.encode(&bytes);
                let _ = details(encoded.as_bytes());
                let _ = details(encoded.trim_end_matches('=').as_bytes());
            }
        }
    }
}

#[cfg(feature = "http")]
mod http {
    use std::time::{Duration, SystemTime};

    /// The longest wait understood: a day. What is longer is as good as for ever, and must not overflow timers.
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    /// The wait that `Retry-After` asks for, in seconds or as an HTTP date (HTTP-14).
    ///
    /// Nothing for zero, for a date that is not in the future of `now`, and for anything malformed (RETRY-09); at most a day.
    pub(crate) fn retry_after(value: &[u8], now: SystemTime) -> Option<Duration> {
        let text = std::str::from_utf8(value).ok()?.trim();
        let wait = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            // All digits and no number means more than u64 holds.
            Duration::from_secs(text.parse().unwrap_or(u64::MAX))
        } else {
            httpdate::parse_http_date(text).ok()?.duration_since(now).ok()?
        };
        (!wait.is_zero()).then_some(wait.min(LONGEST))
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use proptest::prelude::*;

        fn now() -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
        }

        #[test]
        fn seconds_dates_and_nonsense() {
            // conf: HTTP-14, RETRY-09, SURV-08, SURV-24
            let date = |time| httpdate::fmt_http_date(time).into_bytes();
            let seconds = Duration::from_secs;
            assert_eq!(retry_after(b"120", now()), Some(seconds(120)));
            assert_eq!(retry_after(b" 7 ", now()), Some(seconds(7)));
            assert_eq!(retry_after(&date(now() + seconds(30)), now()), Some(seconds(30)));
            assert_eq!(retry_after(b"99999999999999999999999", now()), Some(LONGEST));
            assert_eq!(retry_after(&date(now() + 2 * LONGEST), now()), Some(LONGEST));
            for nothing in [
                &b"0"[..],
                b"",
                b"-5",
                b"1.5",
                b"soon",
                b"\xff",
                b"+3",
                &date(now()),
                &date(now() - seconds(9)),
            ] {
                assert_eq!(retry_after(nothing, now()), None, "{nothing:?}");
            }
        }

        proptest! {
            #[test]
            fn never_panics_and_never_exceeds_a_day(bytes in proptest::collection::vec(any::<u8>(), 0..60), secs in 0u64..4_000_000_000) {
                let now = SystemTime::UNIX_EPOCH + Duration::from_secs(secs);
                let wait = retry_after(&bytes, now);
                prop_assert!(wait.is_none_or(|wait| wait > Duration::ZERO && wait <= LONGEST));
            }

            #[test]
            fn any_date_in_the_future_is_waited_for(ahead in 1u64..86_400) {
                let text = httpdate::fmt_http_date(now() + Duration::from_secs(ahead));
                prop_assert_eq!(retry_after(text.as_bytes(), now()), Some(Duration::from_secs(ahead)));
            }
        }
    }
}
