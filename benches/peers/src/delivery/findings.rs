//! What `--quick` checks: every program ran, and ours delivered what could be delivered and told the truth about the rest.
//! Nothing timed.

use super::plan::{Cell, Client, Table};
use super::run::{Row, Sample};

/// `Ok` if nothing is wrong, else a line for each finding.
pub(super) fn none(rows: &[Row]) -> Result<(), String> {
    let findings = rows.iter().filter_map(|row| {
        let finding = match &row.outcome {
            Ok(sample) => wrong(&row.cell, sample)?,
            Err(reason) => reason.clone(),
        };
        let Cell { scenario, client, transport } = &row.cell;
        Some(format!("{}, {} over {transport}: {finding}", scenario.name, client.title()))
    });
    let findings: Vec<String> = findings.collect();
    if findings.is_empty() { Ok(()) } else { Err(findings.join("\n")) }
}

fn wrong(cell: &Cell, sample: &Sample) -> Option<String> {
    let (answer, arrived) = (&sample.answer, sample.arrived);
    if arrived.distinct > answer.made {
        return Some(format!("{} made, {} arrived", answer.made, arrived.distinct));
    }
    if cell.client != Client::Ours || cell.scenario.table == Table::Latency {
        return None;
    }
    let lost = sample.lost();
    if lost > 0 && !cell.scenario.loses {
        return Some(format!("{lost} of {} lost", answer.made));
    }
    if answer.lost_by_own_account != Some(lost) {
        return Some(format!("{lost} lost, by its own account {:?}", answer.lost_by_own_account));
    }
    let failed = [&answer.flush, &answer.shutdown].into_iter().flatten().any(|said| said.error.is_some());
    (failed != (lost > 0))
        .then(|| format!("{lost} lost, but flush said {:?} and shutdown {:?}", answer.flush, answer.shutdown))
}

#[cfg(test)]
mod tests {
    use super::super::plan::{self, Fault};
    use super::super::receiver::Arrived;
    use super::super::{Answer, Said};
    use super::*;

    /// The run of a kind, and what it should come to.
    fn row(client: Client, fails: bool) -> Row {
        let cells = plan::quick().into_iter().flat_map(|stage| stage.0);
        let fault = if fails { Fault::Refused } else { Fault::Healthy };
        let cell = cells.into_iter().find(|cell| cell.client == client && cell.scenario.fault == fault);
        let cell = cell.unwrap();
        let made = cell.scenario.spans;
        let said = Some(Said { error: fails.then(|| "lost".to_owned()), ..Said::default() });
        let answer = Answer {
            made,
            flush: said.clone(),
            shutdown: said,
            lost_by_own_account: Some(if fails { made } else { 0 }),
            ..Answer::default()
        };
        let arrived = Arrived { distinct: if fails { 0 } else { made }, duplicates: 0 };
        Row { cell, outcome: Ok(Sample { answer, arrived }) }
    }

    fn check(client: Client, fails: bool, change: impl FnOnce(&mut Sample)) -> bool {
        let mut row = row(client, fails);
        change(row.outcome.as_mut().unwrap());
        none(&[row]).is_ok()
    }

    #[test]
    fn what_arrived_and_what_was_said_have_to_agree() {
        for fails in [false, true] {
            assert!(check(Client::Ours, fails, |_| {}));
            assert!(!check(Client::Ours, fails, |sample| sample.answer.lost_by_own_account = Some(1)));
            assert!(!check(Client::Ours, fails, |sample| sample.answer.lost_by_own_account = None));
        }
        assert!(!check(Client::Ours, false, |sample| sample.arrived.distinct -= 1));
        let says = |ok: bool| {
            let said = Some(Said { error: (!ok).then(|| "lost".to_owned()), ..Said::default() });
            move |sample: &mut Sample| {
                sample.answer.flush = said.clone();
                sample.answer.shutdown = said;
            }
        };
        assert!(!check(Client::Ours, true, says(true)), "a loss that nobody was told");
        assert!(!check(Client::Ours, false, says(false)), "an error about nothing");
    }

    #[test]
    fn peers_lose_what_they_lose_but_have_to_run() {
        assert!(check(Client::Opentelemetry, false, |sample| sample.arrived.distinct = 0));
        assert!(!check(Client::Opentelemetry, false, |sample| sample.arrived.distinct += 1));
        let crashed = Row { outcome: Err("crashed".to_owned()), ..row(Client::Opentelemetry, false) };
        assert!(none(&[crashed]).unwrap_err().ends_with("crashed"));
    }
}
