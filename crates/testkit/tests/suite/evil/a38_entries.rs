//! A38: entries of the log are left out, repeated or put in another order.

use sv_api::Wire;
use sv_api::endpoint::GetEntries;
use sv_api::vault::EntryPage;
use sv_ledger::entry::Entry;
use sv_testkit::{Dice, run, scaled};

use super::a26_exchange::answers;
use super::mutations::is_tamper;
use super::world::{Verdict, World};

/// Every entry dropped, doubled, swapped with every other and moved to every
/// place, entries of the other vault in between, and random orders. Held
/// twice, by `prev_hash` and by the digest: fails without both.
#[test]
fn a38_a_log_has_one_order() {
    run(async {
        let world = World::new().await;
        let honest = world.record(&world.behind).await;
        let logs = answers::<GetEntries>(&honest);
        let of = |vault: &str| {
            let (_, log) = logs.iter().find(|(path, _)| path.contains(vault)).unwrap();
            EntryPage::parse(log).unwrap().entries
        };
        let drive = world.drive_id.to_string();
        let entries = of(&drive);
        let foreign = of(&world.account_id.to_string());
        assert!(entries.len() >= 5, "{}", entries.len());
        for (what, lie) in lies(&entries, &foreign) {
            let device = world.copy(&world.behind);
            let drive = drive.clone();
            device.network.rewrite(move |request, mut answer| {
                if request.is::<GetEntries>() && request.path.contains(&drive) {
                    let page = EntryPage {
                        entries: lie.clone(),
                        more: false,
                    };
                    answer.body = page.into_bytes();
                }
                Ok(answer)
            });
            let verdict = world.attack(&device).await;
            let caught = matches!(&verdict, Verdict::Caught(error) if is_tamper(error));
            assert!(caught, "{what}: {verdict:?}");
            world.recovers(&device).await;
        }
    });
}

fn lies(entries: &[Entry], foreign: &[Entry]) -> Vec<(String, Vec<Entry>)> {
    let mut found = Vec::new();
    for one in 0..entries.len() {
        let mut without = entries.to_vec();
        let entry = without.remove(one);
        found.push((format!("without {one}"), without.clone()));
        for other in 0..entries.len() {
            let mut lie = entries.to_vec();
            lie.insert(other, entry.clone());
            found.push((format!("{one} again at {other}"), lie));
            if other != one {
                let mut lie = without.clone();
                lie.insert(other, entry.clone());
                found.push((format!("{one} moved to {other}"), lie));
                let mut lie = entries.to_vec();
                lie.swap(one, other);
                found.push((format!("{one} for {other}"), lie));
            }
        }
        for stranger in foreign {
            let mut lie = entries.to_vec();
            lie.insert(one, stranger.clone());
            found.push((format!("a stranger at {one}"), lie));
        }
    }
    let mut dice = Dice::seeded(38);
    for round in 0..scaled(20, 2000) {
        let mut lie = entries.to_vec();
        for end in (1..lie.len()).rev() {
            lie.swap(end, dice.below(end + 1));
        }
        lie.truncate(1 + dice.below(lie.len()));
        if lie[..] != entries[..lie.len()] {
            found.push((format!("order {round}"), lie));
        }
    }
    found
}
