//! A server in process and people who use it: the OPAQUE client, an Ed25519
//! identity and an authenticator, but no key that opens anything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use ed25519_dalek::{Signer, SigningKey};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use sv_api::account::*;
use sv_api::endpoint::*;
use sv_api::{ApiError, Base64, Endpoint, ErrorCode, Wire};
use sv_backends::sql::FreshDatabase;
use sv_ledger::enc::Statement;
use sv_ledger::entry::{EntryBody, Ops};
use sv_ledger::genesis::{Genesis, GenesisBody, KemPublicKey, VaultKind};
use sv_ledger::handle::Handle;
use sv_ledger::id::{Hash, InstanceId, SignPublicKey, UnlockerId, VaultId};
use sv_ledger::membership_op::{EpochOp, MembershipOp};
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::VaultState;
use sv_ledger::unlock::{Unlocker, UnlockerKind, UnlockersBody, blob_hash, recovery_challenge};
use sv_pake::{ClientLogin, ClientRegistration, LoginContext};
use sv_server::app::App;
use sv_server::clock::Clock;
use sv_server::config::{Config, Storage};
use sv_server::db::Database;
use sv_server::service::account::Administers;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::stage;

pub(crate) const START_MS: u64 = 1_800_000_000_000;
pub(crate) const STEP_MS: u64 = 30_000;
pub(crate) const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// What a request was answered with.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn error(&self) -> ApiError {
        ApiError::parse(&self.body).unwrap()
    }
}

/// A server, its clock and its folder.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    server: Option<FreshDatabase>,
    now_ms: Arc<AtomicU64>,
    pub(crate) app: App,
    router: axum::Router,
    policy: SignupPolicy,
}

impl World {
    pub(crate) async fn open() -> Self {
        Self::with_policy(SignupPolicy::Open).await
    }

    pub(crate) async fn with_policy(policy: SignupPolicy) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now_ms = Arc::new(AtomicU64::new(START_MS));
        let server = stage::server_database().await;
        let app = start(&dir, server.as_ref(), &now_ms, policy).await;
        Self {
            server,
            router: sv_server::http::router(app.clone()),
            dir,
            now_ms,
            app,
            policy,
        }
    }

    /// Stops the server and starts it again.
    pub(crate) async fn restart(&mut self) {
        self.app.db().close().await;
        self.app = start(&self.dir, self.server.as_ref(), &self.now_ms, self.policy).await;
        self.router = sv_server::http::router(self.app.clone());
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    pub(crate) fn pass(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) async fn raw(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        Answer {
            status,
            body: body.unwrap().to_vec(),
        }
    }

    /// The stream of changes, as it comes.
    pub(crate) async fn stream(&self, session: &str) -> axum::body::BodyDataStream {
        let request = Request::builder()
            .uri(EVENTS_PATH)
            .header("authorization", format!("Bearer {session}"));
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        response.into_body().into_data_stream()
    }

    /// The first two events of the stream.
    pub(crate) async fn events(&self, path: &str, session: Option<&str>) -> (u16, String) {
        let mut request = Request::builder().uri(path);
        if let Some(token) = session {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let mut frames = response.into_body().into_data_stream();
        let mut text = String::new();
        while let Some(Ok(frame)) = futures::StreamExt::next(&mut frames).await {
            text.push_str(std::str::from_utf8(&frame).unwrap());
            if text.matches("event: head").count() == 2 {
                break;
            }
        }
        (status, text)
    }

    /// Calls an endpoint from an address.
    pub(crate) async fn send<E: Endpoint>(
        &self,
        from: [u8; 4],
        endpoint: E,
        session: Option<&str>,
        body: &E::Request,
    ) -> Answer {
        let mut request = Request::builder()
            .method(E::METHOD.as_str())
            .uri(endpoint.path())
            .extension(ConnectInfo(SocketAddr::from((from, 1))));
        if let Some(token) = session {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.raw(request.body(Body::from(body.to_bytes())).unwrap())
            .await
    }

    pub(crate) async fn call<E: Endpoint>(
        &self,
        endpoint: E,
        session: Option<&str>,
        body: &E::Request,
    ) -> Result<E::Response, ApiError> {
        let answer = self.send([192, 0, 2, 1], endpoint, session, body).await;
        parse::<E>(&answer)
    }

    pub(crate) async fn instance(&self) -> Instance {
        let empty = sv_api::wire::Empty {};
        self.call(GetInstance, None, &empty).await.unwrap()
    }
}

pub(crate) fn parse<E: Endpoint>(answer: &Answer) -> Result<E::Response, ApiError> {
    match answer.status {
        200 => Ok(E::Response::parse(&answer.body).unwrap()),
        _ => Err(answer.error()),
    }
}

pub(crate) fn code<T>(result: Result<T, ApiError>) -> ErrorCode {
    result.err().expect("a refusal").code
}

async fn start(
    dir: &TempDir,
    server: Option<&FreshDatabase>,
    now_ms: &Arc<AtomicU64>,
    policy: SignupPolicy,
) -> App {
    let mut storage =
        Storage::in_folder(dir.path().join("data"), dir.path().join("keys/server.key"));
    if let Some(fresh) = server {
        fresh.url().clone_into(&mut storage.database);
    }
    let db = stage::staged(Database::open(&storage.database).await.unwrap());
    let now_ms = now_ms.clone();
    let clock = Clock::from_fn(move || now_ms.load(Ordering::SeqCst));
    App::on(db, &Config::on_free_port(storage, policy), clock)
        .await
        .unwrap()
}

/// Somebody with an account.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) handle: String,
    pub(crate) password: String,
    pub(crate) uid: VaultId,
    pub(crate) drive: VaultId,
    pub(crate) identity: SigningKey,
    pub(crate) recovery: SigningKey,
    pub(crate) totp: String,
    pub(crate) backup_codes: Vec<String>,
    pub(crate) session: String,
    pub(crate) device: Option<String>,
    pub(crate) wraps: [Vec<u8>; 2],
}

/// A sign-up before it is sent.
pub(crate) struct Draft {
    pub(crate) request: SignupFinishRequest,
    pub(crate) person: Person,
}

pub(crate) fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// A password registered with the server: the record to upload.
pub(crate) async fn register(
    world: &World,
    handle: &str,
    password: &str,
    session: Option<&str>,
    invite: Option<String>,
) -> Result<Vec<u8>, ApiError> {
    let (client, request) = ClientRegistration::start(password.as_bytes(), &mut rng()).unwrap();
    let response = match session {
        Some(_) => {
            let body = RegistrationRequest {
                registration_request: request.into(),
            };
            world.call(PasswordStart, session, &body).await?
        }
        None => {
            let body = SignupStartRequest {
                handle: handle.to_owned(),
                invite,
                registration_request: request.into(),
            };
            world.call(SignupStart, None, &body).await?
        }
    };
    let context = context(world, handle).await;
    let done = client
        .finish(&response.registration_response.0, &context, &mut rng())
        .unwrap();
    Ok(done.upload.to_vec())
}

async fn context(world: &World, handle: &str) -> LoginContext {
    let instance = world.instance().await.instance_id;
    LoginContext::new(instance.as_bytes(), handle)
}

impl Draft {
    pub(crate) async fn new(world: &World, handle: &str, invite: Option<String>) -> Self {
        let password = format!("password of {handle}");
        let record = register(world, handle, &password, None, invite.clone())
            .await
            .unwrap();
        let instance = world.instance().await.instance_id;
        let identity = SigningKey::from_bytes(&random());
        let recovery = SigningKey::from_bytes(&random());
        let now_ms = world.now_ms();
        let account = Birth::new(
            VaultKind::Account,
            VaultId::ZERO,
            &identity,
            instance,
            now_ms,
        );
        let uid = account.genesis.vault_id();
        let drive = Birth::new(VaultKind::Drive, uid, &identity, instance, now_ms);
        let wraps = [random::<104>().to_vec(), random::<104>().to_vec()];
        let person = Person {
            handle: handle.to_owned(),
            password,
            uid,
            drive: drive.genesis.vault_id(),
            identity,
            recovery,
            totp: String::new(),
            backup_codes: Vec::new(),
            session: String::new(),
            device: None,
            wraps,
        };
        let handle_op = MembershipOp::Handle(Handle::parse(handle).unwrap());
        let request = SignupFinishRequest {
            handle: handle.to_owned(),
            invite,
            unlock: person.unlockers(&record, 1, |_| {}),
            account: account.first_entry(uid, &person.identity, None, vec![handle_op]),
            drive: drive.first_entry(
                uid,
                &person.identity,
                Some(crate::author::envelope(7)),
                vec![],
            ),
        };
        Self { request, person }
    }

    /// Sends it, and gives the first code.
    pub(crate) async fn confirm(mut self, world: &World) -> Result<Person, ApiError> {
        let finished = world.call(SignupFinish, None, &self.request).await?;
        self.person.totp = finished.totp.secret;
        self.person.backup_codes = finished.backup_codes;
        let code = self.person.code(world);
        let confirmed = world
            .call(SignupConfirm, finished.session.as_deref(), &code)
            .await?;
        self.person.session = confirmed.session.unwrap();
        self.person.device = Some(confirmed.device_token);
        // The first code's step is used up.
        world.pass(STEP_MS);
        Ok(self.person)
    }
}

struct Birth {
    genesis: Genesis,
    now_ms: u64,
}

impl Birth {
    fn new(
        kind: VaultKind,
        creator: VaultId,
        key: &SigningKey,
        instance_id: InstanceId,
        now_ms: u64,
    ) -> Self {
        let body = GenesisBody {
            kind,
            content_suite: ContentSuite::Blocks,
            instance_id,
            creator,
            creator_generation: 1,
            sign_pk: SignPublicKey::new(key.verifying_key().to_bytes()),
            kem_pk: KemPublicKey::new([7; 1216]),
            nonce: random(),
            timestamp_ms: now_ms,
        };
        let signature = sign(key, Statement::Genesis, &body.hash());
        Self {
            genesis: body.with_signature(signature),
            now_ms,
        }
    }

    fn first_entry(
        self,
        author: VaultId,
        key: &SigningKey,
        envelope: Option<Vec<u8>>,
        more: Vec<MembershipOp>,
    ) -> NewVault {
        let epoch = EpochOp {
            commitment: Hash::new([1; 32]),
            kem_pk: KemPublicKey::new([7; 1216]),
            previous_key: None,
            envelopes: envelope.iter().map(|e| Statement::Body.hash(e)).collect(),
        };
        let body = EntryBody {
            vault_id: self.genesis.vault_id(),
            seq: 1,
            prev_hash: self.genesis.hash(),
            member_seq: 0,
            member_hash: self.genesis.hash(),
            epoch: 1,
            author,
            author_generation: 1,
            via: Vec::new(),
            timestamp_ms: self.now_ms,
            ops: Ops::Membership([vec![MembershipOp::Epoch(epoch)], more].concat()),
            state_digest: VaultState::begin(&self.genesis).unwrap().digest(),
        };
        let signature = sign(key, Statement::Entry, &body.hash());
        NewVault {
            genesis: self.genesis.to_bytes().into(),
            entries: vec![body.with_signature(signature).to_bytes().into()],
            bodies: envelope.into_iter().map(Into::into).collect(),
        }
    }
}

pub(crate) fn sign(key: &SigningKey, kind: Statement, hash: &Hash) -> [u8; 64] {
    key.sign(&kind.signing_input(hash)).to_bytes()
}

impl Person {
    pub(crate) async fn sign_up(world: &World, handle: &str) -> Self {
        let draft = Draft::new(world, handle, None).await;
        draft.confirm(world).await.unwrap()
    }

    /// The same by an invitation that makes an administrator.
    pub(crate) async fn sign_up_to_administer(world: &World, handle: &str) -> Self {
        let by = Administers::at_the_machine();
        let invited = world.app.accounts().invite(&by, true, DAY_MS).await;
        let draft = Draft::new(world, handle, Some(invited.unwrap().code)).await;
        draft.confirm(world).await.unwrap()
    }

    /// A signed set of unlockers, after `change` had its way with the list.
    pub(crate) fn unlockers(
        &self,
        record: &[u8],
        version: u64,
        change: impl FnOnce(&mut UnlockersBody),
    ) -> UnlockerSet {
        let kinds = [UnlockerKind::Password, UnlockerKind::Recovery];
        let unlockers = kinds.iter().zip(&self.wraps).zip(1..);
        let unlockers = unlockers.map(|((kind, wrap), id)| Unlocker {
            id: UnlockerId::new([id; 16]),
            kind: *kind,
            wrap_hash: blob_hash(wrap),
        });
        let mut body = UnlockersBody {
            uid: self.uid,
            version,
            generation: 1,
            password_record: blob_hash(record),
            recovery_auth: SignPublicKey::new(self.recovery.verifying_key().to_bytes()),
            unlockers: unlockers.collect(),
        };
        change(&mut body);
        let signature = sign(&self.identity, Statement::Unlockers, &body.hash());
        let ids = body.unlockers.iter().map(|u| u.id).collect::<Vec<_>>();
        UnlockerSet {
            password_record: record.to_vec().into(),
            unlockers: body.with_signature(signature).to_bytes().into(),
            wraps: ids
                .into_iter()
                .zip(&self.wraps)
                .map(|(unlocker_id, sealed)| Wrap {
                    unlocker_id,
                    sealed: sealed.clone().into(),
                })
                .collect(),
        }
    }

    pub(crate) fn code(&self, world: &World) -> CodeRequest {
        CodeRequest {
            code: totp(&self.totp, world.now_ms()),
            device_label: "test".to_owned(),
        }
    }

    /// KE1 to KE3: a session that waits for its code.
    pub(crate) async fn prove(&self, world: &World, password: &str) -> Result<String, ApiError> {
        self.prove_from(world, [192, 0, 2, 1], password, None).await
    }

    pub(crate) async fn prove_from(
        &self,
        world: &World,
        from: [u8; 4],
        password: &str,
        device_token: Option<String>,
    ) -> Result<String, ApiError> {
        let (client, ke1) = ClientLogin::start(password.as_bytes(), &mut rng()).unwrap();
        let start = LoginStartRequest {
            handle: self.handle.clone(),
            ke1: ke1.into(),
            device_token,
        };
        let started = parse::<LoginStart>(&world.send(from, LoginStart, None, &start).await)?;
        let ke3 = self.ke3(world, client, &started).await;
        let finish = LoginFinishRequest {
            login_id: started.login_id,
            ke3: ke3.into(),
        };
        let finished = parse::<LoginFinish>(&world.send(from, LoginFinish, None, &finish).await)?;
        Ok(finished.session.unwrap())
    }

    /// KE3 by the right password, or nonsense by a wrong one.
    pub(crate) async fn ke3(
        &self,
        world: &World,
        client: ClientLogin,
        started: &LoginStartResponse,
    ) -> Vec<u8> {
        let context = context(world, &self.handle).await;
        match client.finish(&started.ke2.0, &context, &mut rng()) {
            Ok(done) => done.ke3.to_vec(),
            Err(_) => vec![1; 64],
        }
    }

    pub(crate) async fn log_in(&self, world: &World) -> Result<LoginResponse, ApiError> {
        let session = self.prove(world, &self.password).await?;
        world
            .call(LoginSecondFactor, Some(&session), &self.code(world))
            .await
    }

    /// Proves the password anew within a session.
    pub(crate) async fn prove_again(&self, world: &World, session: &str) -> Result<(), ApiError> {
        let (client, ke1) = ClientLogin::start(self.password.as_bytes(), &mut rng()).unwrap();
        let start = LoginStartRequest {
            handle: self.handle.clone(),
            ke1: ke1.into(),
            device_token: None,
        };
        let started = world.call(ProofStart, Some(session), &start).await?;
        let finish = ProofFinishRequest {
            ke3: self.ke3(world, client, &started).await.into(),
            login_id: started.login_id,
            code: totp(&self.totp, world.now_ms()),
        };
        world.call(ProofFinish, Some(session), &finish).await?;
        Ok(())
    }

    /// A session opened by the recovery key.
    pub(crate) async fn recover(
        &self,
        world: &World,
        key: &SigningKey,
        code: String,
    ) -> Result<LoginResponse, ApiError> {
        let start = RecoveryStartRequest {
            handle: self.handle.clone(),
        };
        let nonce = world.call(RecoveryStart, None, &start).await?.nonce;
        let finish = self.answer_challenge(world, key, nonce, code).await;
        world.call(RecoveryFinish, None, &finish).await
    }

    pub(crate) async fn answer_challenge(
        &self,
        world: &World,
        key: &SigningKey,
        nonce: Base64,
        code: String,
    ) -> RecoveryFinishRequest {
        let handle = Handle::parse(&self.handle).unwrap();
        let instance = world.instance().await.instance_id;
        let challenge = recovery_challenge(&instance, &handle, &nonce.array().unwrap());
        RecoveryFinishRequest {
            handle: self.handle.clone(),
            nonce,
            signature: sign(key, Statement::RecoveryProof, &challenge).into(),
            code,
        }
    }
}

/// What an authenticator shows.
pub(crate) fn totp(secret: &str, now_ms: u64) -> String {
    let secret = data_encoding::BASE32_NOPAD
        .decode(secret.as_bytes())
        .unwrap();
    let secret: [u8; 20] = secret.try_into().unwrap();
    totp_rs::Builder::new()
        .with_secret(totp_rs::Secret::new_stack(secret))
        .build_noncompliant()
        .generate(now_ms / 1000)
        .to_string()
}

impl Person {
    /// A code of a secret that is not the account's yet.
    pub(crate) fn code_of(&self, secret: &str, world: &World) -> CodeRequest {
        CodeRequest {
            code: totp(secret, world.now_ms()),
            device_label: String::new(),
        }
    }
}
