//! In what the two layers differ under the same options: for each, a program of one span, and the lines that only one side has.
//! All other lines are equal. What stands here stands in the README of otlp-tracing, too.

use super::program::{Extension, Failure, failure};
use std::error::Error;
use tracing::field::Empty;
use tracing::{error, info, info_span};

pub(super) struct Difference {
    pub(super) what: &'static str,
    pub(super) program: fn(&dyn Extension),
    pub(super) theirs: &'static [&'static str],
    pub(super) ours: &'static [&'static str],
}

pub(super) const TABLE: &[Difference] = &[
    Difference {
        what: "numbers that are no i64 or f64, and bytes, are texts; here they keep their kind",
        program: |_| {
            info_span!("s", bytes = &b"\x00\xff"[..], i128 = -6_i128, u128 = 5_u128, u64 = 4_u64);
        },
        theirs: &[r#"bytes = "[00 ff]""#, r#"i128 = "-6""#, r#"u128 = "5""#, r#"u64 = "4""#],
        ours: &["bytes = bytes [0, 255]", "i128 = -6", "u128 = 5", "u64 = 4"],
    },
    Difference {
        what: "what is recorded again is there twice; here the last value counts",
        program: |_| {
            info_span!("s", n = 1).record("n", 2);
        },
        theirs: &["n = 1"],
        ours: &[],
    },
    Difference {
        what: "a name counts before the span is entered; here also after",
        program: |_| {
            let span = info_span!("s", otel.name = Empty);
            span.in_scope(|| span.record("otel.name", "renamed"));
        },
        theirs: &["name s"],
        ours: &["name renamed"],
    },
    Difference {
        what: "otel.status_message is an attribute; here it is the description, as it once was",
        program: |_| {
            info_span!("s", otel.status_message = "locked");
        },
        theirs: &[r#"status 0 """#, r#"otel.status_message = "locked""#],
        ours: &[r#"status 2 "locked""#],
    },
    Difference {
        what: "a description is lost to a later error; here it is kept",
        program: |_| {
            let span = info_span!("s", otel.status_description = "locked", otel.status_code = "error");
            span.in_scope(|| error!("broken"));
        },
        theirs: &[r#"status 2 """#],
        ours: &[r#"status 2 "locked""#],
    },
    Difference {
        what: "a status of Ok gives way to an error until the span is entered; here it never does",
        program: |_| {
            let span = info_span!("s", otel.status_code = "ok", otel.status_description = Empty);
            span.record("otel.status_code", "error");
            span.record("otel.status_description", "locked");
        },
        theirs: &[r#"status 2 "locked""#],
        ours: &[r#"status 1 """#],
    },
    Difference {
        what: "a status code that is none takes the status back until the span is entered; here it says nothing",
        program: |_| {
            info_span!("s", otel.status_description = "locked", otel.status_code = "nonsense");
        },
        theirs: &[r#"status 0 """#],
        ours: &[r#"status 2 "locked""#],
    },
    Difference {
        what: "a status of Unset takes another back until the span is entered; here, as specified, never",
        program: |extension| extension.unset_status(&info_span!("s", otel.status_description = "locked")),
        theirs: &[r#"status 0 """#],
        ours: &[r#"status 2 "locked""#],
    },
    Difference {
        what: "a link to nowhere is dropped; here, as specified, only if it has no attributes either",
        program: |extension| extension.link_nowhere(&info_span!("s")),
        theirs: &[],
        ours: &["link []"],
    },
    Difference {
        what: "fields of an event that begin with `log.` are left out; here only those of the bridge are taken apart",
        program: |_| info_span!("s").in_scope(|| info!(log.rotated = true, log.target = "x", "rotated")),
        theirs: &[],
        ours: &["event 0: log.rotated = true", r#"event 0: log.target = "x""#],
    },
    Difference {
        what: "the field `error` of an event with a message is but an attribute; here it is the description, too",
        program: |_| info_span!("s").in_scope(|| error!(error = %failure(), "broken")),
        theirs: &[r#"status 2 """#],
        ours: &[r#"status 2 "no cart""#],
    },
    Difference {
        what: "an error that is a text is shown as by Debug; here as it is",
        program: |_| info_span!("s").in_scope(|| info!(error = "no cart")),
        theirs: &[r#"status 2 "\"no cart\"""#, r#"event 0: exception.message = "\"no cart\"""#],
        ours: &[r#"status 2 "no cart""#, r#"event 0: exception.message = "no cart""#],
    },
    Difference {
        what: "an error of a span is told by attributes; here by an event, with its sources as a text",
        program: |_| {
            info_span!("s", cause = &failure() as &dyn Error);
        },
        theirs: &[r#"exception.message = "no cart""#, r#"exception.stacktrace = ["no network"]"#],
        ours: &[
            "event 0: exception",
            r#"event 0: exception.message = "no cart""#,
            r#"event 0: exception.stacktrace = "no cart\nCaused by: no network""#,
        ],
    },
    Difference {
        what: "an error of an event is told by the span, too, and its sources are a list; here by the event, as a text",
        program: |_| info_span!("s").in_scope(|| info!(cause = &failure() as &dyn Error, "again")),
        theirs: &[
            r#"exception.message = "no cart""#,
            r#"exception.stacktrace = ["no network"]"#,
            r#"event 0: exception.stacktrace = ["no network"]"#,
        ],
        ours: &[r#"event 0: exception.stacktrace = "no cart\nCaused by: no network""#],
    },
    Difference {
        what: "an error without sources has an empty list of them; here none",
        program: |_| {
            info_span!("s", cause = &Failure("alone", None) as &dyn Error);
        },
        theirs: &["cause.chain = []", r#"exception.message = "alone""#, "exception.stacktrace = []"],
        ours: &["event 0: exception", r#"event 0: exception.message = "alone""#],
    },
    Difference {
        what: "an event that is an error and nothing else is called as in the source; here it is an exception",
        program: |_| {
            let span = info_span!("s");
            span.in_scope(|| info!(name: "named", error = &failure() as &dyn Error));
        },
        theirs: &[
            r#"exception.message = "no cart""#,
            r#"exception.stacktrace = ["no network"]"#,
            "event 0: named",
            r#"event 0: exception.stacktrace = ["no network"]"#,
        ],
        ours: &["event 0: exception", r#"event 0: exception.stacktrace = "no cart\nCaused by: no network""#],
    },
    Difference {
        what: "an error as such at level error does not describe the status; here it does, as the text of one does",
        program: |_| {
            let failure = Failure("alone", None);
            info_span!("s").in_scope(|| error!(error = &failure as &dyn Error, "broken"));
        },
        theirs: &[
            r#"status 2 """#,
            r#"exception.message = "alone""#,
            "exception.stacktrace = []",
            "event 0: error.chain = []",
            "event 0: exception.stacktrace = []",
        ],
        ours: &[r#"status 2 "alone""#],
    },
    Difference {
        what: "a message that is a number is the name of its event; here an attribute",
        program: |_| info_span!("s").in_scope(|| info!(name: "named", message = 3)),
        theirs: &["event 0: 3"],
        ours: &["event 0: named", "event 0: message = 3"],
    },
];
