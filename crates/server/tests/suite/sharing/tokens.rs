//! A vault whose genesis says that it keeps Fernet tokens.

use sv_api::ErrorCode;
use sv_api::vault::AppendRequest;
use sv_ledger::genesis::VaultKind;
use sv_ledger::limits::BLOCK_LEN;
use sv_ledger::sealed::{ContentSuite, token_len};
use sv_ledger::state::Role;
use sv_server::service::Result;
use sv_server::service::vault::Write;

use super::signer::{Shared, Signer};
use crate::author::{INSTANCE, Put, content, content_id, sealed};
use crate::world::World;

async fn send(world: &World, author: &Signer, request: AppendRequest) -> Result<u64> {
    let vault_id = request.entry.body().vault_id;
    let access = world
        .vaults
        .authorise::<Write>(author.uid, vault_id)
        .await?;
    Ok(world.vaults.append(&access, request).await?.seq)
}

/// The text of a token is cut into full blocks of 4 MiB, and nothing else is
/// taken there. Fails if blocks are counted as those of the other suite.
#[tokio::test]
async fn a_vault_of_tokens_takes_tokens_cut_as_they_are_to_be() {
    let world = World::new().await;
    let (person, _) = world.person(1).await;
    let alice = Signer::of(&person.key, &person.account);
    let (kind, suite) = (VaultKind::Shared, ContentSuite::Fernet);
    let (new, mut vault) = Shared::begin_of(&alice, kind, suite, INSTANCE, world.now_ms());
    world.vaults.create(alice.uid, INSTANCE, new).await.unwrap();

    let text = vec![b'A'; token_len(4_000_000).unwrap() as usize];
    let put = |vault: &Shared, node, added| {
        let change = Put::new(node, "t").adding(added);
        vault.put(&alice, &[], Role::Owner, vec![change], world.now_ms())
    };
    for (id, cut, is_taken) in [(1, BLOCK_LEN, true), (2, BLOCK_LEN - 4, false)] {
        let (first, second) = text.split_at(cut);
        for (index, block) in [first, second].into_iter().enumerate() {
            let done = world.put(alice.uid, content_id(id), index as u32, block);
            done.await.unwrap();
        }
        let request = put(&vault, id, content(id, &[first, second]));
        let done = send(&world, &alice, request.clone()).await;
        match done {
            Ok(_) => vault.accept(&request.entry),
            Err(error) => assert_eq!(error.code(), ErrorCode::BlocksMissing),
        }
        assert_eq!(vault.state.head.hash == request.entry.hash(), is_taken);
    }
    // A block of the other suite is no token, and no entry says it is.
    let block = sealed(100_000, 1);
    world
        .put(alice.uid, content_id(3), 0, &block)
        .await
        .unwrap();
    let request = put(&vault, 3, content(3, &[&block]));
    let refused = send(&world, &alice, request).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Rejected);
    world.assert_whole().await;
}
