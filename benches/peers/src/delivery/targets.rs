//! The targets that were written down before the work began, and what a run says to each.

use super::plan::{Client, Scenario, Table};
use super::run::{Row, Sample};
use super::tables::{capitalised, healthy, scenarios, times};
use crate::compare::text::{number, table};

/// All of them, as a table.
pub(super) fn table_of(rows: &[Row]) -> String {
    let mut lines: Vec<_> =
        scenarios(rows, Table::Delivery).iter().map(|(scenario, group)| books(scenario, group)).collect();
    lines.extend([latency(rows), idle(rows)]);
    table(&["target", "found", "verdict"], &lines)
}

/// A line. What was not found was not in the run.
fn line(target: String, found: Vec<String>, met: bool) -> Vec<String> {
    let verdict = match met {
        _ if found.is_empty() => "not in this run",
        true => "met",
        false => "**missed**",
    };
    vec![target, found.join("; "), verdict.to_owned()]
}

fn ours<'a>(rows: impl IntoIterator<Item = &'a Row>) -> impl Iterator<Item = &'a Row> {
    rows.into_iter().filter(|row| row.cell.client == Client::Ours)
}

/// Nothing lost where nothing has to be, and every loss told where something has to.
fn books(scenario: &Scenario, group: &[&Row]) -> Vec<String> {
    let mut met = true;
    let found = ours(group.iter().copied()).map(|row| match &row.outcome {
        Ok(sample) => {
            let told = sample.answer.lost_by_own_account;
            met &= told == Some(sample.lost()) && (scenario.loses || sample.lost() == 0);
            let told = told.map_or_else(|| "unknown".to_owned(), |lost| number(lost as f64));
            let [arrived, made] = [sample.arrived.distinct, sample.answer.made].map(|of| number(of as f64));
            format!("{arrived} of {made} over {}, lost by its own account {told}", row.cell.transport)
        }
        Err(_) => {
            met = false;
            "the run failed".to_owned()
        }
    });
    let found = found.collect();
    let promise = if scenario.loses { "every loss is counted" } else { "nothing is lost" };
    line(format!("{}: {promise}", capitalised(scenario.name)), found, met)
}

/// `end` is no slower in any fault than twice what it is without.
fn latency(rows: &[Row]) -> Vec<String> {
    let base = healthy(rows).get(Client::Ours.title()).copied();
    let mut met = base.is_some();
    let mut found = Vec::new();
    for (scenario, group) in scenarios(rows, Table::Latency).iter().skip(1) {
        for row in ours(group.iter().copied()) {
            let end = row.outcome.as_ref().ok().map(|sample| sample.answer.end);
            met &= end.is_some_and(|end| end.p999_ns <= 2 * base.unwrap_or(0));
            let ratio = end.map_or_else(|| "failed".to_owned(), |end| times(end, base.unwrap_or(0)));
            found.push(format!("{} {ratio}", scenario.name));
        }
    }
    line("p99.9 of `end` during a fault is at most twice the healthy one".to_owned(), found, met)
}

/// The client's thread sleeps while there is nothing to do.
fn idle(rows: &[Row]) -> Vec<String> {
    let idle = ours(rows).filter(|row| row.cell.scenario.table == Table::Idle);
    let threads = idle.filter_map(|row| match &row.outcome {
        Ok(Sample { answer, .. }) => answer.idle.iter().find(|thread| thread.name == "otlp"),
        Err(_) => None,
    });
    let sleeps: Vec<u64> = threads.map(|thread| thread.sleeps).collect();
    let found = sleeps.iter().map(|sleeps| format!("{sleeps} wake-ups")).collect();
    line("an idle client does not wake up".to_owned(), found, sleeps.iter().all(|sleeps| *sleeps == 0))
}

#[cfg(test)]
mod tests {
    use super::super::receiver::Arrived;
    use super::super::{Answer, Latency, plan};
    use super::*;

    fn rows(p999_ns: u64, lost: u64) -> Vec<Row> {
        let cells = plan::whole().into_iter().flat_map(|stage| stage.0);
        let row = |cell: plan::Cell| {
            let made = cell.scenario.spans;
            let lost = if cell.scenario.loses { made } else { lost };
            let healthy = cell.scenario.fault == plan::Fault::Healthy;
            let end = Latency { p999_ns: if healthy { 100 } else { p999_ns }, ..Latency::default() };
            let answer = Answer { made, end, lost_by_own_account: Some(lost), ..Answer::default() };
            let arrived = Arrived { distinct: made - lost, duplicates: 0 };
            Row { cell, outcome: Ok(Sample { answer, arrived }) }
        };
        cells.map(row).collect()
    }

    fn missed(rows: &[Row]) -> usize {
        table_of(rows).matches("**missed**").count()
    }

    #[test]
    fn a_target_is_met_or_missed_by_ours_alone() {
        assert_eq!(missed(&rows(200, 0)), 0);
        assert_eq!(missed(&rows(201, 0)), 1);
        let must_not_lose = plan::whole().into_iter().filter(|stage| {
            let scenario = stage.0[0].scenario;
            scenario.table == Table::Delivery && !scenario.loses && stage.0[0].client == Client::Ours
        });
        assert_eq!(missed(&rows(200, 1)), must_not_lose.count() - 1, "the burst has two stages and one line");
    }

    #[test]
    fn a_loss_that_is_not_told_and_a_run_that_failed_are_misses() {
        let mut rows = rows(200, 0);
        let refused = rows.iter_mut().find(|row| row.cell.scenario.loses).unwrap();
        refused.outcome.as_mut().unwrap().answer.lost_by_own_account = Some(0);
        rows[0].outcome = Err("crashed".to_owned());
        assert_eq!(missed(&rows), 2);
        assert!(table_of(&[]).lines().skip(2).all(|line| line.contains("not in this run")));
    }
}
