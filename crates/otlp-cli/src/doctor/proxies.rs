//! Which proxy there is on the way to a receiver, and who says so; or why one that is named does not count.
//!
//! Pure. Which variables count the transport alone knows, as it does for an application.

use super::finding::{Diagnosis, Finding};
use super::settings::{Given, Setting};
use crate::exit::Trouble;
use crate::section::Section;
use otlp_transport::{Endpoint, NoProxy, ProxyLayer, ProxyVariableError, Target};
use std::cell::RefCell;

const NAME: &str = "proxy";

/// What there is on the way: the proxy, and what there is to say of it; or that the variable that counts is none.
pub(super) type Way = Result<(Option<ProxyLayer>, Option<Setting>), Finding>;

/// The proxy to `endpoint`, and what there is to say of it; nothing if nobody names one.
pub(super) fn proxy(
    given: &Given<'_>,
    endpoint: &Endpoint,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Way, Trouble> {
    let named = given.receiver.named_proxy()?;
    let Target::Tcp { host, port } = endpoint.target() else { return Ok(Ok((None, None))) };
    Ok(match named {
        Some(proxy) => {
            let setting = Setting::new(NAME, proxy.url(), "--proxy");
            Ok((Some(proxy), Some(setting)))
        }
        None if given.receiver.no_proxy => Ok((None, Some(Setting::new(NAME, "none", "--no-proxy")))),
        None => of_environment(endpoint, (host, *port), lookup).map_err(|error| unusable(&error)),
    })
}

/// What the variable that counts says is no address of a proxy. Its text is not shown: it may have a password.
fn unusable(error: &ProxyVariableError) -> Finding {
    let diagnosis = Diagnosis::new(
        "a client that is configured so is not made: a proxy that somebody demands is not gone around",
        "correct the variable, as http://proxy:port (neither TLS to the proxy nor SOCKS is supported), or unset it; to go \
         without, NO_PROXY or --no-proxy",
        Section::Proxy,
    );
    Finding::failed("config", error.to_string(), diagnosis)
}

fn of_environment(
    endpoint: &Endpoint,
    (host, port): (&str, u16),
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<(Option<ProxyLayer>, Option<Setting>), ProxyVariableError> {
    // It asks for no more once it has found one.
    let heard = RefCell::new(Vec::new());
    let listening = |name: &str| {
        let value = lookup(name).filter(|value| !value.trim().is_empty());
        heard.borrow_mut().extend(value.clone().map(|value| (name.to_owned(), value)));
        value
    };
    let proxy = ProxyLayer::from_env(endpoint, listening)?;
    let is_proxy = |name: &str| name.to_ascii_uppercase().ends_with("_PROXY");
    let (lists, proxies): (Vec<_>, Vec<_>) = heard
        .into_inner()
        .into_iter()
        .filter(|(name, _)| is_proxy(name))
        .partition(|(name, _)| name.eq_ignore_ascii_case("NO_PROXY"));
    let Some((variable, _)) = proxies.first() else { return Ok((proxy, None)) };
    let setting = match &proxy {
        Some(proxy) => Setting::new(NAME, proxy.url(), variable),
        None => {
            let member = lists.first().and_then(|(name, list)| {
                let member = list.split(',').find(|member| NoProxy::parse(member).matches(host, port))?;
                Some(format!("{} in {name}", member.trim()))
            });
            let because = member.unwrap_or_else(|| format!("{host} is this machine"));
            Setting::new(NAME, format!("none, {variable} does not count"), because)
        }
    };
    Ok((proxy, Some(setting)))
}
