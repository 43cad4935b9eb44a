//! TLS without the facade: a gRPC terminal over a `TlsLayer`, and a certificate that is rotated under it.
//!
//! `cargo run -p otlp-transport --example tls` runs a collector of its own, with an authority made for the occasion.

use bytes::Bytes;
use otlp_model::{ExportRequest, Signal};
use otlp_testkit::{Collector, ServerTls, TestCa};
use otlp_transport::{Alpn, BoxError, Connector, Grpc, Pem, TlsLayer};
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let ca = TestCa::new("the first authority")?;
    let tls = ServerTls::new(&ca.server(&["localhost", "127.0.0.1"])?)?;
    let collector = Collector::builder().grpc().tls(tls).start().await?;
    let ca_file = std::env::temp_dir().join(format!("otlp-example-ca-{}.pem", std::process::id()));
    std::fs::write(&ca_file, ca.cert_pem())?;

    let tls = TlsLayer::builder(Alpn::H2).ca(Pem::file(&ca_file)).build()?;
    let connector = ServiceBuilder::new()
        // Outermost: what dials, and what stands between, sees encrypted bytes only.
        .layer(tls.clone())
        // A proxy, or a layer of yours, would stand here.
        .service(Connector::new());
    let call = || {
        let grpc = Grpc::with_connector(collector.grpc_endpoint().parse()?, connector.clone());
        Ok::<_, BoxError>(grpc.oneshot(ExportRequest::new(Signal::Traces, 0, Bytes::new())))
    };
    call()?.await?;
    println!("delivered to {}", collector.grpc_endpoint());

    // The server moves on to another authority, and the file does not know it yet.
    let next = TestCa::new("the second authority")?;
    collector.set_tls(Some(ServerTls::new(&next.server(&["127.0.0.1"])?)?));
    match call()?.await {
        Ok(_) => return Err("a stranger was trusted".into()),
        Err(error) => println!("{error}"),
    }
    std::fs::write(&ca_file, next.cert_pem())?;
    call()?.await?;
    println!("delivered once more; files taken into use again: {}", tls.status().reloads);
    std::fs::remove_file(&ca_file)?;
    Ok(())
}
