//! 常见问题, Q1: no connection to the collector.

use super::stage::{Outcome, collector, scene_at};
use otlp::Client;
use otlp_testkit::FaultProxy;
use std::time::Duration;

/// The crate as the snippet names it.
mod otlp_of_the_snippet {
    pub(super) mod core {
        pub(crate) use crate::guide::stage::EnhancedOtlpClient;
    }
}

/// The guide: 验证.
#[rustfmt::skip]
async fn verify() -> Outcome<Client> {
    use otlp_of_the_snippet as otlp;
    use otlp::core::EnhancedOtlpClient;

    let client = EnhancedOtlpClient::builder()
        .with_endpoint("http://localhost:4317")
        .with_connect_timeout(Duration::from_secs(5))
        .build()
        .await?;

    // 测试连接
    match client.health_check().await {
        Ok(_) => println!("✅ 连接成功"),
        Err(e) => println!("❌ 连接失败: {}", e),
    }
    Ok(client)
}

#[tokio::test]
async fn the_check_tells_a_collector_from_none() {
    // conf: SURV-23
    let collector = collector();
    verify().await.unwrap().health_check().await.unwrap();

    let proxy = FaultProxy::to(collector.grpc_endpoint()).start().await.unwrap();
    proxy.refuse().await.unwrap();
    scene_at(proxy.endpoint());
    let error = verify().await.expect("building connects nothing").health_check().await.unwrap_err();
    assert!(error.is_connect());
    let text = error.to_string();
    assert!(text.starts_with("failed to connect to http://localhost:4317: connection refused"), "{text}");
    assert!(text.ends_with("(see docs/troubleshooting.md#connect)"), "{text}");
}
