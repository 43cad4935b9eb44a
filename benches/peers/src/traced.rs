//! The work through the macros of `tracing`: the same calls for every layer, so that only the layers differ.

use crate::work::{self, Strings};
use std::ops::Range;
use tracing::{Span, info, info_span};

/// Makes these spans, ten to a trace, and tells `made` how many there were after each trace.
#[inline]
pub fn traces<'s>(items: Range<u64>, strings: impl Fn(u64) -> Strings<'s>, made: impl Fn(u64)) {
    let mut number = items.start;
    while number < items.end {
        let end = items.end.min(number + work::TRACE);
        let root = span(None, strings(number), number);
        for child in number + 1..end {
            drop(span(Some(&root), strings(child), child));
        }
        drop(root);
        made(end - number);
        number = end;
    }
}

/// One span with its fields and its event. The names are those of [`work`], which the macros need as literals.
#[inline]
fn span(parent: Option<&Span>, [method, route, address, role]: Strings<'_>, number: u64) -> Span {
    let span = info_span!(
        parent: parent.and_then(Span::id),
        "GET /api/users/{id}",
        otel.kind = "server",
        http.request.method = method,
        http.response.status_code = 200,
        http.route = route,
        server.address = address,
        user.id = number as i64,
        server.port = 8080,
        cache.hit = true,
        queue.share = 0.25,
    );
    span.in_scope(|| info!(role, "authorized"));
    span
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt};

    #[test]
    fn the_literals_are_the_names_of_the_work() {
        struct Names;
        impl<S: tracing::Subscriber> Layer<S> for Names {
            fn on_new_span(&self, span: &tracing::span::Attributes<'_>, _: &tracing::Id, _: Context<'_, S>) {
                let names: Vec<_> = span.metadata().fields().iter().map(|field| field.name()).collect();
                let expected = [
                    "otel.kind",
                    work::METHOD,
                    work::STATUS,
                    work::ROUTE,
                    work::ADDRESS,
                    work::USER,
                    work::PORT,
                    work::HIT,
                    work::SHARE,
                ];
                assert_eq!((span.metadata().name(), names), (work::NAME, expected.to_vec()));
            }

            fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
                assert!(event.metadata().fields().field(work::ROLE).is_some());
            }
        }
        let made = std::cell::Cell::new(0);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Names), || {
            traces(0..13, work::fixed, |items| made.set(made.get() + items));
        });
        assert_eq!(made.get(), 13);
    }
}
