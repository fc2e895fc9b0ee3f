//! Every endpoint × every kind of caller, from the table of endpoints: a new
//! endpoint is in it by itself.

use axum::body::Body;
use axum::http::Request;
use sv_api::endpoint::*;
use sv_api::wire::Empty;
use sv_api::{ApiError, Auth, EndpointInfo, ErrorCode, Wire};
use sv_ledger::id::{AccessId, ContentId, InvitationId, NodeId, SessionId, VaultId};

use super::actor::{Answer, Draft, Person, STEP_MS, World, totp};

/// A caller: how it is named, its token, and which endpoints let it in.
struct Caller {
    name: &'static str,
    token: Option<String>,
    allowed: &'static [Auth],
}

struct Cast {
    world: World,
    victim: Person,
    callers: Vec<Caller>,
}

async fn cast() -> Cast {
    let world = World::open().await;
    let victim = Person::sign_up(&world, "victim").await;
    let pending = Draft::new(&world, "pending", None).await;
    let pending = world
        .call(SignupFinish, None, &pending.request)
        .await
        .unwrap();
    let waiting = victim.prove(&world, &victim.password).await.unwrap();
    let code = totp(&victim.totp, world.now_ms());
    let recovery = victim
        .recover(&world, &victim.recovery, code)
        .await
        .unwrap();
    let other = Person::sign_up(&world, "other").await;
    let administrator = Person::sign_up_to_administer(&world, "ada").await;
    world.pass(STEP_MS);
    let callers = vec![
        Caller {
            name: "nobody",
            token: None,
            allowed: &[Auth::Public],
        },
        Caller {
            name: "nonsense",
            token: Some("A".repeat(43)),
            allowed: &[Auth::Public],
        },
        Caller {
            name: "signup",
            token: pending.session,
            allowed: &[Auth::Public, Auth::Signup],
        },
        Caller {
            name: "second factor",
            token: Some(waiting),
            allowed: &[Auth::Public, Auth::SecondFactor],
        },
        Caller {
            name: "recovery",
            token: recovery.session,
            allowed: &[Auth::Public, Auth::FullOrRecovery],
        },
        Caller {
            name: "an administrator's",
            token: Some(administrator.session),
            allowed: &[Auth::Public, Auth::Full, Auth::FullOrRecovery, Auth::Admin],
        },
        Caller {
            name: "another's full",
            token: Some(other.session),
            allowed: &[Auth::Public, Auth::Full, Auth::FullOrRecovery],
        },
    ];
    Cast {
        world,
        victim,
        callers,
    }
}

/// The path, with the victim's ids where it wants ids.
pub(super) fn path(info: &EndpointInfo, victim: &Person) -> String {
    info.path
        .replace("{vault}", &victim.drive.to_string())
        .replace("{of}", &victim.drive.to_string())
        .replace("{person}", &VaultId::new([0xee; 32]).to_string())
        .replace("{invitation}", &InvitationId::new([1; 16]).to_string())
        .replace("{session}", &SessionId::new([1; 16]).to_string())
        .replace("{content}", &ContentId::new([1; 16]).to_string())
        .replace("{after}", &NodeId::new([0; 16]).to_string())
        .replace("{at}", "1")
        .replace("{from}", "1")
        .replace("{before}", &AccessId::new([0xff; 16]).to_string())
        .replace("{index}", "0")
}

async fn ask(cast: &Cast, info: &EndpointInfo, caller: &Caller, body: Vec<u8>) -> Answer {
    let mut request = Request::builder()
        .method(info.method.as_str())
        .uri(path(info, &cast.victim));
    if let Some(token) = &caller.token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    cast.world
        .raw(request.body(Body::from(body)).unwrap())
        .await
}

#[tokio::test]
pub(crate) async fn every_endpoint_lets_in_whom_the_table_says() {
    let cast = cast().await;
    for info in ENDPOINTS.iter().filter(|e| e.name != "Logout") {
        for caller in &cast.callers {
            let answer = ask(&cast, info, caller, Vec::new()).await;
            let name = format!("{} by {}", info.name, caller.name);
            assert!(answer.status < 500, "{name}: {}", answer.status);
            let code = ApiError::parse(&answer.body).map(|e| e.code).ok();
            let turned_away = matches!(
                code,
                Some(
                    ErrorCode::NotLoggedIn | ErrorCode::SecondFactorRequired | ErrorCode::Forbidden
                )
            );
            let allowed = caller.allowed.contains(&info.auth);
            assert_eq!(turned_away, !allowed, "{name}: {code:?}");
        }
    }
}

#[tokio::test]
pub(crate) async fn anothers_vault_is_not_there() {
    let cast = cast().await;
    let other = cast.callers.last().unwrap();
    let missing = VaultId::new([0xee; 32]).to_string();
    for info in ENDPOINTS.iter().filter(|e| e.path.contains("{vault}")) {
        // A body that parses, so that only the vault can be the reason.
        let body = match info.name {
            "AppendEntry" => continue,
            "GetBodies" | "GetContents" => vec![0; 4],
            _ => Vec::new(),
        };
        let answer = ask(&cast, info, other, body.clone()).await;
        assert_eq!(answer.error().code, ErrorCode::NotFound, "{}", info.name);
        let uri = path(info, &cast.victim).replace(&cast.victim.drive.to_string(), &missing);
        let request = Request::builder()
            .method(info.method.as_str())
            .uri(uri)
            .header(
                "authorization",
                format!("Bearer {}", other.token.as_ref().unwrap()),
            );
        let absent = cast
            .world
            .raw(request.body(Body::from(body)).unwrap())
            .await;
        assert_eq!(absent.body, answer.body, "{}", info.name);
    }
}

/// A9: before unlocker *and* second factor, not one sealed byte: no wrap, no
/// list of unlockers, no envelope; and the password record to nobody. Taking out the check
/// of a session's kind (`AnySession::expect`) makes this fail.
#[tokio::test]
pub(crate) async fn a9_no_sealed_byte_before_both_factors() {
    let cast = cast().await;
    let full = Some(cast.victim.session.as_str());
    let set = cast
        .world
        .call(GetUnlockers, full, &Empty {})
        .await
        .unwrap();
    let mut secrets: Vec<Vec<u8>> = cast.victim.wraps.to_vec();
    assert!(set.password_record.0.is_empty());
    secrets.push(set.unlockers.0.clone());
    secrets.push(crate::author::envelope(7));
    let shows = |answer: &Answer, secret: &[u8]| {
        let text = data_encoding::BASE64URL_NOPAD.encode(secret);
        let contains = |needle: &[u8]| answer.body.windows(needle.len()).any(|w| w == needle);
        contains(secret) || contains(text.as_bytes())
    };
    // The honest run: a full session is shown every one of them but the envelope.
    let seen = cast
        .world
        .send([1, 1, 1, 1], GetUnlockers, full, &Empty {})
        .await;
    assert!(secrets[..3].iter().all(|secret| shows(&seen, secret)));

    for info in ENDPOINTS.iter().filter(|e| e.name != "Logout") {
        for caller in &cast.callers {
            let answer = ask(&cast, info, caller, Vec::new()).await;
            for (i, secret) in secrets.iter().enumerate() {
                // Recovery key and second factor were both given for these two.
                let own = caller.name == "recovery" && info.name == "GetUnlockers";
                let allowed = own && (i == 1 || i == 2);
                let name = format!("{} by {}: secret {i}", info.name, caller.name);
                assert!(allowed || !shows(&answer, secret), "{name}");
            }
        }
    }
}
