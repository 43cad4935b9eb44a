//! 连接问题, TLS/SSL 错误. The files of the snippet do not exist: the builder's stand-in here looks for them in a folder of
//! the test, and one test leaves them where they are not.

use super::stage::{self, all_delivered, scene, scene_at};
use otlp::{Client, ClientBuilder, Error, ErrorKind, TlsConfig};
use otlp_testkit::{Collector, ServerTls, TestCa};
use std::cell::RefCell;
use std::path::{Path, PathBuf};

thread_local! {
    static FOLDER: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
}

struct EnhancedOtlpClient;

impl EnhancedOtlpClient {
    fn builder() -> Builder {
        Builder(stage::EnhancedOtlpClient::builder())
    }
}

struct Builder(ClientBuilder);

impl Builder {
    fn with_endpoint(self, endpoint: &str) -> Self {
        Self(self.0.with_endpoint(endpoint))
    }

    fn with_tls_config(self, mut config: TlsConfig) -> Self {
        FOLDER.with_borrow(|folder| {
            let Some(folder) = folder else { return };
            for file in [&mut config.cert_file, &mut config.key_file, &mut config.ca_file] {
                *file = file.replace("/path/to", &folder.display().to_string());
            }
        });
        Self(self.0.with_tls_config(config))
    }

    async fn build(self) -> Result<Client, Error> {
        self.0.build().await
    }
}

#[rustfmt::skip]
async fn mutual() -> Result<Client, Error> {
    // 1. 配置 TLS
    let client = EnhancedOtlpClient::builder()
        .with_endpoint("https://collector.example.com:4317")
        .with_tls_config(TlsConfig {
            enabled: true,
            cert_file: "/path/to/client.crt".to_string(),
            key_file: "/path/to/client.key".to_string(),
            ca_file: "/path/to/ca.crt".to_string(),
            verify_server: true,
        })
        .build()
        .await?;
    Ok(client)
}

#[rustfmt::skip]
async fn unverified() -> Result<Client, Error> {
    // 2. 禁用证书验证（仅用于开发环境）
    let client = EnhancedOtlpClient::builder()
        .with_endpoint("https://localhost:4317")
        .with_tls_config(TlsConfig {
            enabled: true,
            verify_server: false,  // 禁用验证
            ..Default::default()
        })
        .build()
        .await?;
    Ok(client)
}

fn authority() -> TestCa {
    TestCa::new("authority").unwrap()
}

/// The files of the snippet.
fn folder(ca: &TestCa) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide-tls");
    std::fs::create_dir_all(&folder).unwrap();
    let client = ca.client("shop").unwrap();
    let files =
        [("ca.crt", ca.cert_pem()), ("client.crt", client.cert_pem()), ("client.key", client.key_pem())];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    folder
}

#[tokio::test]
async fn both_sides_show_their_certificates() {
    // conf: TLS-02, TLS-04, TLS-11
    let ca = authority();
    let tls = ServerTls::mutual(&ca.server(&["collector.example.com"]).unwrap(), &ca).unwrap();
    let collector = Collector::builder().grpc().tls(tls).start_blocking().unwrap();
    scene_at(collector.grpc_endpoint());
    FOLDER.set(Some(folder(&ca)));
    let client = mutual().await.unwrap();
    client.tracer("t").start("s").end();
    all_delivered(&client, &collector, 1).await;

    // The symptom of the section: a server of another authority.
    let other = authority().server(&["collector.example.com"]).unwrap();
    collector.set_tls(Some(ServerTls::new(&other).unwrap()));
    let error = mutual().await.unwrap().health_check().await.unwrap_err();
    assert!(error.is_connect() && error.to_string().contains("certificate verification failed"), "{error}");
}

#[tokio::test]
async fn files_that_do_not_exist_are_named() {
    // conf: TLS-11
    let error = {
        scene(|builder| builder);
        mutual().await.expect_err("there are no such files")
    };
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(
        error.to_string().starts_with("with_tls_config: ca_file: /path/to/ca.crt: there is no such file"),
        "{error}"
    );
}

#[tokio::test]
async fn without_verification_any_certificate_will_do() {
    // conf: TLS-09
    let identity = authority().expired_server(&["elsewhere"]).unwrap();
    let tls = ServerTls::new(&identity).unwrap();
    let collector = Collector::builder().grpc().tls(tls).start_blocking().unwrap();
    scene_at(collector.grpc_endpoint());
    let client = unverified().await.unwrap();
    client.tracer("t").start("s").end();
    all_delivered(&client, &collector, 1).await;
}
