//! Endpoints: what is taken can be connected to and written down again, and no text shows what may be a secret.

use otlp_fuzz::Edited;
use otlp_model::Signal;
use otlp_transport::{Endpoint, Target};

const SEEDS: [&str; 8] = [
    "http://collector.example:4318/base?key=hunter2#part",
    "http://[2001:db8::1]:4317",
    "https://user:hunter2@host/v1",
    "unix:///run/otlp/otlp.sock",
    "unix:otlp.sock",
    "localhost:4317",
    "dns:///collector:4317",
    "HTTP://127.0.0.1",
];

#[test]
fn endpoint() {
    bolero::check!().with_type::<Edited>().for_each(|text| {
        let text = text.text(&SEEDS);
        let endpoint = match text.parse::<Endpoint>() {
            Ok(endpoint) => endpoint,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return;
            }
        };
        match endpoint.target() {
            Target::Tcp { host, port } => assert!(!host.is_empty() && *port > 0, "{text:?}"),
            Target::Unix { path } => assert!(!path.as_os_str().is_empty(), "{text:?}"),
            other => panic!("{other:?} is new: write down here what holds for it"),
        }
        let shown = endpoint.to_string();
        assert!(!endpoint.authority().contains('@'), "credentials are refused: {shown:?}");
        let without_fragment = text.split('#').next().unwrap_or_default();
        if let Some((before, query)) = without_fragment.split_once('?')
            && endpoint.target().unix_path().is_none()
        {
            // A query may say what the path says, too, and end as the sign that one was left out begins; one that does not is in
            // no text.
            let query = query.trim_end_matches('?');
            assert!(
                query.len() < 8 || before.contains(query) || !format!("{shown} {endpoint:?}").contains(query),
                "{shown:?}"
            );
        }
        // Written down and read again it goes to the same place, unless a query was left out.
        if !shown.ends_with("?…") {
            assert_eq!(shown.parse::<Endpoint>().as_ref(), Ok(&endpoint), "{shown:?}");
        }
        for signal in Signal::ALL {
            let path = endpoint.signal_path(signal);
            assert!(path.starts_with('/') && path.bytes().all(|b| b.is_ascii_graphic()), "{path:?}");
        }
    });
}
