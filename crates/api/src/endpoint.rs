//! Every endpoint as a type: its method, path, who may call it and the
//! bodies it takes and gives. Server, client, authorisation matrix and
//! OpenAPI document all come from the table at the end.

use sv_ledger::id::{AccessId, ContentId, InvitationId, NodeId, SessionId, VaultId};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::account::*;
use crate::admin::*;
use crate::share::*;
use crate::vault::*;
use crate::wire::{Empty, Wire};

/// HTTP methods in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Does.
    Post,
    /// Stores under a name the client chose.
    Put,
    /// Removes.
    Delete,
}

impl Method {
    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// The session that an endpoint wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// None.
    Public,
    /// A sign-up that waits for its first code.
    Signup,
    /// A log-in whose password was right and whose second factor is due.
    SecondFactor,
    /// Password and second factor both given.
    Full,
    /// Full, or one opened by the recovery key.
    FullOrRecovery,
    /// Full, of an account that administers the server.
    Admin,
}

/// One endpoint; its fields are the parameters of its path.
pub trait Endpoint {
    /// How it is called.
    const METHOD: Method;
    /// Its path, parameters in braces.
    const PATH: &'static str;
    /// Who may call it.
    const AUTH: Auth;
    /// The body it takes.
    type Request: Wire;
    /// The body it gives.
    type Response: Wire;

    /// The path with its parameters filled in.
    fn path(&self) -> String;
}

/// A row of the table, without types.
#[derive(Clone, Copy)]
pub struct EndpointInfo {
    /// The type's name, for the OpenAPI `operationId`.
    pub name: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// How it is called.
    pub method: Method,
    /// Its path, parameters in braces.
    pub path: &'static str,
    /// Who may call it.
    pub auth: Auth,
    /// Media type of the request; empty for none.
    pub request_type: &'static str,
    /// Media type of the response; empty for none.
    pub response_type: &'static str,
    /// JSON schema of the request.
    pub request_schema: fn() -> Option<RefOr<Schema>>,
    /// JSON schema of the response.
    pub response_schema: fn() -> Option<RefOr<Schema>>,
    /// Adds the named schemas that those two refer to.
    pub named_schemas: fn(&mut Vec<(String, RefOr<Schema>)>),
}

macro_rules! schema_of {
    (json $t:ty) => {
        || Some(<$t as PartialSchema>::schema())
    };
    (bin $t:ty) => {
        || None
    };
    (none $t:ty) => {
        || None
    };
}

macro_rules! named_schemas_of {
    (json $t:ty, $list:ident) => {
        <$t as ToSchema>::schemas($list)
    };
    (bin $t:ty, $list:ident) => {};
    (none $t:ty, $list:ident) => {};
}

macro_rules! endpoint_type {
    ($(#[$doc:meta])+ $name:ident) => {
        $(#[$doc])+
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
    };
    ($(#[$doc:meta])+ $name:ident { $($field:ident : $ty:ty),* }) => {
        $(#[$doc])+
        #[derive(Debug, Clone, Copy)]
        pub struct $name {
            $(
                #[doc = concat!("`{", stringify!($field), "}` of the path.")]
                pub $field: $ty,
            )*
        }
    };
}

macro_rules! endpoints {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident $({ $($field:ident : $ty:ty),* })?
        $method:ident $path:literal $auth:ident
        $rk:ident($request:ty) -> $sk:ident($response:ty);
    )*) => {
        $(
            endpoint_type! { $(#[doc = $doc])+ $name $({ $($field : $ty),* })? }

            impl Endpoint for $name {
                const METHOD: Method = Method::$method;
                const PATH: &'static str = $path;
                const AUTH: Auth = Auth::$auth;
                type Request = $request;
                type Response = $response;

                fn path(&self) -> String {
                    let path = $path.to_owned();
                    $($(
                        let path = path.replace(
                            concat!("{", stringify!($field), "}"),
                            &self.$field.to_string(),
                        );
                    )*)?
                    path
                }
            }
        )*

        /// Every endpoint.
        pub const ENDPOINTS: &[EndpointInfo] = &[$(
            EndpointInfo {
                name: stringify!($name),
                summary: concat!($($doc),+),
                method: Method::$method,
                path: $path,
                auth: Auth::$auth,
                request_type: <$request as Wire>::CONTENT_TYPE,
                response_type: <$response as Wire>::CONTENT_TYPE,
                request_schema: schema_of!($rk $request),
                response_schema: schema_of!($sk $response),
                named_schemas: |_list| {
                    named_schemas_of!($rk $request, _list);
                    named_schemas_of!($sk $response, _list);
                },
            },
        )*];
    };
}

endpoints! {
    /// What the server says of itself.
    GetInstance Get "/v1/instance" Public none(Empty) -> json(Instance);

    /// Starts a sign-up.
    SignupStart Post "/v1/signup/start" Public json(SignupStartRequest) -> json(RegistrationResponse);
    /// Completes a sign-up, up to its first one-time code.
    SignupFinish Post "/v1/signup/finish" Public json(SignupFinishRequest) -> json(SignupFinishResponse);
    /// Gives a sign-up its first one-time code.
    SignupConfirm Post "/v1/signup/confirm" Signup json(CodeRequest) -> json(FullSession);

    /// Starts a log-in.
    LoginStart Post "/v1/login/start" Public json(LoginStartRequest) -> json(LoginStartResponse);
    /// Proves the password.
    LoginFinish Post "/v1/login/finish" Public json(LoginFinishRequest) -> json(LoginFinishResponse);
    /// Gives the second factor.
    LoginSecondFactor Post "/v1/login/second-factor" SecondFactor json(CodeRequest) -> json(LoginResponse);
    /// Asks for a recovery challenge.
    RecoveryStart Post "/v1/recovery/start" Public json(RecoveryStartRequest) -> json(RecoveryStartResponse);
    /// Answers a recovery challenge.
    RecoveryFinish Post "/v1/recovery/finish" Public json(RecoveryFinishRequest) -> json(LoginResponse);

    /// The signed-in account.
    GetAccount Get "/v1/account" FullOrRecovery none(Empty) -> json(AccountStatus);
    /// Starts a fresh proof of the password, which some changes want.
    ProofStart Post "/v1/account/proof/start" Full json(LoginStartRequest) -> json(LoginStartResponse);
    /// Completes it: password and code. Good for five minutes.
    ProofFinish Post "/v1/account/proof/finish" Full json(ProofFinishRequest) -> none(Empty);
    /// The server's half of a new password.
    PasswordStart Post "/v1/account/password/start" FullOrRecovery json(RegistrationRequest) -> json(RegistrationResponse);
    /// The present list of unlockers and their wraps.
    GetUnlockers Get "/v1/account/unlockers" FullOrRecovery none(Empty) -> json(UnlockerSet);
    /// Replaces them; wants a fresh proof, or a recovery session. Every other session ends.
    ReplaceUnlockers Put "/v1/account/unlockers" FullOrRecovery json(ReplaceUnlockersRequest) -> none(Empty);
    /// A new TOTP secret, not in force until confirmed; wants a fresh proof.
    TotpStart Post "/v1/account/totp/start" Full none(Empty) -> json(TotpSetup);
    /// Puts the new TOTP secret in force.
    TotpFinish Post "/v1/account/totp/finish" Full json(CodeRequest) -> none(Empty);
    /// Replaces the backup codes; wants a fresh proof.
    NewBackupCodes Post "/v1/account/backup-codes" Full none(Empty) -> json(BackupCodes);
    /// Every session of the account.
    ListSessions Get "/v1/account/sessions" Full none(Empty) -> json(SessionList);
    /// Ends a session.
    EndSession { session: SessionId } Delete "/v1/account/sessions/{session}" Full none(Empty) -> none(Empty);
    /// Gives this session its half of what opens the root key on this device.
    KeepSessionHalf Put "/v1/account/session-half" Full json(SessionHalf) -> json(KeptHalf);
    /// This session's half; gone with the session.
    GetSessionHalf Get "/v1/account/session-half" Full none(Empty) -> json(SessionHalf);
    /// Has the account deleted after a grace period; wants a fresh proof. Every
    /// session ends, and logging in again calls it off.
    DeleteAccount Post "/v1/account/deletion" Full none(Empty) -> json(Deletion);
    /// Ends this session.
    Logout Post "/v1/logout" FullOrRecovery none(Empty) -> none(Empty);

    /// How the server stands.
    GetServerStatus Get "/v1/admin/server" Admin none(Empty) -> json(ServerStatus);
    /// Everybody with an account, and what they store.
    ListPeople Get "/v1/admin/people" Admin none(Empty) -> json(People);
    /// Limits what an account may store.
    SetPersonQuota { person: VaultId } Put "/v1/admin/people/{person}/quota" Admin json(SetQuota) -> none(Empty);
    /// Locks an account out, with all its sessions, or lets it in again; never one's own.
    SetPersonDisabled { person: VaultId } Put "/v1/admin/people/{person}/disabled" Admin json(SetDisabled) -> none(Empty);
    /// For somebody who lost authenticator and backup codes: a code that stands in
    /// for them once; wants a fresh proof. Their sessions end.
    ResetPersonSecondFactor { person: VaultId } Post "/v1/admin/people/{person}/second-factor/reset" Admin none(Empty) -> json(ResetCode);
    /// Invitations that are still good.
    ListInvitations Get "/v1/admin/invitations" Admin none(Empty) -> json(Invitations);
    /// Invites somebody; an administrator only with a fresh proof.
    CreateInvitation Post "/v1/admin/invitations" Admin json(NewInvitation) -> json(Invited);
    /// Revokes an invitation that nobody has used.
    RevokeInvitation { invitation: InvitationId } Delete "/v1/admin/invitations/{invitation}" Admin none(Empty) -> none(Empty);

    /// The heads of every vault that the session may read.
    ListVaults Get "/v1/vaults" Full none(Empty) -> json(VaultHeads);
    /// Makes a vault that the account owns: shared, or a group.
    CreateVault Post "/v1/vaults" Full json(NewVault) -> json(Appended);
    /// Account chains by handle.
    LookUpHandles Post "/v1/directory" Full json(DirectoryRequest) -> bin(Directory);
    /// Genesis, and membership entries from `from` on, of a vault that the
    /// session may read, or of another to which its log leads: `of`.
    GetMembership { vault: VaultId, of: VaultId, from: u64 } Get "/v1/vaults/{vault}/membership/{of}/{from}" Full none(Empty) -> bin(MembershipLog);
    /// The newest entry that a new device may start from.
    GetCheckpoint { vault: VaultId } Get "/v1/vaults/{vault}/checkpoint" Full none(Empty) -> bin(EntryPage);
    /// Leaves as they were after entry `at`, beyond node `after`.
    GetLeaves { vault: VaultId, at: u64, after: NodeId } Get "/v1/vaults/{vault}/leaves/{at}/{after}" Full none(Empty) -> bin(LeafPage);
    /// Entries from `from` on.
    GetEntries { vault: VaultId, from: u64 } Get "/v1/vaults/{vault}/log/{from}" Full none(Empty) -> bin(EntryPage);
    /// Appends an entry, if the log's head is still the one it follows.
    AppendEntry { vault: VaultId } Post "/v1/vaults/{vault}/log" Full bin(AppendRequest) -> json(Appended);
    /// Records and key envelopes by hash.
    GetBodies { vault: VaultId } Post "/v1/vaults/{vault}/bodies" Full bin(BodiesRequest) -> bin(Bodies);
    /// First blocks of several contents.
    GetContents { vault: VaultId } Post "/v1/vaults/{vault}/contents" Full bin(ContentsRequest) -> bin(Contents);
    /// One block of a content.
    GetBlock { vault: VaultId, content: ContentId, index: u32 } Get "/v1/vaults/{vault}/contents/{content}/blocks/{index}" Full none(Empty) -> bin(Block);
    /// Hashes of a content's blocks, from block `from` on: to read it from anywhere.
    GetBlockHashes { vault: VaultId, content: ContentId, from: u32 } Get "/v1/vaults/{vault}/contents/{content}/hashes/{from}" Full none(Empty) -> bin(BlockPage);

    /// Contents fetched from a shared vault, before `before`: by anybody for a
    /// manager, else by oneself.
    ListAccesses { vault: VaultId, before: AccessId } Get "/v1/vaults/{vault}/accesses/{before}" Full none(Empty) -> json(AccessPage);

    /// Stores a block of a content that no entry has named yet.
    PutBlock { content: ContentId, index: u32 } Put "/v1/uploads/{content}/blocks/{index}" Full bin(Block) -> none(Empty);
    /// What is already durable of an upload, from block `from` on.
    GetUpload { content: ContentId, from: u32 } Get "/v1/uploads/{content}/from/{from}" Full none(Empty) -> bin(BlockPage);
    /// Gives an upload up.
    CancelUpload { content: ContentId } Delete "/v1/uploads/{content}" Full none(Empty) -> none(Empty);
}

/// A server-sent event stream (WHATWG HTML §9.2) of `head` events, each with
/// a [`VaultHead`] as data, and `lost` events, each with a [`LostVault`]. Not
/// in the table: its answer has no end.
pub const EVENTS_PATH: &str = "/v1/events";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn method_and_path_name_one_endpoint() {
        let rows: BTreeSet<_> = ENDPOINTS
            .iter()
            .map(|e| (e.method.as_str(), e.path))
            .collect();
        assert_eq!(rows.len(), ENDPOINTS.len());
    }

    #[test]
    fn parameters_are_filled_in() {
        let path = GetEntries {
            vault: VaultId::ZERO,
            from: 7,
        }
        .path();
        assert_eq!(path, format!("/v1/vaults/{}/log/7", VaultId::ZERO));
    }
}
