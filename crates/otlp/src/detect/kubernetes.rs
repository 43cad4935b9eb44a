//! The pod, as its specification tells it through variables (the downward API).

use super::{read, resource, text};
use otlp_model::Resource;

/// `k8s.pod.name`, `k8s.pod.uid`, `k8s.namespace.name`, `k8s.node.name`, `k8s.container.name` and `k8s.deployment.name`, in a pod.
///
/// Read from variables that the pod's specification sets: `K8S_POD_NAME`, `K8S_POD_UID`, `K8S_NAMESPACE_NAME`, `K8S_NODE_NAME`,
/// `K8S_CONTAINER_NAME`, `K8S_DEPLOYMENT_NAME`, and those that the OpenTelemetry Operator sets, `OTEL_RESOURCE_ATTRIBUTES_POD_NAME`,
/// `…_POD_UID` and `…_NODE_NAME`. The namespace is also in the file of the service account.
///
/// ```
/// assert_eq!(otlp::detect::kubernetes().get("k8s.pod.name"), None, "this test runs in no pod");
/// ```
#[must_use]
pub fn kubernetes() -> Resource {
    let namespace = read("/var/run/secrets/kubernetes.io/serviceaccount/namespace");
    in_pod(crate::env::of_process, namespace)
}

fn in_pod(lookup: impl Fn(&str) -> Option<String>, namespace: Option<String>) -> Resource {
    // Every pod has this one.
    if lookup("KUBERNETES_SERVICE_HOST").is_none() {
        return Resource::new();
    }
    let any = |names: &[&str]| names.iter().find_map(|name| lookup(name).and_then(text));
    resource([
        ("k8s.pod.name", any(&["K8S_POD_NAME", "OTEL_RESOURCE_ATTRIBUTES_POD_NAME"])),
        ("k8s.pod.uid", any(&["K8S_POD_UID", "OTEL_RESOURCE_ATTRIBUTES_POD_UID"])),
        (
            "k8s.namespace.name",
            any(&["K8S_NAMESPACE_NAME"]).or_else(|| namespace.and_then(|name| text(name.trim()))),
        ),
        ("k8s.node.name", any(&["K8S_NODE_NAME", "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME"])),
        ("k8s.container.name", any(&["K8S_CONTAINER_NAME"])),
        ("k8s.deployment.name", any(&["K8S_DEPLOYMENT_NAME"])),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::AnyValue;

    #[test]
    fn variables_count_in_a_pod_only() {
        // conf: RES-11, RES-12
        let set = |names: &'static [&'static str]| {
            move |name: &str| names.contains(&name).then(|| name.to_ascii_lowercase())
        };
        let pod = set(&["KUBERNETES_SERVICE_HOST", "K8S_POD_NAME", "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME"]);
        let found = in_pod(pod, Some("shop\n".to_owned()));
        assert_eq!(found.get("k8s.pod.name"), Some(&AnyValue::from("k8s_pod_name")));
        assert_eq!(found.get("k8s.node.name"), Some(&AnyValue::from("otel_resource_attributes_node_name")));
        assert_eq!(found.get("k8s.namespace.name"), Some(&AnyValue::from("shop")));
        assert_eq!(found.attributes.len(), 3);
        assert!(found.schema_url.starts_with("https://opentelemetry.io/schemas/"));
        let elsewhere = in_pod(set(&["K8S_POD_NAME"]), Some("shop".to_owned()));
        assert_eq!(elsewhere, Resource::new(), "nothing, and of no schema");
    }
}
