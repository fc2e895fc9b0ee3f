//! A26, A27, A30 and A32: records and contents in each other's place, older
//! ones in the place of newer, and parts of one inside another.

use std::collections::BTreeSet;

use sv_api::Wire;
use sv_api::endpoint::{GetBlock, GetBodies, GetContents, GetLeaves};
use sv_api::vault::{Bodies, Contents, LeafPage};
use sv_ledger::id::NodeId;
use sv_ledger::state::Leaf;
use sv_testkit::{Dice, Recording, run, scaled};

use super::mutations::{is_content, is_tamper, once};
use super::world::{Verdict, World};

/// Every ordered pair of records: one in the other's place, alone and with
/// the leaf that names it. Fails without the hash in `fetch_bodies` and
/// without the digest in `checkpoint`.
#[test]
fn a26_no_record_stands_for_another() {
    run(async {
        let world = World::new().await;
        let honest = world.record(&world.fresh).await;
        let records = largest::<Bodies>(&honest, |b: &Bodies| b.bodies.len());
        let leaves = largest::<LeafPage>(&honest, |page: &LeafPage| page.leaves.len());
        let count = records.bodies.len();
        assert!(count >= 8 && leaves.leaves.len() == count);
        for (one, other) in pairs(count) {
            let device = world.copy(&world.fresh);
            device.network.rewrite_fields::<GetBodies>(move |answer| {
                if answer.bodies.len() == count {
                    answer.bodies[one] = answer.bodies[other].clone();
                }
            });
            assert_caught(&world, &device, "a record").await;

            let device = world.copy(&world.fresh);
            device.network.rewrite_fields::<GetLeaves>(move |answer| {
                if answer.leaves.len() == count {
                    answer.leaves[one].1 = answer.leaves[other].1;
                }
            });
            assert_caught(&world, &device, "a leaf").await;
        }
        world.recovers(&world.copy(&world.fresh)).await;
    });
}

/// Two files of one size, and every pair of short ones. Held twice, by the
/// content in the Box's context and by the root: fails without both.
#[test]
fn a26_no_content_stands_for_another() {
    run(async {
        let world = World::new().await;
        let honest = world.record(&world.first).await;
        let short = largest::<Contents>(&honest, |c: &Contents| c.contents.len());
        for (one, other) in pairs(short.contents.len()) {
            for with_id in [false, true] {
                let device = world.copy(&world.first);
                device.network.rewrite_fields::<GetContents>(move |answer| {
                    let source = answer.contents[other].clone();
                    if with_id {
                        answer.contents[one] = source;
                    } else {
                        answer.contents[one].block = source.block;
                    }
                });
                let verdict = world.attack(&device).await;
                let caught = matches!(&verdict, Verdict::Caught(e) if is_content(e));
                assert!(caught, "{verdict:?}");
            }
        }
        let blocks: Vec<(String, Vec<u8>)> = answers::<GetBlock>(&honest);
        let [(one, _), (_, other)] = &blocks[..] else {
            panic!("the twins");
        };
        let device = world.copy(&world.first);
        let (one, other) = (one.clone(), other.clone());
        once(
            &device,
            move |request| request.path == one,
            move |block| block.clone_from(&other),
        );
        let error = world.caught(&device, "the other twin").await;
        assert!(is_content(&error), "{error:?}");
    });
}

/// Every record that once stood somewhere, in every place, and every leaf that
/// a node once had. Fails without the hash in `fetch_bodies`, and without the
/// digest in `checkpoint`.
#[test]
fn a27_no_older_record_comes_back() {
    run(async {
        let world = World::new().await;
        let now = world.record(&world.fresh).await;
        let records = largest::<Bodies>(&now, |b: &Bodies| b.bodies.len());
        let count = records.bodies.len();
        let newest: BTreeSet<&Vec<u8>> = records.bodies.iter().collect();
        let then = largest::<Bodies>(&world.older, |b: &Bodies| b.bodies.len());
        let old: Vec<Vec<u8>> = then
            .bodies
            .iter()
            .filter(|body| !newest.contains(body))
            .cloned()
            .collect();
        assert!(old.len() >= 3, "a.txt, c.txt and what is gone");
        for body in &old {
            for place in 0..count {
                let device = world.copy(&world.fresh);
                let body = body.clone();
                device.network.rewrite_fields::<GetBodies>(move |answer| {
                    if answer.bodies.len() == count {
                        answer.bodies[place] = body.clone();
                    }
                });
                assert_caught(&world, &device, "an old record").await;
            }
        }

        let leaves = largest::<LeafPage>(&now, |page: &LeafPage| page.leaves.len());
        let before = largest::<LeafPage>(&world.older, |page: &LeafPage| page.leaves.len());
        let mut tried = 0;
        for (node, old) in before.leaves {
            let place = leaves.leaves.iter().position(|(id, _)| *id == node);
            let Some(place) = place.filter(|place| leaves.leaves[*place].1 != old) else {
                continue;
            };
            tried += 1;
            for lie in [old, with_rev(old, 2)] {
                let device = world.copy(&world.fresh);
                replace_leaf(&device, count, place, (node, lie));
                assert_caught(&world, &device, "an old leaf").await;
            }
        }
        assert!(tried >= 2, "{tried}");
        world.recovers(&world.copy(&world.fresh)).await;
    });
}

/// Parts of one sealed record inside another: the server can neither rename
/// nor move, nor mix fields. Fails without the hash in `fetch_bodies`: the
/// node would be shown as one whose author sealed something impossible.
#[test]
fn a30_a32_no_part_of_a_record_is_exchanged() {
    run(async {
        let world = World::new().await;
        let honest = world.record(&world.fresh).await;
        let records = largest::<Bodies>(&honest, |b: &Bodies| b.bodies.len());
        let (bodies, count) = (records.bodies.clone(), records.bodies.len());
        let mut dice = Dice::seeded(30);
        let alike: Vec<(usize, usize)> = pairs(count)
            .filter(|(one, other)| bodies[*one].len() == bodies[*other].len())
            .collect();
        for _ in 0..scaled(40, 5000) {
            let (one, other) = *dice.pick(&alike).unwrap();
            let len = bodies[one].len();
            let start = dice.below(len - 1);
            let end = start + 1 + dice.below(len - start);
            let end = end.min(len);
            if bodies[one][start..end] == bodies[other][start..end] {
                continue;
            }
            let device = world.copy(&world.fresh);
            device.network.rewrite_fields::<GetBodies>(move |answer| {
                if answer.bodies.len() == count {
                    let part = answer.bodies[other][start..end].to_vec();
                    answer.bodies[one][start..end].copy_from_slice(&part);
                }
            });
            assert_caught(&world, &device, "a part of a record").await;
        }
        world.recovers(&world.copy(&world.fresh)).await;
    });
}

pub(crate) fn replace_leaf(
    device: &sv_testkit::TestPlatform,
    count: usize,
    place: usize,
    leaf: (NodeId, Leaf),
) {
    device.network.rewrite_fields::<GetLeaves>(move |answer| {
        if answer.leaves.len() == count {
            answer.leaves[place] = leaf;
        }
    });
}

async fn assert_caught(world: &World, device: &sv_testkit::TestPlatform, what: &str) {
    let verdict = world.attack(device).await;
    let caught = matches!(&verdict, Verdict::Caught(error) if is_tamper(error));
    assert!(caught, "{what}: {verdict:?}");
}

const fn with_rev(leaf: Leaf, rev: u64) -> Leaf {
    Leaf { rev, ..leaf }
}

fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count)
        .flat_map(move |one| (0..count).map(move |other| (one, other)))
        .filter(|(one, other)| one != other)
}

/// What was answered to the calls of an endpoint, with their paths.
pub(crate) fn answers<E: sv_api::Endpoint>(recording: &Recording) -> Vec<(String, Vec<u8>)> {
    let pairs = recording.requests.iter().zip(&recording.answers);
    pairs
        .filter(|(request, _)| request.is::<E>())
        .filter_map(|(request, answer)| Some((request.path.clone(), answer.clone()?.1)))
        .collect()
}

/// The answer of a kind with the most in it: the drive's, not the account's.
pub(crate) fn largest<W: LargeAnswer>(recording: &Recording, size: impl Fn(&W) -> usize) -> W {
    let all = answers::<W::Of>(recording).into_iter();
    all.map(|(_, body)| W::parse(&body).unwrap())
        .max_by_key(|answer| size(answer))
        .unwrap()
}

/// Answers of which a look at the drive gets several.
pub(crate) trait LargeAnswer: Wire {
    /// The endpoint that gives them.
    type Of: sv_api::Endpoint;
}

impl LargeAnswer for Bodies {
    type Of = GetBodies;
}

impl LargeAnswer for Contents {
    type Of = GetContents;
}

impl LargeAnswer for LeafPage {
    type Of = GetLeaves;
}
