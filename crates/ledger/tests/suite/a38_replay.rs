//! A38: authentic entries repeated, left out, reordered or signed again.

use proptest::prelude::*;
use sv_ledger::apply::Reject;
use sv_ledger::entry::Entry;

use crate::fixture::*;

fn verdict(log: &Log, entries: &[Entry]) -> Result<Moment, Reject> {
    Moment::begin(&log.genesis).unwrap().run(entries)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Fails without `seq` and `prev_hash` in `apply` (either alone is
    /// enough for these), and the last part without the signature check in
    /// `Membership::author`.
    #[test]
    fn a38_every_tampered_schedule_is_refused(
        steps in schedule(2..9),
        place in any::<prop::sample::Index>(),
    ) {
        let log = Log::scheduled(&steps);
        let entries = &log.entries;
        let last = entries.len() - 1;
        prop_assert_eq!(verdict(&log, entries), Ok(log.now().clone()));

        let k = place.index(entries.len());
        for to in k + 1..=entries.len() {
            let mut repeated = entries.clone();
            repeated.insert(to, entries[k].clone());
            prop_assert_eq!(verdict(&log, &repeated), Err(Reject::NotNext));
        }
        if k < last {
            let mut dropped = entries.clone();
            dropped.remove(k);
            prop_assert_eq!(verdict(&log, &dropped), Err(Reject::NotNext));
        }
        for other in (0..entries.len()).filter(|other| *other != k) {
            let mut swapped = entries.clone();
            swapped.swap(k, other);
            prop_assert_eq!(verdict(&log, &swapped), Err(Reject::NotNext));
        }

        let stranger = Author::new(66);
        let mut signed_again = entries.clone();
        signed_again[k] = stranger.sign(entries[k].body().clone());
        prop_assert_eq!(verdict(&log, &signed_again), Err(Reject::Signature));
    }
}

/// Fails without `prev_hash` in `apply`: the owner's own signature on a
/// changed entry replaces the entry only together with all that follow.
#[test]
fn a38_an_entry_signed_anew_carries_nothing_that_followed() {
    let log = honest();
    for k in 0..log.entries.len() - 1 {
        let mut body = log.entries[k].body().clone();
        body.timestamp_ms += 1;
        let mut entries = log.entries.clone();
        entries[k] = log.owner.sign(body);
        let refused = verdict(&log, &entries).map(drop);
        assert!(matches!(refused, Err(Reject::NotNext)), "{k}: {refused:?}");
        assert!(verdict(&log, &entries[..=k]).is_ok());
    }
}

/// Fails without `vault_id` in `apply`: one owner's entries of one vault in
/// another of the same shape.
#[test]
fn a38_an_entry_of_another_vault_is_refused() {
    let log = honest();
    let mut body = genesis_body(sv_ledger::genesis::VaultKind::Drive, &log.owner);
    body.nonce = [0x33; 32];
    let other = Log::begin(log.owner.clone(), log.owner.sign_genesis(body));
    let refused = verdict(&other, &log.entries).map(drop);
    assert_eq!(refused, Err(Reject::WrongVault));
}

/// Fails without the `epoch` check in `apply`: an entry written under an old
/// key is not carried over a new one.
#[test]
fn a38_an_entry_of_an_older_epoch_is_refused() {
    let mut log = honest();
    let stale = log.compose(sv_ledger::entry::Ops::state(vec![put(9, 1)]));
    log.bump();
    let mut rebased = log.compose(stale.ops.clone());
    assert!(log.now().step(&log.owner.sign(rebased.clone())).is_ok());
    rebased.epoch = stale.epoch;
    let refused = log.now().step(&log.owner.sign(rebased)).map(drop);
    assert_eq!(refused, Err(Reject::Epoch));
}
