//! Every table of the schema, and whether it moves.

use std::sync::LazyLock;

/// A table that moves, with its statements.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns, the primary key's first.
    pub columns: Vec<&'static str>,
    /// How many of them are the primary key.
    pub key_len: usize,
    /// Rows that are read together: few, where a row may be long.
    pub(super) page: u32,
    pub(super) first: String,
    pub(super) after: String,
    pub(super) last_key: String,
    pub(super) insert: String,
}

/// Tables that stay behind, and why.
pub const STAY: &[(&str, &str)] = &[
    ("leases", "of the servers on this database"),
    ("reserved_files", "nobody stores a block while all is moved"),
    ("discarded_files", "blocks that go are not copied"),
    ("block_parts", "blocks are copied by name, see `blocks.rs`"),
];

/// Tables that move, in the order in which they do. `blocks` comes last but
/// one, so that what it names is looked at when all else is there.
pub static MOVE: LazyLock<Vec<Table>> = LazyLock::new(|| {
    const SHORT: u32 = 500;
    vec![
        table(
            "instance",
            &["id"],
            &[
                "opaque_setup",
                "credential_key",
                "opaque_public_key",
                "nonce",
                "nestings",
            ],
            SHORT,
        ),
        table(
            "accounts",
            &["uid"],
            &[
                "handle",
                "administrator",
                "disabled",
                "created_ms",
                "password_record",
                "unlockers",
                "unlockers_version",
                "totp",
                "totp_last_step",
                "new_totp",
                "new_totp_until_ms",
                "deleted_from_ms",
            ],
            50,
        ),
        table("wraps", &["uid", "unlocker_id"], &["sealed"], SHORT),
        table(
            "backup_codes",
            &["uid", "code_hash"],
            &["is_reset", "used_ms"],
            SHORT,
        ),
        table(
            "signups",
            &["uid"],
            &["handle", "request", "totp", "backup_codes", "expires_ms"],
            4,
        ),
        table(
            "invitations",
            &["code_hash"],
            &[
                "invitation_id",
                "administrator",
                "is_first",
                "created_ms",
                "expires_ms",
                "taken_by",
            ],
            SHORT,
        ),
        table(
            "sessions",
            &["token_hash"],
            &[
                "session_id",
                "uid",
                "kind",
                "device_label",
                "device_hash",
                "created_ms",
                "last_used_ms",
                "expires_ms",
                "proved_until_ms",
                "half",
            ],
            SHORT,
        ),
        table(
            "restored",
            &["id"],
            &["restore_id", "restored_ms", "backup_ms"],
            SHORT,
        ),
        table("devices", &["token_hash"], &["uid", "last_used_ms"], SHORT),
        table(
            "logins",
            &["login_id"],
            &[
                "uid",
                "session_id",
                "state",
                "device",
                "buckets",
                "expires_ms",
            ],
            SHORT,
        ),
        table(
            "recovery_nonces",
            &["nonce"],
            &["handle", "expires_ms"],
            SHORT,
        ),
        table("rate_limits", &["bucket"], &["free_at_ms"], SHORT),
        table(
            "audit_chain",
            &["id"],
            &[
                "seq",
                "hash",
                "pruned_seq",
                "pruned_hash",
                "public_key",
                "secret_key",
            ],
            SHORT,
        ),
        table(
            "audit_events",
            &["event_id"],
            &["at_ms", "kind", "actor", "subject", "network", "detail"],
            SHORT,
        ),
        table(
            "audit_rows",
            &["seq"],
            &[
                "at_ms", "kind", "actor", "subject", "network", "detail", "hash", "mac",
            ],
            SHORT,
        ),
        table(
            "audit_checkpoints",
            &["seq"],
            &["hash", "at_ms", "signature"],
            SHORT,
        ),
        table(
            "accesses",
            &["vault_id", "access_id"],
            &["principal", "content_id", "first_ms", "last_ms", "blocks"],
            SHORT,
        ),
        table(
            "vaults",
            &["vault_id"],
            &[
                "kind",
                "owner",
                "genesis",
                "state",
                "head_seq",
                "head_hash",
                "checkpoint_seq",
                "leaves_from",
                "created_ms",
            ],
            4,
        ),
        table("removed_vaults", &["vault_id"], &[], SHORT),
        table(
            "named_vaults",
            &["vault_id", "named_id"],
            &["nesting"],
            SHORT,
        ),
        table("remains", &["vault_id"], &["kind", "genesis", "state"], 4),
        table(
            "members",
            &["principal", "vault_id"],
            &["role", "expires_ms"],
            SHORT,
        ),
        table(
            "entries",
            &["vault_id", "seq"],
            &["hash", "is_membership", "bytes"],
            4,
        ),
        table(
            "leaves",
            &["vault_id", "node_id", "since_seq"],
            &[
                "until_seq",
                "until_ms",
                "rev",
                "record_hash",
                "creator",
                "creator_role",
            ],
            SHORT,
        ),
        table(
            "bodies",
            &["vault_id", "hash"],
            &["is_envelope", "bytes"],
            2,
        ),
        table(
            "envelopes_ahead",
            &["vault_id", "hash"],
            &["seq", "until_ms"],
            SHORT,
        ),
        table(
            "contents",
            &["content_id"],
            &[
                "uploader",
                "committed",
                "revision",
                "sealed_len",
                "block_count",
                "blocks_root",
                "created_ms",
                "expires_ms",
            ],
            SHORT,
        ),
        table(
            "content_refs",
            &["vault_id", "node_id", "content_id"],
            &["owner"],
            SHORT,
        ),
        table("quotas", &["uid"], &["quota_bytes", "used_bytes"], SHORT),
        table(
            "unreferenced_contents",
            &["content_id"],
            &["not_before_ms"],
            SHORT,
        ),
        table(
            "blocks",
            &["content_id", "idx"],
            &["len", "hash", "file", "data"],
            16,
        ),
    ]
});

fn table(name: &'static str, key: &[&'static str], rest: &[&'static str], page: u32) -> Table {
    let columns: Vec<_> = key.iter().chain(rest).copied().collect();
    let (all, order) = (columns.join(", "), key.join(", "));
    let marks = vec!["?"; columns.len()].join(", ");
    let backwards: Vec<_> = key.iter().map(|column| format!("{column} DESC")).collect();
    Table {
        first: format!("SELECT {all} FROM {name} ORDER BY {order} LIMIT ?"),
        after: format!(
            "SELECT {all} FROM {name} WHERE {} ORDER BY {order} LIMIT ?",
            beyond(key)
        ),
        last_key: format!(
            "SELECT {order} FROM {name} ORDER BY {} LIMIT 1",
            backwards.join(", ")
        ),
        insert: format!("INSERT INTO {name} ({all}) VALUES ({marks})"),
        name,
        columns,
        key_len: key.len(),
        page,
    }
}

/// Rows beyond a key, in words for which every engine uses the index. The
/// key's values are wanted as often as [`key_values`] repeats them.
fn beyond(key: &[&str]) -> String {
    let one = |place: usize| {
        let before = key.iter().take(place).map(|column| format!("{column} = ?"));
        let here = key.get(place).map(|column| format!("{column} > ?"));
        before.chain(here).collect::<Vec<_>>().join(" AND ")
    };
    let ways: Vec<_> = (0..key.len())
        .map(|place| format!("({})", one(place)))
        .collect();
    ways.join(" OR ")
}

/// A key's values as the placeholders of [`beyond`] want them.
pub(super) fn key_values<T: Clone>(key: &[T]) -> Vec<T> {
    (1..=key.len())
        .flat_map(|len| key.iter().take(len).cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_several_columns_is_compared_in_order() {
        assert_eq!(beyond(&["a"]), "(a > ?)");
        assert_eq!(
            beyond(&["a", "b", "c"]),
            "(a > ?) OR (a = ? AND b > ?) OR (a = ? AND b = ? AND c > ?)"
        );
        assert_eq!(key_values(&[1, 2, 3]), [1, 1, 2, 1, 2, 3]);
    }
}
