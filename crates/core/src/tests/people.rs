//! Contacts, shared vaults, invitations, titles, and what people compare.

use sv_ledger::handle::Handle;
use sv_ledger::id::{Hash, NodeId, SignPublicKey, VaultId};
use sv_ledger::state::{Head, Role};

use super::support::*;
use crate::error::{RecordError, SealError};
use crate::record::{
    Contact, Invitation, Kind, Mount, Name, Payload, Record, SharedVault, Title, open_record,
    seal_record,
};
use crate::safety::Identity;
use crate::secret::VaultKey;

fn identity(n: u8) -> Identity {
    Identity {
        uid: VaultId::new([n; 32]),
        generation: u32::from(n),
        sign_pk: SignPublicKey::new([n + 1; 32]),
        kem_hash: Hash::new([n + 2; 32]),
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn handle() -> Handle {
    Handle::parse("zoë").unwrap()
}

fn contact() -> Contact {
    Contact {
        identity: identity(1),
        handle: handle(),
        head: Head {
            seq: 3,
            hash: Hash::new([9; 32]),
        },
        verified_generation: Some(1),
        unknown: Default::default(),
    }
}

fn invitation(role: Role) -> Invitation {
    Invitation {
        handle: handle(),
        vault_id: VaultId::new([4; 32]),
        role,
        expires_ms: 7,
        unknown: Default::default(),
    }
}

fn mount(kind: Kind, mount: Option<Mount>) -> Payload {
    let mut record = Record::new(kind, name("work"), None, 1);
    record.mount = mount;
    Payload::Node(record)
}

const SHOWN: Mount = Mount {
    vault_id: VaultId::new([6; 32]),
    node: Some(NodeId::new([7; 16])),
};

fn again(payload: &Payload) -> Result<Payload, RecordError> {
    let (key, ctx) = (key::<VaultKey>(1), record_context());
    let sealed = seal_record(&key, &ctx, payload, &mut rng("people")).unwrap();
    open_record(&key, &ctx, &sealed)
}

#[test]
fn records_about_people_come_back_as_they_were() {
    let mut shared = SharedVault::new(VaultId::new([5; 32]), name("work"));
    shared.is_declined = true;
    shared.moving = Some(NodeId::new([8; 16]));
    let title = Title::new(name("plans"));
    for payload in [
        Payload::Contact(contact()),
        Payload::SharedVault(shared.clone()),
        Payload::Invitation(invitation(Role::Manager)),
        Payload::Title(title.clone()),
        mount(Kind::Mount, Some(SHOWN)),
    ] {
        match (again(&payload).unwrap(), payload) {
            (Payload::Contact(read), _) => assert_eq!(read, contact()),
            (Payload::SharedVault(read), _) => assert_eq!(read, shared),
            (Payload::Invitation(read), _) => assert_eq!(read, invitation(Role::Manager)),
            (Payload::Title(read), _) => assert_eq!(read, title),
            (Payload::Node(read), Payload::Node(_)) => assert_eq!(read.mount, Some(SHOWN)),
            (read, _) => panic!("{read:?}"),
        }
    }
}

/// Needs: `Record::check` and `Invitation::check`.
#[test]
fn impossible_mounts_and_invitations_are_not_sealed() {
    let (key, ctx) = (key::<VaultKey>(1), record_context());
    for payload in [
        mount(Kind::Mount, None),
        mount(Kind::Folder, Some(SHOWN)),
        mount(Kind::File, Some(SHOWN)),
        Payload::Invitation(invitation(Role::Owner)),
    ] {
        let refused = seal_record(&key, &ctx, &payload, &mut rng("people"));
        assert!(matches!(refused, Err(SealError::Misuse(_))), "{payload:?}");
    }
}

/// Needs: the order by uid, and each field in the fingerprint.
#[test]
fn a13_a_safety_number_is_of_two_people_and_all_their_keys() {
    let (one, two) = (identity(1), identity(9));
    let number = one.safety_number(&two);
    assert_eq!(number, two.safety_number(&one));
    assert_eq!(number.split(' ').count(), 12);
    assert!(
        number
            .split(' ')
            .all(|g| g.len() == 5 && g.bytes().all(|b| b.is_ascii_digit()))
    );
    let changed: [fn(&mut Identity); 4] = [
        |i| i.uid = VaultId::new([10; 32]),
        |i| i.generation += 1,
        |i| i.sign_pk = SignPublicKey::new([0xFF; 32]),
        |i| i.kem_hash = Hash::new([0xFF; 32]),
    ];
    for change in changed {
        let mut other = two;
        change(&mut other);
        assert_ne!(one.safety_number(&other), number);
    }
}

#[test]
fn a_code_has_one_form() {
    let one = identity(1);
    let code = one.code();
    assert_eq!(Identity::parse_code(&format!(" {code}\n")), Ok(one));
    for bad in [
        "",
        "svid1-",
        &code[1..],
        &code[..code.len() - 1],
        &format!("{code}A"),
    ] {
        assert!(Identity::parse_code(bad).is_err(), "{bad}");
    }
}
