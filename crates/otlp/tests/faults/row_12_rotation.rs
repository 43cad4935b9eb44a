//! Row 12: certificate, key and CA change on disk, under load. What is new is in use from the next connection on, in whichever
//! order the files were written; while it is no good, the old one stays in use, and nothing is lost.

use crate::support::{PATIENCE, batch_soon, books, builder, claim, endpoint, offer, retry_soon};
use otlp::{Client, Protocol, TlsConfig};
use otlp_testkit::{Collector, Identity, Ledger, ServerTls, TestCa};
use std::fs;
use std::path::PathBuf;

/// The files of one client.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("otlp-row-12-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A client, its collector, and the spans made so far.
struct Load {
    client: Client,
    collector: Collector,
    ledger: Ledger,
    made: u64,
}

impl Load {
    fn make(&mut self) {
        offer(50, &self.client.tracer("t"), &mut self.ledger);
        self.made += 50;
    }

    /// Spans before, during and after the loss of all connections; the next one is made with what is in force then.
    async fn reconnect(&mut self, tls: Option<ServerTls>) {
        self.make();
        if tls.is_some() {
            self.collector.set_tls(tls);
        }
        self.collector.restart().await.unwrap();
        self.make();
        let report = self.client.flush().await.expect("delivered over a new connection");
        assert_eq!(report.delivered(), self.made, "{report}");
    }

    fn problem(&self) -> String {
        self.client.tls_status().unwrap().problem.expect("a problem with the files").to_string()
    }

    fn reloads(&self) -> u64 {
        let status = self.client.tls_status().unwrap();
        assert_eq!(status.problem, None);
        status.reloads
    }
}

/// A collector that shows a certificate of `ca` and takes clients of `clients` alone.
fn mutual(ca: &TestCa, clients: &TestCa) -> ServerTls {
    ServerTls::mutual(&ca.server(&["127.0.0.1"]).unwrap(), clients).unwrap()
}

async fn rotate(protocol: Protocol, order: [&str; 2]) {
    let (ca, clients) = (TestCa::new("servers").unwrap(), TestCa::new("clients").unwrap());
    let old = clients.client("shop").unwrap();
    let files = Files::new(&format!("{protocol:?}-{}", order[0]));
    let config = TlsConfig {
        enabled: true,
        cert_file: files.write("client.pem", old.cert_pem()),
        key_file: files.write("client.key", old.key_pem()),
        ca_file: files.write("ca.pem", ca.cert_pem()),
        verify_server: true,
    };
    let collector = Collector::builder().tls(mutual(&ca, &clients)).start().await.unwrap();
    let client = builder(endpoint(&collector, protocol))
        .with_protocol(protocol)
        .with_tls_config(config)
        .with_batch_config(batch_soon())
        .with_retry_config(retry_soon())
        .build()
        .await
        .unwrap();
    let mut load = Load { client, collector, ledger: Ledger::new(), made: 0 };
    load.reconnect(None).await;
    assert_eq!(load.reloads(), 0);

    // The client's pair, from another authority, one file after the other.
    let next = TestCa::new("the next clients").unwrap();
    let new = next.client("shop").unwrap();
    let content = |identity: &Identity, name: &str| match name {
        "client.pem" => identity.cert_pem().to_owned(),
        _ => identity.key_pem().to_owned(),
    };
    files.write(order[0], &content(&new, order[0]));
    load.reconnect(None).await;
    assert!(load.problem().contains("the key does not match the certificate"), "{}", load.problem());
    files.write(order[1], &content(&new, order[1]));
    load.reconnect(Some(mutual(&ca, &next))).await;
    assert_eq!(load.reloads(), 1);

    // The authority of servers: a file cut short first, then both, then the new one alone.
    let successor = TestCa::new("the next servers").unwrap();
    files.write("ca.pem", &successor.cert_pem()[..100]);
    load.reconnect(None).await;
    assert!(
        load.problem().contains("an END line is missing; is it still being written?"),
        "{}",
        load.problem()
    );
    files.write("ca.pem", &format!("{}{}", ca.cert_pem(), successor.cert_pem()));
    load.reconnect(Some(mutual(&successor, &next))).await;
    files.write("ca.pem", successor.cert_pem());
    load.reconnect(None).await;
    assert_eq!(load.reloads(), 3);

    let report = books(Ok(load.client.shutdown(PATIENCE).await.unwrap()));
    assert_eq!(report.delivered(), load.made, "{report}");
    let balance = load.ledger.check(claim(&report), &load.collector.received()).unwrap();
    assert_eq!(balance.received, load.made);
}

#[tokio::test]
async fn over_grpc_files_change_in_either_order_and_nothing_is_lost() {
    // conf: TLS-02, TLS-03, TLS-08, TLS-11
    rotate(Protocol::Grpc, ["client.pem", "client.key"]).await;
    rotate(Protocol::Grpc, ["client.key", "client.pem"]).await;
}

#[tokio::test]
async fn over_http_files_change_in_either_order_and_nothing_is_lost() {
    // conf: TLS-02, TLS-03, TLS-08, TLS-11
    rotate(Protocol::Http, ["client.pem", "client.key"]).await;
    rotate(Protocol::Http, ["client.key", "client.pem"]).await;
}
