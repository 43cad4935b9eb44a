//! 调试技巧, 性能分析: a benchmark. In a process of its own, since criterion reads the arguments of the whole one; without
//! `--bench` it runs everything once, for a test.

use super::child::{self, Program};
use super::stage::{EnhancedOtlpClient, Outcome, scene_at};
use otlp::Client;
use otlp_testkit::Collector;

async fn create_client() -> Outcome<Client> {
    scene_at(child::endpoint().unwrap());
    Ok(EnhancedOtlpClient::builder().build().await?)
}

#[rustfmt::skip]
mod snippet {
use super::create_client;

// 使用 criterion 进行基准测试
use criterion::{black_box, criterion_group, criterion_main, Criterion};

fn benchmark_span_creation(c: &mut Criterion) {
    let rt = tokio::runtime::Runtime::new().unwrap();
    let client = rt.block_on(async {
        create_client().await.unwrap()
    });

    c.bench_function("span_creation", |b| {
        b.to_async(&rt).iter(|| async {
            let tracer = client.tracer("bench");
            let mut span = tracer.start("operation");
            span.set_attribute("test", "value");
            span.end();
        });
    });
}

criterion_group!(benches, benchmark_span_creation);
criterion_main!(benches);

pub(super) fn run() {
    main();
}
}

#[test]
fn span_creation() {
    if child::endpoint().is_some() {
        return snippet::run();
    }
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let command = child::command("span_creation", &collector.grpc_endpoint());
    let (status, output, complaints) = Program::start(command).end();
    assert!(status.success() && output.contains("Testing span_creation"), "{status} {output} {complaints}");
    let received = collector.received();
    assert_eq!(received.spans()[0].span.name, "operation");
    assert!(received.items() > 0);
}
