//! 连接问题, 连接池耗尽: no connection left in the pool.

use super::stage::{EnhancedOtlpClient, Outcome, at, scene, until};
use otlp::{BatchConfig, Client, Concurrency, ConnectionPoolConfig, Protocol};
use otlp_testkit::{Collector, Reply};
use std::time::Duration;

/// The client, and what the snippet printed of its pool: active, idle, waiting.
#[rustfmt::skip]
async fn larger() -> Outcome<(Client, [usize; 3])> {
    // 增加连接池大小
    let client = EnhancedOtlpClient::builder()
        .with_endpoint("http://localhost:4317")
        .with_connection_pool_config(ConnectionPoolConfig {
            max_connections: 200,      // 增加最大连接数
            min_connections: 20,        // 增加最小连接数
            connection_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(300),
            keep_alive: true,
        })
        .build()
        .await?;

    // 监控连接池状态
    let pool_stats = client.get_connection_pool_stats().await?;
    println!("活跃连接: {}", pool_stats.active_connections);
    println!("空闲连接: {}", pool_stats.idle_connections);
    println!("等待连接: {}", pool_stats.waiting_connections);
    let printed = [pool_stats.active_connections, pool_stats.idle_connections, pool_stats.waiting_connections];
    Ok((client, printed.map(|number| usize::try_from(number).unwrap())))
}

#[tokio::test]
async fn the_pool_grows_from_its_minimum_to_its_maximum_and_says_how_it_is() {
    // conf: CONC-02, HTTP-07
    let collector = Collector::builder().http().start_blocking().unwrap();
    let endpoint = collector.http_endpoint();
    // Over HTTP a request has its connection to itself; one span per request, and more of them than connections.
    scene(move |builder| {
        at(builder, &endpoint)
            .with_protocol(Protocol::Http)
            .with_batch_config(BatchConfig { max_batch_size: 1, ..BatchConfig::default() })
            .with_max_in_flight(250)
            .with_concurrency(Concurrency::Fixed)
    });
    let (client, printed) = larger().await.unwrap();
    assert_eq!((printed[0], printed[2]), (0, 0), "nothing is sent yet");
    let stats = async || client.get_connection_pool_stats().await.unwrap();
    until("20 idle", async || stats().await.idle_connections == 20).await;
    assert_eq!(stats().await.active_connections, 0);

    collector.set_script(Reply::hang());
    let tracer = client.tracer("t");
    (0..250).for_each(|_| tracer.start("s").end());
    until("200 active, 50 waiting", async || {
        let now = stats().await;
        assert!(now.active_connections + now.idle_connections <= 200, "{now:?}");
        now.active_connections == 200 && now.waiting_connections == 50
    })
    .await;
    assert!(collector.connections() <= 200);

    collector.set_script(Reply::ok());
    client.shutdown(Duration::ZERO).await.expect_err("what hangs is lost, and told");
}
