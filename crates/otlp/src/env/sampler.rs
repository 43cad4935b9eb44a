//! The variables of the sampler.

use super::text::Reader;
use crate::settings::{Given, SamplerSpec};

/// The argument counts only beside a sampler that takes one; one that is no good is 1 (ENV-14).
pub(super) fn sampler(reader: &mut Reader<'_>) -> Option<Given<SamplerSpec>> {
    let expected = "one of always_on, always_off, traceidratio and these with parentbased_ before";
    let found = reader.word("OTEL_TRACES_SAMPLER", expected, |word| {
        let (parent_based, root) = match word.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (false, word),
        };
        let root = match root {
            "always_on" => SamplerSpec::AlwaysOn,
            "always_off" => SamplerSpec::AlwaysOff,
            "traceidratio" => SamplerSpec::Ratio(1.0),
            _ => return None,
        };
        Some((parent_based, root))
    })?;
    let (parent_based, mut root) = found.value;
    if root == SamplerSpec::Ratio(1.0)
        && let Some(given) = reader.parsed("OTEL_TRACES_SAMPLER_ARG", ratio)
    {
        root = SamplerSpec::Ratio(given.value);
    }
    let value = if parent_based { SamplerSpec::parent_based(root) } else { root };
    Some(Given { value, origin: found.origin })
}

fn ratio(value: &str) -> Result<f64, String> {
    match value.parse() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        _ => Err(format!("{value:?} is not a number from 0 to 1")),
    }
}
