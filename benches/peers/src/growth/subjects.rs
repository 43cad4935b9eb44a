//! The curves of a client that is well: threads, attributes, their values, batches, scopes.

use super::curve::{Curve, Law, Measure};
use super::work::{Size, client, cost};
use otlp::BatchConfig;
use otlp_benches::{Shape, make};

pub(super) fn all(size: Size) -> Vec<Curve> {
    vec![threads(size), attributes(size), values(size), batch(size), scopes(size)]
}

fn curve<const N: usize>(
    (name, x_name, law): (&'static str, &'static str, Law),
    xs: [u64; N],
    point: impl Fn(u64) -> Measure,
) -> Curve {
    Curve { name, x_name, unit: "ns per span", law, at: xs.map(|x| (x as f64, point(x))).into() }
}

/// All of them together make so many spans that the queue never fills: waiting for room is not what is measured.
fn threads(Size { spans, .. }: Size) -> Curve {
    curve(("threads", "producing threads", Law::Constant), [1, 2, 4, 8], |threads| {
        Box::new(move || {
            let client = client(|builder| builder)?;
            let tracer = client.tracer("growth");
            cost(&client, threads, spans / threads, |_, number| make(&tracer, Shape::Full, number as i64))
        })
    })
}

fn attributes(Size { spans, .. }: Size) -> Curve {
    curve(("attributes", "attributes", Law::Linear), [0, 1, 2, 4, 8, 16, 32, 64], |count| {
        Box::new(move || {
            let keys: Vec<String> = (0..count).map(|number| format!("app.attribute.{number:02}")).collect();
            let client = client(|builder| builder)?;
            let tracer = client.tracer("growth");
            cost(&client, 1, spans / (1 + count / 8), |_, _| {
                let mut span = tracer.start("GET /api/users/{id}");
                for key in &keys {
                    span.set_attribute(key, "a value");
                }
                span.end();
            })
        })
    })
}

fn values(Size { spans, .. }: Size) -> Curve {
    curve(("values", "bytes of an attribute's value", Law::Linear), [10, 100, 1_000, 10_000], |bytes| {
        Box::new(move || {
            let value = "v".repeat(bytes as usize);
            let client = client(|builder| builder)?;
            let tracer = client.tracer("growth");
            cost(&client, 1, spans / (1 + bytes / 500), |_, _| {
                tracer.start("GET /api/users/{id}").set_attribute("payload", &value).end();
            })
        })
    })
}

fn batch(Size { spans, .. }: Size) -> Curve {
    curve(("batch", "spans of a batch", Law::Constant), [1, 8, 64, 512, 4_096, 8_192], |items| {
        Box::new(move || {
            let config = BatchConfig { max_batch_size: items as usize, ..BatchConfig::default() };
            let client = client(|builder| builder.with_batch_config(config))?;
            let tracer = client.tracer("growth");
            let spans = if items < 64 { spans / 4 } else { spans };
            cost(&client, 1, spans, |_, number| make(&tracer, Shape::Full, number as i64))
        })
    })
}

/// Neighbours are always of different scopes, which is the worst order.
fn scopes(Size { spans, .. }: Size) -> Curve {
    curve(("scopes", "scopes in turn", Law::Linear), [1, 2, 5, 10, 20, 50, 100], |count| {
        Box::new(move || {
            let client = client(|builder| builder)?;
            let tracers: Vec<_> = (0..count).map(|scope| client.tracer(format!("scope {scope}"))).collect();
            cost(&client, 1, spans, |_, number| {
                make(&tracers[number as usize % tracers.len()], Shape::Full, number as i64);
            })
        })
    })
}
