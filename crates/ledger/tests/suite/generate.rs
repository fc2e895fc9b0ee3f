//! Writes `docs/spec/vectors/ledger-*.txt` from fixed keys, and holds the
//! files equal to what it would write. After a change of format, look at
//! what `SV_WRITE_VECTORS=1 cargo test -p sv-ledger vectors_are` changes.

use std::fmt::{Debug, Write};
use std::path::PathBuf;

use data_encoding::HEXLOWER;
use sv_ledger::apply::Reject;
use sv_ledger::codec::ParseError;
use sv_ledger::digest::Accumulator;
use sv_ledger::enc::Statement;
use sv_ledger::entry::{Entry, EntryBody, Ops, PutOp, StateOp};
use sv_ledger::genesis::{Genesis, VaultKind};
use sv_ledger::handle::Handle;
use sv_ledger::id::{ContentId, Hash, InstanceId, NodeId, VaultId};
use sv_ledger::limits::{BLOCK_LEN, BLOCKS_PER_CONTENT, CHUNK_LEN};
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::sealed::{SEALED_BLOCK_LEN, block_count, box_len, content_len, is_content_shape};
use sv_ledger::state::{Leaf, Role, VaultState};
use sv_ledger::unlock::{Unlockers, blob_hash, recovery_challenge};

use crate::fixture::*;

struct File {
    name: &'static str,
    text: String,
}

impl File {
    fn new(name: &'static str, about: &str) -> Self {
        let text = format!(
            "{about}\n\nEach section is `# kind, what it shows`; its lines are `name: value`, \
             hexadecimal but for\nnumbers and verdicts. A verdict is `Ok` or the name of the refusal.\n"
        );
        Self { name, text }
    }

    fn section(&mut self, kind: &str, title: &str) -> &mut Self {
        writeln!(self.text, "\n# {kind}, {title}").unwrap();
        self
    }

    fn line(&mut self, name: &str, value: impl std::fmt::Display) -> &mut Self {
        let value = value.to_string();
        let gap = if value.is_empty() { "" } else { " " };
        writeln!(self.text, "{name}:{gap}{value}").unwrap();
        self
    }

    fn hex(&mut self, name: &str, bytes: &[u8]) -> &mut Self {
        self.line(name, HEXLOWER.encode(bytes))
    }

    fn verdict<E: Debug>(&mut self, verdict: Result<(), E>) -> &mut Self {
        let text = verdict.map_or_else(|e| format!("{e:?}").replace('"', ""), |()| "Ok".into());
        self.line("verdict", text)
    }

    fn settle(&self) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../docs/spec/vectors")
            .join(self.name);
        if std::env::var_os("SV_WRITE_VECTORS").is_some() {
            std::fs::write(&path, &self.text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap();
        assert!(kept == self.text, "{} is not what is generated", self.name);
    }
}

#[test]
fn the_vectors_are_those_of_this_code() {
    for file in [objects(), logs(), digests(), lengths(), handles()] {
        file.settle();
    }
}

/// A drive with everything that an entry can hold, and an account.
fn sample() -> (Log, Log) {
    let mut drive = Log::drive(1);
    let StateOp::Put(op) = put(2, 1) else {
        unreachable!()
    };
    let with_contents = StateOp::Put(PutOp {
        added: vec![content(1, 0), content(2, 1000), content(3, 9 << 20)],
        ..op
    });
    drive.append(Ops::state(vec![put(1, 1), with_contents]));
    let StateOp::Put(op) = put(2, 2) else {
        unreachable!()
    };
    let with_drops = StateOp::Put(PutOp {
        added: vec![content(4, BLOCK_LEN as u64)],
        dropped: vec![ContentId::new([1; 16]), ContentId::new([3; 16])],
        ..op
    });
    drive.append(Ops::state(vec![delete(1), with_drops, put(3, 1)]));
    drive.bump();
    drive.append(Ops::state(vec![put(1, 1), put(3, 2)]));
    (drive, Log::account(2, "zoë"))
}

/// A group, and a share that goes through every operation, with a title for
/// each entry. The share's group is named as it stands when its entry is made.
pub(crate) fn shared_sample() -> (Log, Log, Vec<&'static str>) {
    let (editor, viewer) = (Author::new(4), Author::new(5));
    let mut group = Log::of_kind(VaultKind::Group, 6);
    group.admit(&editor, Role::Manager);
    let mut share = Log::of_kind(VaultKind::Shared, 3);
    share.admit(&viewer, Role::Viewer);
    share.append(Ops::Membership(vec![grant_until(
        &Author::new(7),
        Role::Contributor,
        START_MS + 3,
    )]));
    share.admit_vault(&group, Role::Editor);
    let path = vec![via(group.membership())];
    let ops = Ops::state(vec![put(1, 1)]);
    let body = share
        .now()
        .compose_as(&editor, Some(Role::Editor), path, ops);
    share.push(editor.sign(body));
    let ended = vec![MembershipOp::Expire(Author::new(7).id), epoch_op(3, false)];
    share.append(Ops::Membership(ended));
    share.append(Ops::Membership(vec![role_op(viewer.id, Role::Contributor)]));
    let id = share.genesis.vault_id();
    let newer = viewer.rotated();
    share.append_by(&viewer, vec![rekey_person(id, &newer), epoch_op(3, false)]);
    group.bump();
    share.principals.insert(group.membership().clone());
    let ops = vec![rekey_vault(group.membership()), epoch_op(3, false)];
    share.append(Ops::Membership(ops));
    share.append(Ops::Membership(vec![MembershipOp::Transfer(viewer.id)]));
    share.append(Ops::Membership(vec![MembershipOp::Leave]));
    let group_id = group.genesis.vault_id();
    share.append_by(
        &newer,
        vec![MembershipOp::Revoke(group_id), epoch_op(1, false)],
    );
    let titles = vec![
        "first key",
        "a grant",
        "a grant that ends",
        "a grant to a group",
        "a record by an editor through the group",
        "the end of a grant, with a new key",
        "another role",
        "a member's new keys, with a new key",
        "the group's new key, with a new key",
        "a transfer",
        "a leave",
        "a revocation, with a new key",
    ];
    assert_eq!(titles.len(), share.entries.len());
    (group, share, titles)
}

fn entry_title(log: &Log, entry: &Entry) -> String {
    let kind = if log.genesis.body().kind == VaultKind::Drive {
        "drive"
    } else {
        "account"
    };
    let seq = entry.body().seq;
    let what = match (seq, entry.is_membership(), kind) {
        (1, true, "account") => "first key and handle",
        (1, true, _) => "first key",
        (_, true, _) => "next key",
        (2, ..) => "two new records, one with contents",
        (3, ..) => "a deletion, a new revision that drops contents, a new record",
        _ => "a deleted node made anew, a second revision",
    };
    format!("{kind} {seq}: {what}")
}

fn objects() -> File {
    let mut f = File::new(
        "ledger-objects.txt",
        "Signed objects of SV1 (docs/spec/log.md §2 and §3, docs/spec/account.md §1 and §2): their \
         bytes,\nhashes and what is signed. Signing keys are the Ed25519 seeds 0101…01 (drive), \
         0202…02 (account),\n0303…03 (share), 0606…06 (group) and those of their members.\n`malformed` bytes are refused by the parser of the type.",
    );
    let (drive, account) = sample();
    for (title, log) in [("a drive", &drive), ("an account", &account)] {
        let genesis = &log.genesis;
        f.section("genesis", title)
            .hex("bytes", &genesis.to_bytes())
            .hex("kem_hash", genesis.body().kem_pk.hash().as_bytes())
            .hex("hash", genesis.hash().as_bytes())
            .hex(
                "signing_input",
                &Statement::Genesis.signing_input(&genesis.hash()),
            )
            .hex("vault_id", genesis.vault_id().as_bytes());
    }
    for log in [&drive, &account] {
        for entry in &log.entries {
            f.section("entry", &entry_title(log, entry))
                .hex("public_key", log.owner.sign_pk().as_bytes())
                .hex("bytes", &entry.to_bytes())
                .hex("hash", entry.hash().as_bytes())
                .hex(
                    "signing_input",
                    &Statement::Entry.signing_input(&entry.hash()),
                );
        }
    }
    let (group, share, titles) = shared_sample();
    for (title, log) in [("a group", &group), ("a share", &share)] {
        let genesis = &log.genesis;
        f.section("genesis", title)
            .hex("bytes", &genesis.to_bytes())
            .hex("kem_hash", genesis.body().kem_pk.hash().as_bytes())
            .hex("hash", genesis.hash().as_bytes())
            .hex(
                "signing_input",
                &Statement::Genesis.signing_input(&genesis.hash()),
            )
            .hex("vault_id", genesis.vault_id().as_bytes());
    }
    let authors = [3, 3, 3, 3, 4, 3, 3, 5, 3, 3, 3, 105].map(|seed| {
        let key = Author::new(seed);
        key.sign_pk()
    });
    for ((entry, title), key) in share.entries.iter().zip(titles).zip(authors) {
        f.section("entry", &format!("share {}: {title}", entry.body().seq))
            .hex("public_key", key.as_bytes())
            .hex("bytes", &entry.to_bytes())
            .hex("hash", entry.hash().as_bytes())
            .hex(
                "signing_input",
                &Statement::Entry.signing_input(&entry.hash()),
            );
    }
    let unlockers = account
        .owner
        .sign_unlockers(unlockers_body(account.owner.id));
    let hash = unlockers.claimed().hash();
    f.section("unlockers", "a password and a recovery key")
        .hex("public_key", account.owner.sign_pk().as_bytes())
        .hex("bytes", &unlockers.to_bytes())
        .hex("hash", hash.as_bytes())
        .hex("signing_input", &Statement::Unlockers.signing_input(&hash));
    for handle in ["zoë", "bob"] {
        let handle = Handle::parse(handle).unwrap();
        let hash = recovery_challenge(&InstanceId::new([0x11; 32]), &handle, &[0x44; 32]);
        f.section("recovery challenge", &format!("to {handle}"))
            .hex("instance_id", &[0x11; 32])
            .hex("handle", handle.as_str().as_bytes())
            .hex("nonce", &[0x44; 32])
            .hex("hash", hash.as_bytes())
            .hex(
                "signing_input",
                &Statement::RecoveryProof.signing_input(&hash),
            );
    }
    for (title, bytes) in [("empty", &b""[..]), ("three bytes", b"abc")] {
        f.section("body", title)
            .hex("bytes", bytes)
            .hex("hash", blob_hash(bytes).as_bytes());
    }
    malformed(&mut f, &drive, &account, &unlockers);
    f
}

fn malformed(f: &mut File, drive: &Log, account: &Log, unlockers: &Unlockers) {
    let mut refused = |kind: &str, title: &str, bytes: Vec<u8>| {
        let verdict: Result<(), ParseError> = match kind {
            "genesis" => Genesis::parse(&bytes).map(drop),
            "entry" => Entry::parse(&bytes).map(drop),
            _ => Unlockers::parse(&bytes).map(drop),
        };
        assert!(verdict.is_err(), "{title}");
        f.section("malformed", &format!("{kind}: {title}"))
            .line("type", kind)
            .hex("bytes", &bytes)
            .verdict(verdict);
    };
    let set = |bytes: &[u8], at: usize, value: u8| {
        let mut bytes = bytes.to_vec();
        bytes[at] = value;
        bytes
    };
    let cut = |bytes: &[u8]| bytes[..bytes.len() - 1].to_vec();
    let longer = |bytes: &[u8]| [bytes, &[0]].concat();

    let bytes = drive.genesis.to_bytes();
    for suite in [0, 2, 255] {
        refused("genesis", &format!("suite {suite}"), set(&bytes, 0, suite));
    }
    refused("genesis", "kind 0", set(&bytes, 1, 0));
    refused("genesis", "kind 5", set(&bytes, 1, 5));
    refused("genesis", "content suite 2", set(&bytes, 2, 2));
    refused("genesis", "one byte short", cut(&bytes));
    refused("genesis", "one byte long", longer(&bytes));

    let first = drive.entries[0].to_bytes();
    for suite in [0, 2, 255] {
        refused("entry", &format!("suite {suite}"), set(&first, 0, suite));
    }
    let via = 1 + 32 + 8 + 32 + 8 + 32 + 4 + 32 + 4;
    let ops = via + 1 + 8;
    let head = &first[..ops];
    let with = |tail: &[u8]| [head, tail].concat();
    refused("entry", "one byte short", cut(&first));
    refused("entry", "one byte long", longer(&first));
    refused("entry", "operations of kind 0", set(&first, ops, 0));
    refused("entry", "operations of kind 3", set(&first, ops, 3));
    refused("entry", "no operations", with(&[2, 0, 0]));
    refused("entry", "501 state operations", with(&[2, 1, 0xF5]));
    refused("entry", "4097 membership operations", with(&[1, 0x10, 1]));
    refused("entry", "65535 that are not there", with(&[2, 0xFF, 0xFF]));
    refused("entry", "500 that are not there", with(&[2, 1, 0xF4]));
    refused("entry", "membership operation 10", with(&[1, 0, 1, 10]));
    refused("entry", "state operation 3", with(&[2, 0, 1, 3]));
    let path =
        |vaults: &[[u8; 72]]| [&first[..via], &[vaults.len() as u8], &vaults.concat()].concat();
    refused("entry", "5 vaults acted through", path(&[[1; 72]; 5]));
    refused("entry", "a vault acted through twice", {
        let twice = path(&[[1; 72]; 2]);
        [&twice[..], &first[via + 1..]].concat()
    });
    let person = [7; 32];
    let revoke = |id: u8| [&[5][..], &[id; 32]].concat();
    let member_ops = |ops: &[Vec<u8>]| {
        let body = [&[1, 0, ops.len() as u8][..], &ops.concat(), &[0; 96]].concat();
        with(&body)
    };
    refused(
        "entry",
        "members in descending order",
        member_ops(&[revoke(8), revoke(7)]),
    );
    refused(
        "entry",
        "a member twice",
        member_ops(&[revoke(7), [&[6][..], &person].concat()]),
    );
    refused(
        "entry",
        "a leave and another operation",
        member_ops(&[revoke(7), vec![8]]),
    );
    refused(
        "entry",
        "two transfers",
        member_ops(&[[&[9][..], &person].concat(), [&[9][..], &[8; 32]].concat()]),
    );
    refused(
        "entry",
        "role 6",
        member_ops(&[[&[4][..], &person, &[6], &[0; 8]].concat()]),
    );
    let put_head = [&[2, 0, 1, 1][..], &[1; 16], &[0; 8], &[0; 32]].concat();
    let put = |tail: &[u8]| with(&[&put_head, tail].concat());
    refused("entry", "17 contents added", put(&[0, 17]));
    refused("entry", "129 contents dropped", put(&[0, 0, 0, 129]));
    let flag = ops + 3 + 1 + 32 + 1216;
    refused("entry", "previous key 2", set(&first, flag, 2));
    refused(
        "entry",
        "4097 envelopes",
        [&first[..=flag], &[0x10, 1]].concat(),
    );
    refused(
        "entry",
        "handle of 65 bytes",
        with(&[1, 0, 1, 2, 0, 0, 0, 65]),
    );
    let named = account.entries[0].to_bytes();
    let at = named.len() - 64 - 32 - "zoë".len();
    refused(
        "entry",
        "handle not in its normal form",
        set(&named, at, b'Z'),
    );
    refused("entry", "handle not in UTF-8", set(&named, at, 0xFF));
    let state_entry = |ops: Vec<StateOp>| {
        let body = drive.compose(Ops::State(ops));
        drive.owner.sign(body).to_bytes()
    };
    use crate::fixture::put as put_op;
    let put_with = |added, dropped: &[u8]| {
        let StateOp::Put(op) = put_op(7, 1) else {
            unreachable!()
        };
        let dropped = dropped.iter().map(|n| ContentId::new([*n; 16])).collect();
        state_entry(vec![StateOp::Put(PutOp {
            added,
            dropped,
            ..op
        })])
    };
    refused(
        "entry",
        "nodes in descending order",
        state_entry(vec![put_op(6, 1), put_op(5, 1)]),
    );
    refused(
        "entry",
        "a node twice",
        state_entry(vec![put_op(5, 1), delete(5)]),
    );
    refused("entry", "the zero node", state_entry(vec![put_op(0, 1)]));
    let (one, two) = (content(1, 10), content(2, 10));
    refused(
        "entry",
        "contents added in descending order",
        put_with(vec![two, one], &[]),
    );
    refused(
        "entry",
        "a content added twice",
        put_with(vec![one, one], &[]),
    );
    refused(
        "entry",
        "contents dropped in descending order",
        put_with(vec![], &[4, 3]),
    );
    refused(
        "entry",
        "a content added and dropped",
        put_with(vec![one], &[1]),
    );
    let mut short = one;
    short.sealed_len = box_len(0) as u64;
    refused(
        "entry",
        "a content of an impossible length",
        put_with(vec![short], &[]),
    );

    let bytes = unlockers.to_bytes();
    for suite in [0, 2, 255] {
        refused(
            "unlockers",
            &format!("suite {suite}"),
            set(&bytes, 0, suite),
        );
    }
    let count = 1 + 32 + 8 + 4 + 32 + 32;
    let head = &bytes[..count];
    refused("unlockers", "one byte short", cut(&bytes));
    refused("unlockers", "one byte long", longer(&bytes));
    refused("unlockers", "17 of them", [head, &[0, 17]].concat());
    refused("unlockers", "none", [head, &[0, 0], &[0; 64][..]].concat());
    refused("unlockers", "kind 3", set(&bytes, count + 2 + 16, 3));
    let mut swapped = bytes.clone();
    swapped[count + 2] = 9;
    refused("unlockers", "in descending order", swapped);
}

fn leaf_bytes(leaves: &[(NodeId, Leaf)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (node, leaf) in leaves {
        bytes.extend(node.as_bytes());
        bytes.extend(leaf.rev.to_be_bytes());
        bytes.extend(leaf.record_hash.as_bytes());
        bytes.extend(leaf.creator.as_bytes());
        bytes.push(leaf.creator_role.tag());
    }
    bytes
}

fn logs() -> File {
    let mut f = File::new(
        "ledger-logs.txt",
        "Logs of SV1, entry by entry (docs/spec/log.md §4 to §6). `log` starts one from a genesis; \
         `apply`\ngives the verdict on an entry after those accepted before, and the state digest \
         if it is accepted;\n`checkpoint` the verdict on starting from entry `at` with those \
         leaves, verifying the membership\nentries accepted before and replaying the rest.",
    );
    let (drive, account) = sample();
    genesis_verdicts(&mut f);
    start(&mut f, "a drive", &drive.genesis);
    for (k, entry) in drive.entries.iter().enumerate() {
        if k == 1 || k == 3 {
            refused_here(&mut f, &drive, k);
        }
        step(
            &mut f,
            &entry_title(&drive, entry),
            &drive.moments[k],
            entry,
        );
    }
    checkpoints(&mut f, &drive);

    start(&mut f, "an account", &account.genesis);
    let (begin, first) = (&account.moments[0], &account.entries[0]);
    let mut other = |title: &str, ops| {
        let entry = account
            .owner
            .sign(begin.compose(&account.owner, Ops::Membership(ops)));
        step(&mut f, title, begin, &entry);
    };
    other("no handle", vec![account_epoch(&account.owner, true)]);
    other("no key", vec![handle_op("zoë")]);
    other("an envelope", vec![epoch_op(1, true), handle_op("zoë")]);
    step(&mut f, &entry_title(&account, first), begin, first);
    let later = Ops::Membership(vec![account_epoch(&account.owner, false)]);
    let entry = account.owner.sign(account.compose(later));
    step(
        &mut f,
        "a second key without new keys",
        account.now(),
        &entry,
    );
    shared_log(&mut f);
    f
}

/// A group and then a share, with what is refused on the way.
fn shared_log(f: &mut File) {
    let (group, share, titles) = shared_sample();
    start(f, "a group", &group.genesis);
    for (k, entry) in group.entries.iter().enumerate() {
        let title = ["first key", "a grant", "a new key"][k];
        step(
            f,
            &format!("group {}: {title}", k + 1),
            &group.moments[k],
            entry,
        );
        if k > 0 {
            let membership = &group.moments[k + 1].state.membership;
            let keys = membership.principal();
            f.section("principal", &format!("the group after entry {}", k + 1))
                .hex("vault_id", membership.vault_id.as_bytes())
                .line("generation", keys.generation)
                .hex("kem_hash", keys.kem_hash.as_bytes())
                .line("head_seq", keys.head.seq)
                .hex("head_hash", keys.head.hash.as_bytes());
        }
    }
    start(f, "a share", &share.genesis);
    for (k, (entry, title)) in share.entries.iter().zip(titles).enumerate() {
        refused_in_share(f, &share, k);
        let title = format!("share {}: {title}", k + 1);
        f.section("apply", &title)
            .hex("entry", &entry.to_bytes())
            .line("verdict", "Ok")
            .hex(
                "state_digest",
                share.moments[k + 1].state.digest().as_bytes(),
            );
    }
    let leaves = share.moments[5].leaf_list();
    f.section("checkpoint", "share: the entry through the group")
        .line("at", 5)
        .hex("leaves", &leaf_bytes(&leaves))
        .line("verdict", "Ok");
}

fn refused_in_share(f: &mut File, share: &Log, k: usize) {
    let now = &share.moments[k];
    let by = |author: &Author, ops| author.sign(now.compose(author, ops));
    let (owner, stranger) = (&share.owner, Author::new(9));
    let mut refuse = |title: &str, entry: Entry| {
        let verdict = now.step_among(&entry, &share.principals).map(drop);
        assert!(verdict.is_err(), "{title}");
        f.section("apply", title)
            .hex("entry", &entry.to_bytes())
            .verdict(verdict);
    };
    let membership = |ops| Ops::Membership(ops);
    match k {
        1 => {
            let op = grant(&Author::new(5), Role::Owner);
            refuse("a grant as owner", by(owner, membership(vec![op])));
        }
        2 => {
            let op = grant(&stranger, Role::Viewer);
            refuse(
                "a grant by a viewer",
                by(&Author::new(5), membership(vec![op])),
            );
        }
        4 => {
            let editor = Author::new(4);
            let ops = Ops::state(vec![put(1, 1)]);
            let path = share.entries[4].body().via.clone();
            let mut other = path.clone();
            other[0].head.seq -= 1;
            let body = now.compose_as(&editor, Some(Role::Editor), other, ops.clone());
            refuse("a head behind the one on record", editor.sign(body));
            let body = now.compose_as(&stranger, Some(Role::Editor), path, ops.clone());
            refuse("a stranger through the group", stranger.sign(body));
            let ended = Author::new(7);
            refuse("after the expiry", by(&ended, ops));
        }
        7 => {
            let MembershipOp::Rekey(mut op) = share.entries[7].membership_ops()[0].clone() else {
                unreachable!()
            };
            op.proof[0] ^= 1;
            let ops = vec![MembershipOp::Rekey(op)];
            refuse(
                "new keys without their proof",
                by(&Author::new(5), membership(ops)),
            );
        }
        11 => {
            let ops = Ops::state(vec![put(2, 1)]);
            let now_owner = Author::new(5).rotated();
            refuse("a record while a key is due", by(&now_owner, ops));
        }
        _ => {}
    }
}

fn start(f: &mut File, title: &str, genesis: &Genesis) {
    let verdict = VaultState::begin(genesis).map(drop);
    f.section("log", title)
        .hex("genesis", &genesis.to_bytes())
        .verdict(verdict);
}

fn step(f: &mut File, title: &str, before: &Moment, entry: &Entry) {
    let after = before.step(entry);
    f.section("apply", title)
        .hex("entry", &entry.to_bytes())
        .verdict(after.as_ref().map(drop));
    if let Ok(after) = after {
        f.hex("state_digest", after.state.digest().as_bytes());
    }
}

fn genesis_verdicts(f: &mut File) {
    let owner = Author::new(1);
    for (title, kind, creator, generation) in [
        ("an account with a creator", VaultKind::Account, 1, 1),
        ("an account of generation 2", VaultKind::Account, 0, 2),
        ("a drive without a creator", VaultKind::Drive, 0, 1),
        ("a drive of generation 0", VaultKind::Drive, 1, 0),
    ] {
        let mut body = genesis_body(kind, &owner);
        body.creator = VaultId::new([creator; 32]);
        body.creator_generation = generation;
        start(f, title, &owner.sign_genesis(body));
    }
    let body = genesis_body(VaultKind::Drive, &owner);
    start(f, "signed by another", &Author::new(66).sign_genesis(body));
}

/// Refusals in the place of entry `k + 1`.
fn refused_here(f: &mut File, log: &Log, k: usize) {
    let (before, owner) = (&log.moments[k], &log.owner);
    let ops = || Ops::state(vec![put(9, 1)]);
    type Change = fn(&mut EntryBody);
    let changes: [(&str, Change); 9] = [
        ("of another vault", |b| b.vault_id = VaultId::new([9; 32])),
        ("a number too high", |b| b.seq += 1),
        ("a number too low", |b| b.seq -= 1),
        ("another predecessor", |b| b.prev_hash = Hash::new([9; 32])),
        ("membership entries miscounted", |b| b.member_seq += 1),
        ("another membership", |b| b.member_hash = Hash::new([9; 32])),
        ("another generation", |b| b.author_generation += 1),
        ("an older key epoch", |b| b.epoch -= 1),
        ("another state digest", |b| {
            b.state_digest = Hash::new([9; 32]);
        }),
    ];
    for (title, change) in changes {
        let mut body = before.compose(owner, ops());
        change(&mut body);
        step(f, title, before, &owner.sign(body));
    }
    let stranger = Author::new(66);
    let entry = stranger.sign(before.compose(&stranger, ops()));
    step(f, "by a stranger", before, &entry);
    let entry = stranger.sign(before.compose(owner, ops()));
    step(f, "signed by a stranger", before, &entry);
    step(f, "a repeated entry", before, &log.entries[k - 1]);
    let first = |rev| Ops::state(vec![put(9, rev)]);
    let bump = |n, is_first| Ops::Membership(vec![epoch_op(n, is_first)]);
    for (title, ops) in [
        ("a new node of revision 0", first(0)),
        ("a new node of revision 2", first(2)),
        ("a deletion of nothing", Ops::state(vec![delete(9)])),
        ("a key without envelopes", bump(0, false)),
        ("a key with an envelope too many", bump(2, false)),
        ("a key without the one before", bump(1, true)),
        ("a handle", Ops::Membership(vec![handle_op("zoë")])),
    ] {
        step(f, title, before, &owner.sign(before.compose(owner, ops)));
    }
    if before.leaves.contains_key(&node(2)) {
        for rev in [1, 2, 4] {
            let ops = Ops::state(vec![put(2, rev)]);
            let entry = owner.sign(before.compose(owner, ops));
            step(f, &format!("revision {rev} after 2"), before, &entry);
        }
    }
}

fn checkpoints(f: &mut File, log: &Log) {
    let chain = log.chain();
    let mut checkpoint = |title: &str, at: usize, leaves: &[(NodeId, Leaf)]| {
        let verdict = log.bootstrap(&chain, at, leaves, &log.entries[at..]);
        f.section("checkpoint", title)
            .line("at", at)
            .hex("leaves", &leaf_bytes(leaves))
            .verdict::<Reject>(verdict.map(drop));
    };
    for at in 1..=log.entries.len() {
        let leaves = log.moments[at].leaf_list();
        checkpoint(&format!("from entry {at}"), at, &leaves);
    }
    let leaves = log.now().leaf_list();
    checkpoint("a leaf left out", 5, &leaves[1..]);
    checkpoint("leaves of an earlier entry", 5, &log.moments[3].leaf_list());
    let mut planted = leaves.clone();
    planted.push((node(200), leaves[0].1));
    checkpoint("a planted leaf", 5, &planted);
    let mut doubled = leaves.clone();
    doubled.insert(0, leaves[0]);
    checkpoint("a leaf twice", 5, &doubled);
    let mut reversed = leaves;
    reversed.reverse();
    checkpoint("in descending order", 5, &reversed);
}

fn digests() -> File {
    let mut f = File::new(
        "ledger-digests.txt",
        "State digests of SV1 (docs/spec/log.md §5). A leaf is node id (16 bytes), revision (8), \
         record\nhash (32), creator (32) and creator's role (1); `accumulator` is the sum over \
         them, little-endian.",
    );
    let leaf = |n: u8, rev, role| {
        let leaf = Leaf {
            rev,
            record_hash: Hash::new([n; 32]),
            creator: VaultId::new([n ^ 0xFF; 32]),
            creator_role: role,
        };
        (node(n), leaf)
    };
    let (a, b) = (
        leaf(1, 1, Role::Owner),
        leaf(2, u64::MAX, Role::Contributor),
    );
    for (title, vault, leaves) in [
        ("none", 1, vec![]),
        ("none, of another vault", 2, vec![]),
        ("one", 1, vec![a]),
        ("the same one, of another vault", 2, vec![a]),
        ("two", 1, vec![a, b]),
        ("another role", 1, vec![leaf(1, 1, Role::Editor)]),
        ("another revision", 1, vec![leaf(1, 2, Role::Owner)]),
    ] {
        let vault = VaultId::new([vault; 32]);
        let mut sum = Accumulator::default();
        for (node, leaf) in &leaves {
            sum.insert(&vault, node, leaf);
        }
        f.section("leaves", title)
            .hex("vault_id", vault.as_bytes())
            .hex("leaves", &leaf_bytes(&leaves))
            .hex("accumulator", &sum.to_bytes())
            .hex("state_digest", sum.digest(&vault).as_bytes());
    }
    f
}

fn lengths() -> File {
    let mut f = File::new(
        "ledger-lengths.txt",
        "How long sealed bytes are (docs/spec/box.md §3, docs/spec/content.md). `box` is one Box; \
         `content` a\nwhole content of `size` bytes; `shape` whether a content can have that \
         sealed length in that many\nblocks.",
    );
    for plaintext in [
        0,
        1,
        32,
        256,
        CHUNK_LEN - 1,
        CHUNK_LEN,
        CHUNK_LEN + 1,
        BLOCK_LEN - 1,
        BLOCK_LEN,
    ] {
        f.section("box", &format!("of {plaintext} bytes"))
            .line("plaintext", plaintext)
            .line("sealed", box_len(plaintext));
    }
    let block = BLOCK_LEN as u64;
    let most = block * u64::from(BLOCKS_PER_CONTENT);
    for size in [
        0,
        1,
        CHUNK_LEN as u64,
        block - 1,
        block,
        block + 1,
        2 * block,
        2 * block + 1,
        most - 1,
        most,
        most + 1,
        u64::MAX,
    ] {
        f.section("content", &format!("of {size} bytes"))
            .line("size", size);
        match (content_len(size), block_count(size)) {
            (Some(sealed), Some(blocks)) => f
                .line("sealed", sealed)
                .line("blocks", blocks)
                .verdict::<()>(Ok(())),
            _ => f.line("verdict", "Refused"),
        };
    }
    let full = SEALED_BLOCK_LEN as u64;
    for (title, sealed, blocks) in [
        ("empty", 0, 0),
        ("one byte", box_len(1) as u64, 1),
        ("a full block", full, 1),
        ("a block and a byte", full + box_len(1) as u64, 2),
        ("bytes without a block", box_len(1) as u64, 0),
        ("a block without bytes", 0, 1),
        ("an empty block", box_len(0) as u64, 1),
        (
            "an empty block behind a full one",
            full + box_len(0) as u64,
            2,
        ),
        ("a block too long", full + 1, 1),
        ("a block too few", 2 * full, 1),
        ("a block too many", full, 2),
        (
            "a chunk shorter than its tag",
            (56 + CHUNK_LEN + 16 + 3) as u64,
            1,
        ),
        ("everything too large", u64::MAX, u32::MAX),
    ] {
        let verdict = if is_content_shape(sealed, blocks) {
            "Ok"
        } else {
            "Refused"
        };
        f.section("shape", title)
            .line("sealed", sealed)
            .line("blocks", blocks)
            .line("verdict", verdict);
    }
    f
}

fn handles() -> File {
    let mut f = File::new(
        "ledger-handles.txt",
        "Handles of SV1 (docs/spec/log.md §3.2): what a person typed and its normal form, both in \
         UTF-8.",
    );
    let long = "a".repeat(64);
    let too_long = "a".repeat(65);
    let too_long_bytes = "é".repeat(33);
    for (title, text) in [
        ("ASCII", "alice"),
        ("upper case", "Alice"),
        ("digits and punctuation", "a-b_c.9"),
        ("accent", "zoë"),
        ("accent in upper case", "ZOË"),
        ("accent in two characters", "zoe\u{308}"),
        ("full width", "ｚｏë"),
        ("Greek", "ΑΛΙΚΗ"),
        ("Cyrillic", "Алиса"),
        ("Han", "爱丽丝"),
        ("Hebrew", "אליס"),
        ("64 bytes", long.as_str()),
        ("65 bytes", too_long.as_str()),
        ("33 characters of two bytes", too_long_bytes.as_str()),
        ("empty", ""),
        ("a space", "a b"),
        ("a space at the end", "alice "),
        ("a null character", "a\0"),
        ("a line break", "a\nb"),
        ("a slash", "a/b"),
        ("an at sign", "@a"),
        ("a bidi override", "x\u{202e}y"),
        ("a zero-width space", "a\u{200b}b"),
        ("both directions", "aא"),
        ("an emoji", "a\u{1f600}"),
        (
            "a Cherokee capital, whose normal form is refused",
            "\u{13a0}",
        ),
        ("reserved", "admin"),
        ("reserved in upper case", "Root"),
    ] {
        let handle = Handle::choose(text);
        f.section("handle", title).hex("text", text.as_bytes());
        if let Ok(handle) = &handle {
            f.hex("normal_form", handle.as_str().as_bytes());
        }
        f.verdict(handle.map(drop));
    }
    f
}
