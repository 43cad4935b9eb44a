//! Lists of what is included and what excluded.

use super::node::At;
use crate::settings::Patterns;

pub(super) const INCLUDED: &str = "included";
pub(super) const EXCLUDED: &str = "excluded";

/// What the two keys of a map say (CFG-25).
pub(super) fn patterns(at: &At<'_>) -> Result<Patterns, String> {
    let list = |key| at.get(key)?.map(|at| at.texts()).transpose();
    Ok(Patterns { included: list(INCLUDED)?, excluded: list(EXCLUDED)?.unwrap_or_default() })
}
