//! Makes spans and nothing else: something to run under a profiler or an instruction counter.
//!
//! ```text
//! cargo build --release -p otlp-benches --example spans
//! perf stat -e instructions:u target/release/examples/spans client full 1000000
//! valgrind --tool=callgrind target/release/examples/spans floor full 100000
//! ```

use otlp::AlwaysOffSampler;
use otlp_benches::{Floor, Shape, client, client_with, make};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, shape, count] = &arguments[..] else {
        return Err("usage: spans client|unsampled|floor bare|two|full|keyed COUNT".into());
    };
    let shape = match shape.as_str() {
        "bare" => Shape::Bare,
        "two" => Shape::Two,
        "keyed" => Shape::Keyed,
        _ => Shape::Full,
    };
    let count: i64 = count.parse()?;
    if what == "floor" {
        let mut floor = Floor::new();
        let bytes: usize = (0..count).map(|number| floor.make(shape, number)).sum();
        println!("{bytes} bytes");
    } else {
        let client = match what.as_str() {
            "unsampled" => client_with(|builder| builder.with_sampler(AlwaysOffSampler))?,
            _ => client()?,
        };
        let tracer = client.tracer("spans");
        (0..count).for_each(|number| make(&tracer, shape, number));
        println!("{}", client.shutdown_blocking(std::time::Duration::from_secs(60))?);
    }
    Ok(())
}
