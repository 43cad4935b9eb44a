//! The default resource: what a client says of its process when nobody told it more.

use otlp_model::Resource;

/// `service.name` = `unknown_service:<executable>` and the `telemetry.sdk.*` attributes (conformance RES-01 to RES-03).
///
/// Start from it to add attributes instead of replacing them:
///
/// ```
/// let resource = otlp::default_resource().with("deployment.environment.name", "production");
/// let builder = otlp::Client::builder().with_resource(resource).with_service_name("checkout");
/// ```
#[must_use]
pub fn default_resource() -> Resource {
    Resource::new()
        .with("service.name", unknown_service())
        .with("telemetry.sdk.language", "rust")
        .with("telemetry.sdk.name", "otlp")
        .with("telemetry.sdk.version", env!("CARGO_PKG_VERSION"))
}

fn unknown_service() -> String {
    let executable = std::env::current_exe().ok();
    match executable.as_deref().and_then(|path| path.file_name()) {
        Some(name) => format!("unknown_service:{}", name.to_string_lossy()),
        None => String::from("unknown_service"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::AnyValue;

    #[test]
    fn it_names_the_executable_and_never_claims_to_be_the_official_sdk() {
        // conf: RES-01, RES-02, RES-03
        let resource = default_resource();
        let Some(AnyValue::String(name)) = resource.get("service.name") else { panic!("no service.name") };
        assert!(name.starts_with("unknown_service:otlp"), "{name}");
        assert_eq!(resource.get("telemetry.sdk.language"), Some(&AnyValue::from("rust")));
        assert_eq!(resource.get("telemetry.sdk.name"), Some(&AnyValue::from("otlp")));
    }
}
