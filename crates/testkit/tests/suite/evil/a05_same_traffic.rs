//! A5: what a client sends after a failure tells nobody which check failed.

use std::collections::BTreeMap;

use sv_testkit::{Dice, Exchange, run, scaled};

use super::mutations::{answer_with, lies};
use super::world::{Verdict, World};

/// For each answer, every change of it that is noticed is followed by the same
/// requests: none. Fails if a check asks the server again, or tells it.
#[test]
fn a5_every_failure_looks_alike() {
    run(async {
        let world = World::new().await;
        let mut dice = Dice::seeded(5);
        let mut noticed = 0;
        for device in [&world.fresh, &world.behind] {
            let honest = world.record(device).await;
            for (request, answer) in honest.requests.iter().zip(&honest.answers) {
                let (_, body) = answer.as_ref().unwrap();
                // Blocks are asked for several at a time; A21 is about them.
                if request.path.contains("/blocks/") {
                    continue;
                }
                let mut after: BTreeMap<Vec<Exchange>, String> = BTreeMap::new();
                let bent = lies(body, &[], &mut dice, scaled(6, 600)).into_iter();
                for lie in bent.filter(|lie| lie.1 == 200) {
                    let device = world.copy(device);
                    answer_with(&device, request, &lie);
                    if let Verdict::Caught(error) = world.attack(&device).await {
                        noticed += 1;
                        let sent = device.network.take_recording().requests;
                        let place = sent.iter().position(|other| other == request).unwrap();
                        let rest = sent[place + 1..].to_vec();
                        after.insert(rest, format!("{}: {error}", lie.0));
                    }
                }
                assert!(
                    after.keys().all(Vec::is_empty),
                    "{}: {after:?}",
                    request.path
                );
            }
        }
        assert!(noticed >= 80, "{noticed}");
    });
}
