//! The generic run: recorded honest sessions, played back, one answer or one
//! stored row at a time changed in one way. The person sees and does what
//! they do with an honest server, or is told that something is wrong; never
//! anything else. A sample here; `cargo xtask mutants` runs 200,000.

mod cast;
mod changes;
mod fields;
mod rows;
mod scenes;

use std::collections::BTreeMap;

use sv_testkit::{Dice, run};

use changes::{KINDS, Kind, changed};
use rows::Rows;
use scenes::{Outcome, Scenes};

/// Mutants of the sample.
const SAMPLE: usize = 5_000;
/// Of how many mutants one is a row: each is looked at live.
const ROW_EVERY: usize = 40;
/// After how many mutants a device is shown the truth again.
const RECOVER_EVERY: usize = 25;

/// How many mutants: of a sample, or as `SV_MUTANTS` says.
fn count() -> usize {
    let given = std::env::var("SV_MUTANTS").ok();
    given.map_or(SAMPLE, |text| text.parse().expect("SV_MUTANTS is a number"))
}

/// Fails without the body's hash in `fetch_bodies`, without the comparison of
/// the membership at the head, and without the digest in `apply`.
#[test]
fn no_mutant_of_a_session_is_believed() {
    run(async {
        let scenes = Scenes::set().await;
        for scene in &scenes.all {
            let (outcome, _) = scene.try_out(None).await;
            assert_eq!(outcome, Outcome::WithoutEffect, "{:?}", scene.what);
        }
        let mut rows = Vec::new();
        for (server, scene) in &scenes.rows {
            rows.push(Rows::of(server, scene).await);
        }
        let mut places = Vec::new();
        for (at, scene) in scenes.all.iter().enumerate() {
            let count = scene.recording.requests.len();
            places.extend((0..count).map(|place| (at, place)));
        }
        let mut dice = Dice::thrown("mutants");
        let mut table = Table::default();
        let wanted = count();
        while table.tried < wanted {
            if table.tried % ROW_EVERY == 0 {
                let at = dice.below(rows.len());
                if let Some((what, outcome)) = rows[at].try_one(&mut dice).await {
                    table.book(Kind::Row, &what, outcome);
                }
                continue;
            }
            // Each request of each session as often as any other.
            let (scene, place) = places[dice.below(places.len())];
            let scene = &scenes.all[scene];
            let kind = KINDS[dice.below(KINDS.len())];
            let request = &scene.recording.requests[place];
            let Some((200, honest)) = &scene.recording.answers[place] else {
                continue;
            };
            let Some(lie) = changed(request, honest, kind, &scene.pool, &mut dice) else {
                continue;
            };
            let what = format!("{:?} {}", scene.what, lie.what);
            let (outcome, device) = scene.try_out(Some((request, lie))).await;
            if table.tried % RECOVER_EVERY == 0 && !scene.what.writes() {
                device.network.be_honest();
                device.network.play_back(scene.recording.clone());
                // Whatever it kept of the lie does not outlive the lie.
                let after = scene.judge(&device).await;
                if after != Outcome::WithoutEffect {
                    let what = format!("{what}, and then the truth");
                    table.book(kind, &what, Outcome::Accepted(format!("{after:?}")));
                }
            }
            table.book(kind, &what, outcome);
        }
        table.print();
        table.assert_nothing_was_believed();
    });
}

/// Each entry in each other log that has a place for it: of two hundred
/// thousand mutants there are too few of these to meet all.
#[test]
fn no_entry_in_another_log_is_believed() {
    run(async {
        let scenes = Scenes::set().await;
        let mut table = Table::default();
        for (server, scene) in &scenes.rows {
            for (what, outcome) in Rows::of(server, scene).await.misplace_entries().await {
                table.book(Kind::Row, &what, outcome);
            }
        }
        table.print();
        assert!(table.tried > 100, "{}", table.tried);
        assert!(table.accepted.is_empty(), "{:#?}", table.accepted);
    });
}

/// What came of the mutants.
#[derive(Default)]
struct Table {
    tried: usize,
    /// How often each kind ended how.
    outcomes: BTreeMap<Kind, BTreeMap<String, usize>>,
    /// What had no effect.
    without: BTreeMap<(Kind, String), usize>,
    accepted: Vec<String>,
}

impl Table {
    fn book(&mut self, kind: Kind, what: &str, outcome: Outcome) {
        self.tried += 1;
        let name = match outcome {
            Outcome::WithoutEffect => {
                *self.without.entry((kind, what.to_owned())).or_default() += 1;
                "without effect".to_owned()
            }
            Outcome::Withheld => "withheld".to_owned(),
            Outcome::Behind => "behind".to_owned(),
            Outcome::Caught(name) => name,
            Outcome::Accepted(how) => {
                self.accepted.push(format!("{kind:?} {what}: {how}"));
                "ACCEPTED".to_owned()
            }
        };
        let of_kind = self.outcomes.entry(kind).or_default();
        *of_kind.entry(name).or_default() += 1;
    }

    fn without_effect(&self) -> usize {
        self.without.values().sum()
    }

    fn print(&self) {
        println!(
            "{} mutants, {} accepted, {} without effect",
            self.tried,
            self.accepted.len(),
            self.without_effect()
        );
        for (kind, outcomes) in &self.outcomes {
            let mut sorted: Vec<_> = outcomes.iter().collect();
            sorted.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
            let cells: Vec<_> = sorted
                .iter()
                .map(|(what, n)| format!("{what} {n}"))
                .collect();
            let sum: usize = outcomes.values().sum();
            println!("| {kind:?} | {sum} | {} |", cells.join(", "));
        }
        println!("without effect:");
        for ((kind, what), n) in &self.without {
            println!("  {kind:?} {what}: {n}");
        }
    }

    fn assert_nothing_was_believed(&self) {
        let some: Vec<_> = self.accepted.iter().take(20).collect();
        assert!(some.is_empty(), "{some:#?}");
        let (without, tried) = (self.without_effect(), self.tried);
        assert!(without * 20 < tried, "{without} of {tried} had no effect");
        for kind in KINDS {
            let of_kind: usize = self.outcomes[&kind].values().sum();
            assert!(of_kind * 100 > tried, "{kind:?}: only {of_kind} of {tried}");
        }
    }
}
