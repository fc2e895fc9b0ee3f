//! The server's half. It sees no password and nothing to guess one from
//! without [`ServerSetup`].

use std::fmt;
use std::hint::black_box;

use opaque_ke::{
    CredentialFinalization, CredentialRequest, RegistrationRequest, ServerLoginParameters,
    ServerRegistration,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::suite::{LegacyRng, Suite, to_array};
use crate::{
    CREDENTIAL_IDENTIFIER_LEN, KE1_LEN, KE2_LEN, KE3_LEN, LoginContext, Malformed, Message,
    PASSWORD_RECORD_LEN, REGISTRATION_REQUEST_LEN, REGISTRATION_RESPONSE_LEN, SERVER_LOGIN_LEN,
    SERVER_SETUP_LEN, ServerError, SessionKey,
};

/// A server's long-term secrets: the seed of every account's OPRF key and the
/// key pair of the key exchange. Whoever loses them locks every password out;
/// whoever steals them together with the records can guess passwords.
pub struct ServerSetup {
    state: opaque_ke::ServerSetup<Suite>,
    /// A record nobody has, with the public key that answers for unknown handles.
    decoy: [u8; PASSWORD_RECORD_LEN],
}

/// What a server keeps of one password.
#[derive(Clone)]
pub struct PasswordRecord(ServerRegistration<Suite>);

/// A login that waits for the client's proof. Good for one attempt: delete the
/// stored form when it is read.
pub struct ServerLogin(opaque_ke::ServerLogin<Suite>);

impl ServerSetup {
    /// Generates an instance's secrets, once in its life.
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self::new(opaque_ke::ServerSetup::new(&mut LegacyRng(rng)))
    }

    /// Reads [`to_bytes`](Self::to_bytes)' form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes: &[u8; SERVER_SETUP_LEN] = Message::ServerSetup.exactly(bytes)?;
        opaque_ke::ServerSetup::deserialize(bytes)
            .map(Self::new)
            .map_err(|_| Malformed(Message::ServerSetup))
    }

    /// OPRF seed (64) ‖ private key (32) ‖ the decoy's public key (32). To be
    /// sealed under the server's key-encryption key.
    pub fn to_bytes(&self) -> Zeroizing<[u8; SERVER_SETUP_LEN]> {
        let bytes = Zeroizing::new(self.state.serialize());
        Zeroizing::new(to_array(&bytes))
    }

    /// The key by which clients know this instance; its hash is the instance's id.
    pub fn public_key(&self) -> [u8; 32] {
        to_array(&self.state.keypair().public().serialize())
    }

    /// Answers a client's registration request.
    pub fn registration_response(
        &self,
        request: &[u8],
        credential_identifier: &[u8; CREDENTIAL_IDENTIFIER_LEN],
    ) -> Result<[u8; REGISTRATION_RESPONSE_LEN], Malformed> {
        self.evaluate(request, credential_identifier)
    }

    /// The same for a credential identifier of any length, as known answers have it.
    pub(crate) fn evaluate(
        &self,
        request: &[u8],
        credential_identifier: &[u8],
    ) -> Result<[u8; REGISTRATION_RESPONSE_LEN], Malformed> {
        let bytes: &[u8; REGISTRATION_REQUEST_LEN] =
            Message::RegistrationRequest.exactly(request)?;
        RegistrationRequest::deserialize(bytes)
            .and_then(|request| {
                ServerRegistration::start(&self.state, request, credential_identifier)
            })
            .map(|started| to_array(&started.message.serialize()))
            .map_err(|_| Malformed(Message::RegistrationRequest))
    }

    fn new(state: opaque_ke::ServerSetup<Suite>) -> Self {
        let secret = Zeroizing::new(state.serialize());
        let public_key = secret.iter().skip(SERVER_SETUP_LEN - 32);
        let mut decoy = [0; PASSWORD_RECORD_LEN];
        decoy
            .iter_mut()
            .zip(public_key)
            .for_each(|(to, from)| *to = *from);
        Self { state, decoy }
    }
}

impl PasswordRecord {
    /// Reads a client's upload, or what was kept of it.
    pub fn parse(upload: &[u8]) -> Result<Self, Malformed> {
        let bytes: &[u8; PASSWORD_RECORD_LEN] = Message::PasswordRecord.exactly(upload)?;
        ServerRegistration::deserialize(bytes)
            .map(Self)
            .map_err(|_| Malformed(Message::PasswordRecord))
    }

    /// The upload, byte for byte.
    pub fn to_bytes(&self) -> [u8; PASSWORD_RECORD_LEN] {
        to_array(&self.0.serialize())
    }
}

impl ServerLogin {
    /// Answers KE1. The second value is KE2, for the client.
    ///
    /// Without a record, because nobody has that handle, the same work is
    /// done on an invented one (RFC 9807 §6.3.2.2): the answer looks the same
    /// and no proof will fit it.
    pub fn start(
        setup: &ServerSetup,
        record: Option<PasswordRecord>,
        ke1: &[u8],
        credential_identifier: &[u8; CREDENTIAL_IDENTIFIER_LEN],
        context: &LoginContext,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(Self, [u8; KE2_LEN]), ServerError> {
        Self::answer(setup, record, ke1, credential_identifier, context, rng)
    }

    /// The same for a credential identifier of any length, as known answers have it.
    pub(crate) fn answer(
        setup: &ServerSetup,
        record: Option<PasswordRecord>,
        ke1: &[u8],
        credential_identifier: &[u8],
        context: &LoginContext,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(Self, [u8; KE2_LEN]), ServerError> {
        let bytes: &[u8; KE1_LEN] = Message::Ke1.exactly(ke1)?;
        let request = CredentialRequest::deserialize(bytes).map_err(|_| Malformed(Message::Ke1))?;
        if record.is_none() {
            // A real record has been parsed by now: spend that time here too.
            black_box(PasswordRecord::parse(black_box(&setup.decoy)).is_ok());
        }
        let parameters = ServerLoginParameters {
            context: Some(context.as_bytes()),
            identifiers: context.identifiers(),
        };
        let started = opaque_ke::ServerLogin::start(
            &mut LegacyRng(rng),
            &setup.state,
            record.map(|record| record.0),
            request,
            credential_identifier,
            parameters,
        )
        .map_err(|_| Malformed(Message::Ke1))?;
        Ok((Self(started.state), to_array(&started.message.serialize())))
    }

    /// Reads [`to_bytes`](Self::to_bytes)' form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes: &[u8; SERVER_LOGIN_LEN] = Message::ServerLogin.exactly(bytes)?;
        opaque_ke::ServerLogin::deserialize(bytes)
            .map(Self)
            .map_err(|_| Malformed(Message::ServerLogin))
    }

    /// Session key (64) ‖ expected proof (64): with these anyone can complete
    /// this login, so it is stored sealed, briefly and once.
    pub fn to_bytes(&self) -> Zeroizing<[u8; SERVER_LOGIN_LEN]> {
        let bytes = Zeroizing::new(self.0.serialize());
        Zeroizing::new(to_array(&bytes))
    }

    /// Checks KE3: the client knew the password.
    pub fn finish(self, ke3: &[u8]) -> Result<SessionKey, ServerError> {
        let bytes: &[u8; KE3_LEN] = Message::Ke3.exactly(ke3)?;
        let proof =
            CredentialFinalization::deserialize(bytes).map_err(|_| Malformed(Message::Ke3))?;
        // Identifiers and context are in the transcript already; 3DH reads none here.
        let mut finished = self
            .0
            .finish(proof, ServerLoginParameters::default())
            .map_err(|_| ServerError::WrongPassword)?;
        Ok(SessionKey::take(&mut finished.session_key))
    }
}

impl fmt::Debug for ServerSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSetup(..)")
    }
}

impl fmt::Debug for PasswordRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordRecord(..)")
    }
}

impl fmt::Debug for ServerLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerLogin(..)")
    }
}
