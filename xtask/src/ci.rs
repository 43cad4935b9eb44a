//! `cargo xtask ci`: the same script that the build server runs, so that there is one list of steps and not two.

use crate::{Outcome, tree};

pub(crate) fn run() -> Outcome {
    tree::run("bash", &[".ci/run"])
}
