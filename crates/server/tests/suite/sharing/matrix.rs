//! Every endpoint × everybody who may or may not have to do with a shared
//! vault, over the router. An endpoint that is new fails here until somebody
//! says whom it lets in.

use axum::body::Body;
use axum::http::Request;
use sv_api::endpoint::*;
use sv_api::vault::{AppendRequest, BodiesRequest, ContentsRequest};
use sv_api::wire::Empty;
use sv_api::{ApiError, Auth, EndpointInfo, ErrorCode, Wire};
use sv_ledger::entry::Via;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::{AccessId, InvitationId, NodeId, SessionId, VaultId};
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::state::Role;

use super::signer::{Shared, Signer, grant, grant_until};
use crate::account::actor::{Draft, Person, World};
use crate::author::{Put, content_id, sealed};

const MINUTE_MS: u64 = 60 * 1000;

/// What an endpoint does with a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Nothing: it is about the caller alone, or about nobody.
    Nothing,
    /// Shows something that every member may see, and nobody else.
    Read,
    /// Adds a record.
    Append,
}

fn does(info: &EndpointInfo) -> Does {
    let does = match info.name {
        "GetInstance"
        | "SignupStart"
        | "SignupFinish"
        | "SignupConfirm"
        | "LoginStart"
        | "LoginFinish"
        | "LoginSecondFactor"
        | "RecoveryStart"
        | "RecoveryFinish"
        | "GetAccount"
        | "ProofStart"
        | "ProofFinish"
        | "PasswordStart"
        | "GetUnlockers"
        | "ReplaceUnlockers"
        | "TotpStart"
        | "TotpFinish"
        | "NewBackupCodes"
        | "ListSessions"
        | "EndSession"
        | "KeepSessionHalf"
        | "GetSessionHalf"
        | "Logout"
        | "ListVaults"
        | "DeleteAccount"
        | "GetServerStatus"
        | "ListPeople"
        | "SetPersonQuota"
        | "SetPersonDisabled"
        | "ResetPersonSecondFactor"
        | "ListInvitations"
        | "CreateInvitation"
        | "RevokeInvitation"
        | "CreateVault"
        | "LookUpHandles"
        | "PutBlock"
        | "GetUpload"
        | "CancelUpload" => Some(Does::Nothing),
        "GetMembership" | "GetCheckpoint" | "GetLeaves" | "GetEntries" | "GetBodies"
        | "GetContents" | "GetBlock" | "GetBlockHashes" | "ListAccesses" => Some(Does::Read),
        "AppendEntry" => Some(Does::Append),
        _ => None,
    };
    does.expect("a new endpoint: say here what it does with a vault, and for whom")
}

/// Somebody, and what the vault lets them do.
struct Caller {
    name: &'static str,
    person: Option<(Person, Signer)>,
    role: Option<Role>,
    via: Vec<Via>,
}

struct Cast {
    world: World,
    vault: Shared,
    callers: Vec<Caller>,
}

async fn sign_up(world: &World, handle: &str) -> (Person, Signer) {
    let draft = Draft::new(world, handle, None).await;
    let account = draft.request.account.clone();
    let person = draft.confirm(world).await.unwrap();
    let signer = Signer::of(&person.identity, &account);
    (person, signer)
}

async fn send(world: &World, who: &(Person, Signer), vault: &Shared, request: &AppendRequest) {
    let endpoint = AppendEntry {
        vault: vault.vault_id(),
    };
    let session = Some(who.0.session.as_str());
    world.call(endpoint, session, request).await.unwrap();
}

async fn make(world: &World, owner: &(Person, Signer), kind: VaultKind) -> Shared {
    let instance = world.instance().await.instance_id;
    let (new, vault) = Shared::begin(&owner.1, kind, instance, world.now_ms());
    let session = Some(owner.0.session.as_str());
    world.call(CreateVault, session, &new).await.unwrap();
    vault
}

async fn cast() -> Cast {
    let world = World::open().await;
    let owner = sign_up(&world, "owner").await;
    let roles = [
        ("viewer", Role::Viewer),
        ("contributor", Role::Contributor),
        ("editor", Role::Editor),
        ("manager", Role::Manager),
    ];
    let mut callers = Vec::new();
    let mut grants = Vec::new();
    for (name, role) in roles {
        let person = sign_up(&world, name).await;
        grants.push(grant(person.1.uid, person.1.keys, role));
        callers.push(Caller {
            name,
            person: Some(person),
            role: Some(role),
            via: Vec::new(),
        });
    }
    let former = sign_up(&world, "former").await;
    let expired = sign_up(&world, "expired").await;
    let grouped = sign_up(&world, "grouped").await;
    let stranger = sign_up(&world, "stranger").await;
    let mut vault = make(&world, &owner, VaultKind::Shared).await;
    let mut group = make(&world, &owner, VaultKind::Group).await;

    let now = world.now_ms();
    let in_group = vec![grant(grouped.1.uid, grouped.1.keys, Role::Editor)];
    let request = group.change(&owner.1, &[], in_group, false, now);
    send(&world, &owner, &group, &request).await;
    group.accept(&request.entry);
    vault.knows(&group);
    grants.push(grant(group.vault_id(), group.keys(), Role::Manager));
    grants.push(grant(former.1.uid, former.1.keys, Role::Manager));
    let until = now + MINUTE_MS;
    grants.push(grant_until(
        expired.1.uid,
        expired.1.keys,
        Role::Manager,
        until,
    ));
    let request = vault.change(&owner.1, &[], grants, false, now);
    send(&world, &owner, &vault, &request).await;
    vault.accept(&request.entry);
    let block = Put::new(1, "a").inline(1, sealed(100, 1));
    let request = vault.put(&owner.1, &[], Role::Owner, vec![block], now);
    send(&world, &owner, &vault, &request).await;
    vault.accept(&request.entry);
    let ops = vec![MembershipOp::Revoke(former.1.uid)];
    let request = vault.change(&owner.1, &[], ops, true, now);
    send(&world, &owner, &vault, &request).await;
    vault.accept(&request.entry);
    world.pass(MINUTE_MS);

    let none = |name, person| Caller {
        name,
        person,
        role: None,
        via: Vec::new(),
    };
    callers.extend([
        Caller {
            name: "owner",
            person: Some(owner),
            role: Some(Role::Owner),
            via: Vec::new(),
        },
        Caller {
            name: "via group",
            person: Some(grouped),
            role: Some(Role::Editor),
            via: vec![group.via()],
        },
        none("ex-member", Some(former)),
        none("expired", Some(expired)),
        none("stranger", Some(stranger)),
        none("anonymous", None),
    ]);
    Cast {
        world,
        vault,
        callers,
    }
}

/// The path for the vault, and a body that only the caller can make wrong.
fn request(cast: &Cast, info: &EndpointInfo, caller: &Caller) -> (String, Vec<u8>) {
    let path = info
        .path
        .replace("{vault}", &cast.vault.vault_id().to_string())
        .replace("{of}", &cast.vault.vault_id().to_string())
        .replace("{content}", &content_id(1).to_string())
        .replace("{person}", &VaultId::new([0xee; 32]).to_string())
        .replace("{invitation}", &InvitationId::new([1; 16]).to_string())
        .replace("{index}", "0")
        .replace("{at}", &cast.vault.state.head.seq.to_string())
        .replace("{after}", &NodeId::new([0; 16]).to_string())
        .replace("{from}", "1")
        .replace("{before}", &AccessId::new([0xff; 16]).to_string())
        .replace("{session}", &SessionId::new([1; 16]).to_string());
    let body = match info.name {
        "GetBodies" => BodiesRequest { hashes: Vec::new() }.to_bytes(),
        "GetContents" => {
            let content_ids = vec![content_id(1)];
            ContentsRequest { content_ids }.to_bytes()
        }
        "AppendEntry" => match &caller.person {
            Some((_, signer)) => {
                let changes = vec![Put::new(2, caller.name)];
                let role = caller.role.unwrap_or(Role::Manager);
                let now_ms = cast.world.now_ms();
                let put = cast.vault.put(signer, &caller.via, role, changes, now_ms);
                put.to_bytes()
            }
            None => Vec::new(),
        },
        _ => Vec::new(),
    };
    (path, body)
}

async fn outcome(cast: &Cast, info: &EndpointInfo, caller: &Caller) -> (u16, Option<ErrorCode>) {
    let (path, body) = request(cast, info, caller);
    let mut request = Request::builder().method(info.method.as_str()).uri(path);
    if let Some((person, _)) = &caller.person {
        request = request.header("authorization", format!("Bearer {}", person.session));
    }
    let answer = cast
        .world
        .raw(request.body(Body::from(body)).unwrap())
        .await;
    let code = ApiError::parse(&answer.body).ok().map(|error| error.code);
    (answer.status, code.filter(|_| answer.status != 200))
}

#[tokio::test]
pub(crate) async fn every_endpoint_answers_by_membership() {
    let mut cast = cast().await;
    for info in ENDPOINTS.iter().filter(|info| info.name != "Logout") {
        for place in 0..cast.callers.len() {
            let caller = &cast.callers[place];
            let (status, code) = outcome(&cast, info, caller).await;
            let name = format!("{} by {}: {status} {code:?}", info.name, caller.name);
            let is_known = caller.person.is_some();
            let does = does(info);
            let expected = match does {
                _ if !is_known && info.auth != Auth::Public => Some(ErrorCode::NotLoggedIn),
                // Whom these let in, the other matrix says; here they are
                // called by people who are nothing to one another.
                Does::Nothing => {
                    assert!(status < 500, "{name}");
                    continue;
                }
                Does::Read if caller.role.is_some() => None,
                Does::Append if caller.role == Some(Role::Viewer) => Some(ErrorCode::Forbidden),
                Does::Append if caller.role.is_some() => None,
                Does::Read | Does::Append => Some(ErrorCode::NotFound),
            };
            assert_eq!(code, expected, "{name}");
            if does == Does::Append && expected.is_none() {
                // The next one's record is a new version of this one's: put
                // it back, so that each has the same to do.
                let (_, body) = request(&cast, info, &cast.callers[place]);
                let sent = AppendRequest::parse(&body).unwrap();
                cast.vault.accept(&sent.entry);
                let owner = cast.callers.iter().find(|c| c.name == "owner").unwrap();
                let (person, signer) = owner.person.as_ref().unwrap();
                let now_ms = cast.world.now_ms();
                let delete = cast.vault.delete(signer, Put::new(2, "").node, now_ms);
                let session = Some(person.session.as_str());
                let vault = cast.vault.vault_id();
                cast.world
                    .call(AppendEntry { vault }, session, &delete)
                    .await
                    .unwrap();
                cast.vault.accept(&delete.entry);
            }
        }
    }
}

/// Members of a shared vault are strangers in everything else.
#[tokio::test]
pub(crate) async fn a_shared_vault_opens_no_other_door() {
    let cast = cast().await;
    let owner = cast.callers.iter().find(|c| c.name == "owner").unwrap();
    let drive = owner.person.as_ref().unwrap().0.drive.to_string();
    let shared = cast.vault.vault_id().to_string();
    for info in ENDPOINTS
        .iter()
        .filter(|info| info.path.contains("{vault}"))
    {
        for caller in cast.callers.iter().filter(|c| c.name != "owner") {
            let Some((person, _)) = &caller.person else {
                continue;
            };
            let (path, body) = request(&cast, info, caller);
            let request = Request::builder()
                .method(info.method.as_str())
                .uri(path.replace(&shared, &drive))
                .header("authorization", format!("Bearer {}", person.session));
            let answer = cast
                .world
                .raw(request.body(Body::from(body)).unwrap())
                .await;
            let name = format!("{} by {}", info.name, caller.name);
            assert_eq!(answer.error().code, ErrorCode::NotFound, "{name}");
        }
    }
}

/// A vault shows whose membership its log leads to, to whoever reads it, and
/// nobody else's: it opens no other door either.
#[tokio::test]
pub(crate) async fn a_vault_shows_the_membership_that_its_log_leads_to() {
    let cast = cast().await;
    let person = |name: &str| {
        let caller = cast.callers.iter().find(|c| c.name == name).unwrap();
        caller.person.as_ref().unwrap()
    };
    let group = cast.callers.iter().find(|c| !c.via.is_empty()).unwrap();
    let led_to = [
        ("itself", cast.vault.vault_id()),
        ("a group", group.via[0].vault_id),
        ("a member", person("viewer").1.uid),
        ("one whose time is over", person("expired").1.uid),
        ("a member of a group", person("via group").1.uid),
    ];
    let own_group = make(&cast.world, person("viewer"), VaultKind::Group).await;
    let elsewhere = [
        ("an ex-member", person("ex-member").1.uid),
        ("a stranger", person("stranger").1.uid),
        ("the owner's drive", person("owner").0.drive),
        ("a member's group", own_group.vault_id()),
        ("nothing", VaultId::new([0xee; 32])),
    ];
    let led_to = led_to.map(|(what, of)| (what, of, true));
    let elsewhere = elsewhere.map(|(what, of)| (what, of, false));
    for (what, of, is_shown) in led_to.into_iter().chain(elsewhere) {
        for caller in &cast.callers {
            let Some((person, _)) = &caller.person else {
                continue;
            };
            let vault = cast.vault.vault_id();
            let asked = GetMembership { vault, of, from: 0 };
            let answer = cast
                .world
                .call(asked, Some(&person.session), &Empty {})
                .await;
            let code = answer.map(drop).map_err(|error| error.code);
            let expected = match is_shown && caller.role.is_some() {
                true => Ok(()),
                false => Err(ErrorCode::NotFound),
            };
            assert_eq!(code, expected, "{what} to {}", caller.name);
        }
    }
}

/// Whoever is removed, directly or from a group, hears that the vault is lost
/// and nothing more of it.
#[tokio::test]
pub(crate) async fn a_stream_says_what_is_lost() {
    let mut cast = cast().await;
    let vault_id = cast.vault.vault_id().to_string();
    let person = |cast: &Cast, name| {
        let caller = cast.callers.iter().find(|c| c.name == name).unwrap();
        caller.person.clone().unwrap()
    };
    let owner = person(&cast, "owner");
    let mut streams = Vec::new();
    for name in ["viewer", "via group", "editor"] {
        let mut stream = cast.world.stream(&person(&cast, name).0.session).await;
        until(&mut stream, "head", &vault_id).await;
        streams.push(stream);
    }
    let group = cast.callers.iter().find(|c| !c.via.is_empty()).unwrap();
    let gone = vec![
        MembershipOp::Revoke(person(&cast, "viewer").1.uid),
        MembershipOp::Revoke(group.via[0].vault_id),
    ];
    let request = cast
        .vault
        .change(&owner.1, &[], gone, true, cast.world.now_ms());
    send(&cast.world, &owner, &cast.vault, &request).await;
    for (place, stream) in streams.iter_mut().enumerate() {
        let what = if place < 2 { "lost" } else { "head" };
        until(stream, what, &vault_id).await;
    }
}

/// Whoever's time is over hears nothing more of what changes.
#[tokio::test]
pub(crate) async fn a_stream_is_silent_to_who_has_expired() {
    let mut cast = cast().await;
    let person = |cast: &Cast, name| {
        let caller = cast.callers.iter().find(|c| c.name == name).unwrap();
        caller.person.clone().unwrap()
    };
    let (owner, expired) = (person(&cast, "owner"), person(&cast, "expired"));
    let mut stream = cast.world.stream(&expired.0.session).await;
    until(&mut stream, "head", &expired.0.drive.to_string()).await;
    let now_ms = cast.world.now_ms();
    let put = cast
        .vault
        .put(&owner.1, &[], Role::Owner, vec![Put::new(7, "new")], now_ms);
    send(&cast.world, &owner, &cast.vault, &put).await;
    cast.vault.accept(&put.entry);
    // What they hear next is of a vault of their own.
    let own = make(&cast.world, &expired, VaultKind::Group).await;
    let heard = heard(&mut stream, &own.vault_id().to_string()).await;
    assert!(
        !heard.contains(&cast.vault.vault_id().to_string()),
        "{heard}"
    );
}

/// All that a stream says until it names a vault.
async fn heard(stream: &mut axum::body::BodyDataStream, vault_id: &str) -> String {
    let deadline = std::time::Duration::from_secs(60);
    let waiting = async {
        let mut text = String::new();
        while let Some(Ok(frame)) = futures::StreamExt::next(stream).await {
            text.push_str(std::str::from_utf8(&frame).unwrap());
            if text.contains(vault_id) {
                break;
            }
        }
        text
    };
    tokio::time::timeout(deadline, waiting)
        .await
        .expect("the event comes")
}

/// Waits for an event of a kind about a vault; none of another kind about it
/// comes before.
async fn until(stream: &mut axum::body::BodyDataStream, kind: &str, vault_id: &str) {
    let deadline = std::time::Duration::from_secs(60);
    let waiting = async {
        let mut text = String::new();
        while let Some(Ok(frame)) = futures::StreamExt::next(stream).await {
            text.push_str(std::str::from_utf8(&frame).unwrap());
            let events: Vec<_> = text.split("\n\n").collect();
            let complete = &events[..events.len() - 1];
            if let Some(event) = complete.iter().find(|event| event.contains(vault_id)) {
                assert!(event.contains(&format!("event: {kind}")), "{event}");
                return;
            }
        }
        assert!(
            text.is_empty() && vault_id.is_empty(),
            "the stream ended: {text}"
        );
    };
    tokio::time::timeout(deadline, waiting)
        .await
        .expect("the event comes");
}
