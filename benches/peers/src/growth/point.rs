//! One point of a curve, as `growth` prints it and the comparison reads it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was measured at one place of a curve: for each of its lines the median of the rounds, the least and the greatest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The curve's name.
    pub curve: String,
    /// What grows along it.
    pub x_name: String,
    /// How much of it.
    pub x: f64,
    /// The unit of all that follows.
    pub unit: String,
    /// The medians, by line.
    pub y: BTreeMap<String, f64>,
    /// The least, by line.
    pub min: BTreeMap<String, f64>,
    /// The greatest, by line.
    pub max: BTreeMap<String, f64>,
    /// On the last point of a curve: how it grows, in a sentence with figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<String>,
    /// On the last point of a curve: whether it grows linearly or better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear: Option<bool>,
}
