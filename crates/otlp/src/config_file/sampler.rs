//! The sampler of a configuration file.

use super::node::At;
use crate::settings::SamplerSpec;

pub(super) fn sampler(at: &At<'_>) -> Result<SamplerSpec, String> {
    let (name, options) = at.one()?;
    let ratio = |options: &At<'_>| match options.only(&["ratio"])?.get("ratio")? {
        None => Ok(1.0),
        Some(at) => match at.float()? {
            ratio if (0.0..=1.0).contains(&ratio) => Ok(ratio),
            _ => Err(at.wrong("must be between 0 and 1")),
        },
    };
    match name {
        "always_on" => options.only(&[]).map(|_| SamplerSpec::AlwaysOn),
        "always_off" => options.only(&[]).map(|_| SamplerSpec::AlwaysOff),
        "trace_id_ratio_based" => ratio(&options).map(SamplerSpec::Ratio),
        "probability/development" => ratio(&options).map(SamplerSpec::Probability),
        "parent_based" => parent_based(&options),
        _ => Err(options.wrong("is a sampler that is not supported")),
    }
}

/// With samplers of its own for each kind of parent, or without (CFG-21).
fn parent_based(options: &At<'_>) -> Result<SamplerSpec, String> {
    const KINDS: [&str; 4] = [
        "remote_parent_sampled",
        "remote_parent_not_sampled",
        "local_parent_sampled",
        "local_parent_not_sampled",
    ];
    let [a, b, c, d] = KINDS;
    options.only(&["root", a, b, c, d])?;
    let of = |key, default: SamplerSpec| match options.get(key)? {
        Some(at) => sampler(&at),
        None => Ok(default),
    };
    let root = of("root", SamplerSpec::AlwaysOn)?;
    let by_parent = [
        of(a, SamplerSpec::AlwaysOn)?,
        of(b, SamplerSpec::AlwaysOff)?,
        of(c, SamplerSpec::AlwaysOn)?,
        of(d, SamplerSpec::AlwaysOff)?,
    ];
    if by_parent == SamplerSpec::FOLLOW {
        return Ok(SamplerSpec::parent_based(root));
    }
    Ok(SamplerSpec::ByParent { root: Box::new(root), by_parent: Box::new(by_parent) })
}
