//! What `--quick` checks: everybody delivers, and the books balance. Nothing timed.

use super::plan::Cell;
use super::results::Results;
use super::runner::{Outcome, Sample};
use crate::Mode;

/// What is wrong with the run; nothing if all is well.
pub(super) fn findings(results: &Results) -> Vec<String> {
    let mut findings = Vec::new();
    for row in &results.rows {
        for outcome in &row.outcomes {
            let finding = match outcome {
                Outcome::Done(sample) => wrong(&row.cell, sample),
                // A peer may lack a feature. We may not.
                Outcome::Cannot(reason) if row.cell.contender.is_ours() => Some(reason.clone()),
                Outcome::Cannot(_) => None,
                Outcome::Failed(reason) => Some(reason.clone()),
            };
            findings.extend(finding.map(|finding| format!("{}: {finding}", row.cell)));
        }
    }
    findings
}

fn wrong(cell: &Cell, Sample { figures, sink }: &Sample) -> Option<String> {
    let (made, arrived) = (figures.made, sink.items);
    let sends = cell.contender.sends() && cell.mode != Mode::Unsampled;
    if made != cell.items {
        return Some(format!("made {made} of {} items", cell.items));
    }
    if !sends {
        return (arrived > 0).then(|| format!("{arrived} items arrived that were not to be sent"));
    }
    if arrived == 0 {
        return Some("nothing arrived".to_owned());
    }
    if cell.mode == Mode::Lossless && arrived != made {
        return Some(format!("{made} made, {arrived} arrived, in a mode that loses nothing"));
    }
    let lost = figures.lost_by_own_account;
    if cell.contender.is_ours() && lost != Some(made.saturating_sub(arrived)) {
        return Some(format!("{made} made, {arrived} arrived, but {lost:?} lost by its own account"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::plan::Contender;
    use super::super::results::samples::{row, sample};
    use super::*;

    fn check(cell: Cell, change: impl FnOnce(&mut Sample)) -> Vec<String> {
        let Outcome::Done(mut sample) = sample(400, 100) else { unreachable!() };
        change(&mut sample);
        findings(&Results { rows: vec![row(cell, [Outcome::Done(sample)])], ..Results::default() })
    }

    #[test]
    fn books_that_balance_have_no_findings() {
        let burst = Cell::plain(Contender::Ours).mode(Mode::Burst);
        assert!(check(Cell::plain(Contender::Ours), |_| {}).is_empty());
        let lost = |sample: &mut Sample, told| {
            sample.sink.items -= 10;
            sample.figures.lost_by_own_account = told;
        };
        assert!(check(burst, |sample| lost(sample, Some(10))).is_empty());
        assert_eq!(check(burst, |sample| lost(sample, Some(9))).len(), 1);
        assert_eq!(check(burst, |sample| lost(sample, None)).len(), 1);
        let theirs = Cell::plain(Contender::Emit).mode(Mode::Burst);
        assert!(check(theirs, |sample| lost(sample, None)).is_empty(), "peers keep the books they keep");
    }

    #[test]
    fn what_was_to_arrive_has_to() {
        for contender in Contender::CLIENTS {
            assert_eq!(check(Cell::plain(contender), |sample| sample.sink.items -= 1).len(), 1);
            assert_eq!(
                check(Cell::plain(contender).mode(Mode::Burst), |sample| sample.sink.items = 0).len(),
                1
            );
            assert_eq!(check(Cell::plain(contender), |sample| sample.figures.made = 1).len(), 1);
            let unsampled = Cell::plain(contender).mode(Mode::Unsampled);
            assert_eq!(check(unsampled, |_| {}).len(), 1, "unsampled items arrived");
            assert!(check(unsampled, |sample| sample.sink.items = 0).is_empty());
        }
        assert!(check(Cell::plain(Contender::Floor), |sample| sample.sink.items = 0).is_empty());
    }

    #[test]
    fn a_refusal_is_a_finding_only_of_ours() {
        let of = |contender, outcome: Outcome| {
            let rows = vec![row(Cell::plain(contender), [outcome])];
            findings(&Results { rows, ..Results::default() }).len()
        };
        assert_eq!(of(Contender::Ours, Outcome::Cannot(String::new())), 1);
        assert_eq!(of(Contender::Emit, Outcome::Cannot(String::new())), 0);
        assert_eq!(of(Contender::Emit, Outcome::Failed(String::new())), 1);
    }
}
