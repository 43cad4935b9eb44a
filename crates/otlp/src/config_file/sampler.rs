//! The sampler of a configuration file: those that the schema has a form for, but for the one that asks a remote service.

use super::node::{At, Node};
use super::patterns;
use crate::settings::{ComposableSpec, RuleSpec, SamplerSpec, SpanParent};
use otlp_model::SpanKind;

const SAMPLERS: [&str; 7] = [
    "always_on",
    "always_off",
    "always_record",
    "trace_id_ratio_based",
    "parent_based",
    "probability/development",
    "composite/development",
];

pub(super) fn sampler(at: &At<'_>) -> Result<SamplerSpec, String> {
    let named = at.component("a sampler", &SAMPLERS);
    let (name, options) =
        named.map_err(|problem| format!("{problem}; set others in code, with `with_sampler`"))?;
    match name {
        "always_off" => options.only(&[]).map(|_| SamplerSpec::AlwaysOff),
        "always_record" => {
            let root = sampler(&options.only(&["root"])?.need("root")?)?;
            Ok(SamplerSpec::AlwaysRecord(Box::new(root)))
        }
        "trace_id_ratio_based" => ratio(&options).map(SamplerSpec::Ratio),
        "parent_based" => parent_based(&options),
        "probability/development" => ratio(&options).map(SamplerSpec::Probability),
        "composite/development" => composable(&options).map(SamplerSpec::Composite),
        _ => options.only(&[]).map(|_| SamplerSpec::AlwaysOn),
    }
}

fn ratio(options: &At<'_>) -> Result<f64, String> {
    let Some(at) = options.only(&["ratio"])?.get("ratio")? else { return Ok(1.0) };
    match at.float()? {
        ratio if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        _ => Err(at.wrong("must be between 0 and 1")),
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

/// The samplers of which a composite one is made (SAMP-24, SAMP-25).
fn composable(at: &At<'_>) -> Result<ComposableSpec, String> {
    const COMPOSABLE: [&str; 5] =
        ["always_on", "always_off", "probability", "parent_threshold", "rule_based"];
    let named = at.component("a composable sampler", &COMPOSABLE);
    let (name, options) =
        named.map_err(|problem| format!("{problem}; set others in code, with `with_sampler`"))?;
    match name {
        "always_off" => options.only(&[]).map(|_| ComposableSpec::AlwaysOff),
        "probability" => ratio(&options).map(ComposableSpec::Probability),
        "parent_threshold" => {
            let root = composable(&options.only(&["root"])?.need("root")?)?;
            Ok(ComposableSpec::ParentThreshold(Box::new(root)))
        }
        "rule_based" => {
            let rules = options.only(&["rules"])?.get("rules")?;
            let rules = rules.map(|at| at.filled_list()).transpose()?.unwrap_or_default();
            rules.iter().map(rule).collect::<Result<_, _>>().map(ComposableSpec::RuleBased)
        }
        _ => options.only(&[]).map(|_| ComposableSpec::AlwaysOn),
    }
}

fn rule(at: &At<'_>) -> Result<RuleSpec, String> {
    at.only(&["attribute_values", "attribute_patterns", "span_kinds", "parent", "sampler"])?;
    let values = match at.get("attribute_values")? {
        Some(at) => {
            at.only(&["key", "values"])?;
            Some((at.need("key")?.text()?, at.need("values")?.texts()?))
        }
        None => None,
    };
    let patterns = match at.get("attribute_patterns")? {
        Some(at) => {
            at.only(&["key", patterns::INCLUDED, patterns::EXCLUDED])?;
            Some((at.need("key")?.text()?, patterns::patterns(&at)?))
        }
        None => None,
    };
    Ok(RuleSpec {
        values,
        patterns,
        kinds: words(at, "span_kinds", &KINDS)?,
        parents: words(at, "parent", &PARENTS)?,
        sampler: composable(&at.need("sampler")?)?,
    })
}

const KINDS: [(&str, SpanKind); 5] = [
    ("internal", SpanKind::Internal),
    ("server", SpanKind::Server),
    ("client", SpanKind::Client),
    ("producer", SpanKind::Producer),
    ("consumer", SpanKind::Consumer),
];

const PARENTS: [(&str, SpanParent); 3] =
    [("none", SpanParent::None), ("remote", SpanParent::Remote), ("local", SpanParent::Local)];

/// What the words of a list stand for; none if there is no list.
fn words<T: Copy>(at: &At<'_>, key: &str, known: &[(&str, T)]) -> Result<Vec<T>, String> {
    let list = at.get(key)?.map(|at| at.filled_list()).transpose()?.unwrap_or_default();
    let word = |at: &At<'_>| {
        let found = match at.node() {
            Node::Text(text) => known.iter().find(|(word, _)| word == text),
            _ => None,
        };
        let words = || known.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        found.map(|(_, meant)| *meant).ok_or_else(|| at.wrong(format_args!("must be one of {}", words())))
    };
    list.iter().map(word).collect()
}
