//! A4: the registry of labels is unique, and the one in the spec.

use std::collections::BTreeSet;

use sv_ledger::enc::Statement;
use sv_ledger::genesis::KEM_KEY;

use crate::label::{BOX_BLOCK, BOX_SMALL, Context, Label};
use crate::safety::FINGERPRINT;

const SPEC: &str = include_str!("../../../../docs/spec/primitives.md");

/// The cells in backticks of a table's rows, up to the next heading.
fn table(heading: &str) -> Vec<Vec<String>> {
    let section = SPEC
        .split(heading)
        .nth(1)
        .expect("heading")
        .split("\n## ")
        .next()
        .unwrap();
    section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            line.split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect()
        })
        .collect()
}

#[test]
fn a4_labels_are_those_of_the_spec() {
    let ours: Vec<_> = Label::ALL
        .iter()
        .map(|l| vec![format!("{l:?}"), l.salt().to_owned(), l.info().to_owned()])
        .collect();
    assert_eq!(table("## 2. "), ours);
    assert!(SPEC.contains("all outputs are 32 bytes") && Label::LEN == 32);
    let contexts: Vec<_> = Context::ALL
        .iter()
        .map(|c| vec![format!("{c:?}"), c.label().to_owned()])
        .collect();
    assert_eq!(table("## 3. "), contexts);
    assert!(SPEC.contains(BOX_BLOCK) && SPEC.contains(BOX_SMALL) && SPEC.contains(KEM_KEY));
    assert!(SPEC.contains(FINGERPRINT));
}

#[test]
fn a4_no_label_is_used_twice() {
    let mut seen = BTreeSet::new();
    let statements = Statement::ALL
        .iter()
        .flat_map(|s| [s.hash_label(), s.signature_label()]);
    let infos = Label::ALL.iter().map(|l| l.info());
    let contexts = Context::ALL.iter().map(|c| c.label());
    let others = [BOX_BLOCK, BOX_SMALL, KEM_KEY, FINGERPRINT];
    for label in statements.chain(infos).chain(contexts).chain(others) {
        assert!(label.starts_with("SecureVault/v1/"), "{label}");
        assert!(
            label.len() < 128,
            "{label} must fit a length byte and an HMAC key"
        );
        assert!(seen.insert(label), "{label} is used twice");
    }
    for salt in Label::ALL.iter().map(|l| l.salt()) {
        assert!(!seen.contains(salt), "{salt} is both salt and info");
    }
}
