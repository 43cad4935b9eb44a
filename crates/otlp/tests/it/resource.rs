//! Detectors in the whole client: who goes before whom, and that everything carries the outcome.

use crate::support::{PATIENCE, books, builder, grpc};
use otlp::{AnyValue, Client, InstrumentationScope, LogRecord, Origin, Resource, detect};

fn region() -> Resource {
    Resource::new().with("region", "detected").with("zone", "detected").with("rack", "detected")
}

#[test]
fn detectors_yield_to_the_environment_and_that_to_code() {
    // conf: RES-04, RES-06, RES-09
    let variables =
        |name: &str| (name == "OTEL_RESOURCE_ATTRIBUTES").then(|| "zone=env,region=env".to_owned());
    let builder = Client::builder().with_resource(Resource::new().with("region", "code"));
    let config = builder.with_env_from(variables).with_resource_detectors(&[region]).resolve().unwrap();
    let of = |key: &str| {
        let entry = config.get(&format!("resource.{key}")).unwrap();
        (entry.value.clone(), entry.origin.clone())
    };
    assert_eq!(of("region"), ("code".into(), Origin::Code));
    assert_eq!(of("zone"), ("env".into(), Origin::Variable("OTEL_RESOURCE_ATTRIBUTES".into())));
    assert_eq!(of("rack"), ("detected".into(), Origin::Detected));
    assert!(config.get("resource.telemetry.sdk.name").is_none(), "a resource that is set is used as given");
}

#[test]
fn schemas_that_differ_are_told_and_none_is_claimed() {
    // conf: RES-05, RES-12
    let other = Resource { schema_url: "https://example.com/schema".into(), ..Resource::new() };
    let builder = Client::builder().with_resource_detectors(&[detect::os]);
    assert_eq!(builder.resolve().unwrap().warnings(), [""; 0]);
    let config = builder.with_resource(other).resolve().unwrap();
    assert!(config.warnings()[0].contains("schema URL"), "{:?}", config.warnings());
}

#[test]
fn the_command_line_is_told_only_when_asked_for() {
    let standard = Client::builder().with_resource_detectors(&detect::STANDARD).resolve().unwrap();
    assert!(standard.get("resource.process.command_args").is_none());
    let asked = Client::builder().with_resource_detectors(&[detect::command_line]).resolve().unwrap();
    assert!(asked.get("resource.process.command_args").is_some());
}

#[tokio::test]
async fn everything_carries_what_was_detected() {
    // conf: RES-01, RES-10, RES-13
    let collector = grpc().await;
    let client =
        builder(collector.grpc_endpoint()).with_resource_detectors(&detect::STANDARD).build().await.unwrap();
    client.tracer("t").start("s").end();
    client.export_logs(&InstrumentationScope::new("t"), [LogRecord::default()]).unwrap();
    books(client.shutdown(PATIENCE).await);
    let received = collector.received();
    let pid = AnyValue::Int(i64::from(std::process::id()));
    for resource in [received.spans()[0].resource_model(), received.logs()[0].resource_model()] {
        assert_eq!(resource.get("process.pid"), Some(&pid));
        assert_eq!(resource.get("service.name"), Some(&AnyValue::from("test")));
        assert_eq!(resource.get("telemetry.sdk.language"), Some(&AnyValue::from("rust")));
        assert!(resource.get("service.instance.id").is_some());
    }
}
