//! Row 35: bytes that are no text, and texts that C would not like. They arrive as they were, in every format.

use crate::formats::{FORMATS, speaking};
use crate::support::all_delivered;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use otlp_testkit::Collector;

/// Neither UTF-8 nor free of zeros; and what in UTF-16 would be a lone surrogate.
const BYTES: &[u8] = &[0, 0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0];
const TEXTS: &[&str] =
    &["\0", "nul\0inside", "\u{feff}\u{202e}\u{1f4a9}", "\r\n\t\u{7f}\u{1}\"\\/<script>", "\u{fffd}\u{ffff}"];

#[tokio::test]
async fn bytes_and_odd_texts_arrive_as_they_were() {
    // conf: MODEL-10, JSON-01
    for (protocol, format) in FORMATS {
        let collector = Collector::builder().start().await.unwrap();
        let client = speaking(&collector, protocol, format).build().await.unwrap();
        let tracer = client.tracer("t");
        for text in TEXTS {
            let mut span = tracer.start(text);
            span.set_attribute(text, *text).set_attribute("bytes", BYTES);
            span.add_event(text, &[(text, (*text).into())]);
        }
        all_delivered(&client, &collector, TEXTS.len() as u64).await;
        for (received, text) in collector.received().spans().iter().zip(TEXTS) {
            assert_eq!(received.span.name, *text);
            let value = |key: &str| received.attribute(key).unwrap().value.clone().unwrap();
            assert_eq!(value(text), Value::StringValue((*text).to_owned()), "{format:?}");
            assert_eq!(value("bytes"), Value::BytesValue(BYTES.to_vec()), "{format:?}");
            assert_eq!(received.span.events[0].name, *text);
        }
    }
}
