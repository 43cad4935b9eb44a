//! Rotation: files that change under a layer in use.

use super::options::Files;
use super::*;

/// A client with all it has in files, at a server that shows and wants what it is told to.
struct Rotation {
    files: Files,
    tls: TlsLayer,
    collector: Collector,
}

impl Rotation {
    async fn new(name: &str, ca: &TestCa, client: &Identity) -> Self {
        let files = Files::new(name);
        let pem = files.write("ca.pem", ca.cert_pem());
        let cert = files.write("client.pem", client.cert_pem());
        let key = files.write("client.key", client.key_pem());
        let tls = TlsLayer::builder(Alpn::H2).ca(pem).identity(cert, key).build().unwrap();
        let collector = collector(mutual(ca, ca)).await;
        Self { files, tls, collector }
    }

    /// A new connection.
    async fn call(&self) -> Result<ExportResponse, BoxError> {
        grpc(&self.collector.grpc_endpoint(), &self.tls).oneshot(request()).await
    }

    fn problem(&self) -> String {
        self.tls.status().problem.expect("a problem").to_string()
    }

    fn good(&self, reloads: u64) {
        let status = self.tls.status();
        assert_eq!((status.reloads, status.problem), (reloads, None));
    }
}

/// A server with a certificate from `ca` that takes clients of `clients`.
fn mutual(ca: &TestCa, clients: &TestCa) -> ServerTls {
    ServerTls::mutual(&ca.server(&NAMES).unwrap(), clients).unwrap()
}

#[tokio::test]
async fn certificate_and_key_may_change_in_either_order() {
    // conf: TLS-02, TLS-03
    let ca = ca();
    let old = ca.client("old").unwrap();
    let rotation = Rotation::new("orders", &ca, &old).await;
    rotation.call().await.unwrap();
    rotation.good(0);
    // Servers that take the old client, and those that take the new one only.
    for (round, order) in [(1, ["client.pem", "client.key"]), (2, ["client.key", "client.pem"])] {
        let next = TestCa::new("next").unwrap();
        let client = next.client("new").unwrap();
        for (step, name) in order.into_iter().enumerate() {
            let content = if name == "client.pem" { client.cert_pem() } else { client.key_pem() };
            rotation.files.write(name, content);
            if step == 0 {
                rotation.call().await.expect("half of a rotation changes nothing");
                assert!(rotation.problem().contains("the key does not match the certificate"));
            }
        }
        rotation.collector.set_tls(Some(mutual(&ca, &next)));
        rotation.call().await.expect("the new pair");
        rotation.good(round);
    }
}

#[tokio::test]
async fn a_new_authority_is_trusted_from_the_next_connection_on() {
    // conf: TLS-08
    let (old, next) = (ca(), ca());
    let client = old.client("shop").unwrap();
    let rotation = Rotation::new("authority", &old, &client).await;
    rotation.call().await.unwrap();
    rotation.collector.set_tls(Some(mutual(&next, &old)));
    assert!(told(rotation.call().await).1.contains("certificate verification failed"));
    // Both in one file, as while a rotation is under way; then the new one alone.
    rotation.files.write("ca.pem", format!("{}{}", old.cert_pem(), next.cert_pem()));
    rotation.call().await.unwrap();
    rotation.files.write("ca.pem", next.cert_pem());
    rotation.call().await.unwrap();
    rotation.good(2);
    rotation.collector.set_tls(Some(mutual(&old, &old)));
    assert!(told(rotation.call().await).1.contains("certificate verification failed"), "the old one is gone");
}

#[tokio::test]
async fn bad_new_files_keep_the_old_ones_in_use_and_are_told() {
    // conf: TLS-11
    let ca = ca();
    let client = ca.client("shop").unwrap();
    let rotation = Rotation::new("bad", &ca, &client).await;
    for (name, content, problem) in [
        ("ca.pem", "", "ca.pem: it is empty"),
        ("ca.pem", &ca.cert_pem()[..200], "ca.pem: its PEM is damaged"),
        ("ca.pem", ca.cert_pem(), ""),
        ("client.pem", "garbage", "client.pem: it is not PEM"),
        ("client.pem", client.cert_pem(), ""),
        ("client.key", &client.key_pem()[..60], "client.key: its PEM is damaged"),
        ("client.key", client.key_pem(), ""),
    ] {
        rotation.files.write(name, content);
        rotation.call().await.expect("the files from before");
        if problem.is_empty() {
            rotation.good(0);
        } else {
            assert!(rotation.problem().contains(problem), "{}", rotation.problem());
        }
    }
    std::fs::remove_file(rotation.files.path("ca.pem")).unwrap();
    rotation.call().await.expect("a file that is gone changes nothing");
    assert!(rotation.problem().contains("there is no such file"));
    // Once the old ones are no longer good enough, the error tells of the new ones.
    rotation.collector.set_tls(Some(mutual(&TestCa::new("next").unwrap(), &ca)));
    let (_, text) = told(rotation.call().await);
    assert!(text.contains("certificate verification failed"), "{text}");
    assert!(text.contains("(the files from before were used, as the new ones are no good: ca: "), "{text}");
    assert!(text.ends_with("ca.pem: there is no such file)"), "{text}");
}
