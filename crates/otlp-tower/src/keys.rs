//! The names of attributes, as the semantic conventions for HTTP and RPC give them (1.45, both stable), prepared for the
//! wire. Used by whoever sets attributes here; keys that depend on configuration, those of headers, are not among them.

use otlp::Key;

/// What the attributes follow; claimed by the scope of the default tracer.
pub(crate) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.45.0";

macro_rules! keys {
    ($($name:ident = $text:literal;)*) => {$(
        pub(crate) static $name: Key = Key::new($text);
    )*};
}

keys! {
    CLIENT_ADDRESS = "client.address";
    ERROR_TYPE = "error.type";
    HTTP_REQUEST_METHOD = "http.request.method";
    HTTP_REQUEST_METHOD_ORIGINAL = "http.request.method_original";
    HTTP_REQUEST_RESEND_COUNT = "http.request.resend_count";
    HTTP_RESPONSE_STATUS_CODE = "http.response.status_code";
    HTTP_ROUTE = "http.route";
    NETWORK_PEER_ADDRESS = "network.peer.address";
    NETWORK_PEER_PORT = "network.peer.port";
    NETWORK_PROTOCOL_VERSION = "network.protocol.version";
    RPC_METHOD = "rpc.method";
    RPC_METHOD_ORIGINAL = "rpc.method_original";
    RPC_STATUS_CODE = "rpc.status_code";
    RPC_SYSTEM_NAME = "rpc.system.name";
    SERVER_ADDRESS = "server.address";
    SERVER_PORT = "server.port";
    URL_FULL = "url.full";
    URL_PATH = "url.path";
    URL_QUERY = "url.query";
    URL_SCHEME = "url.scheme";
    URL_TEMPLATE = "url.template";
    USER_AGENT_ORIGINAL = "user_agent.original";
}
