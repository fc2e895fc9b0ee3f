//! The client's half. It holds the password from `start` to `finish` and
//! clears it then.

use std::fmt;

use opaque_ke::{
    ClientLoginFinishParameters, ClientRegistrationFinishParameters, CredentialResponse,
    RegistrationResponse,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::suite::{LegacyRng, Suite, to_array};
use crate::{
    ExportKey, KE1_LEN, KE2_LEN, KE3_LEN, LoginContext, LoginError, Malformed, Message,
    PASSWORD_LEN, PASSWORD_RECORD_LEN, REGISTRATION_REQUEST_LEN, REGISTRATION_RESPONSE_LEN,
    RegistrationError, SessionKey,
};

/// A registration that waits for the server's answer.
pub struct ClientRegistration {
    password: Zeroizing<Vec<u8>>,
    state: opaque_ke::ClientRegistration<Suite>,
}

/// A registration as the client sees it when done.
#[derive(Debug)]
pub struct Registered {
    /// For the server, which keeps it as the account's [`PasswordRecord`](crate::PasswordRecord).
    pub upload: [u8; PASSWORD_RECORD_LEN],
    /// For the client alone.
    pub export_key: ExportKey,
    /// The key this password is now bound to. Compare it with the instance's
    /// pinned key **before** uploading anything.
    pub server_public_key: [u8; 32],
}

/// A login that waits for the server's answer.
pub struct ClientLogin {
    password: Zeroizing<Vec<u8>>,
    state: opaque_ke::ClientLogin<Suite>,
}

/// A login as the client sees it when it has checked the server.
#[derive(Debug)]
pub struct LoggedIn {
    /// For the server: the proof that this client knew the password.
    pub ke3: [u8; KE3_LEN],
    /// For the client alone; the one that registration gave.
    pub export_key: ExportKey,
    /// Shared with the server.
    pub session_key: SessionKey,
    /// The key that the password was registered with, out of the envelope.
    /// Compare it with the instance's pinned key.
    pub server_public_key: [u8; 32],
}

impl ClientRegistration {
    /// Blinds a password. The second value is the request for the server.
    pub fn start(
        password: &[u8],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(Self, [u8; REGISTRATION_REQUEST_LEN]), RegistrationError> {
        let password = admit(password).ok_or(RegistrationError::PasswordLength)?;
        let started = opaque_ke::ClientRegistration::<Suite>::start(&mut LegacyRng(rng), &password)
            .map_err(RegistrationError::from_library)?;
        let request = to_array(&started.message.serialize());
        Ok((
            Self {
                password,
                state: started.state,
            },
            request,
        ))
    }

    /// Stretches the password (0.15 s, 64 MiB) and seals the record to upload.
    pub fn finish(
        self,
        response: &[u8],
        context: &LoginContext,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Registered, RegistrationError> {
        let bytes: &[u8; REGISTRATION_RESPONSE_LEN] =
            Message::RegistrationResponse.exactly(response)?;
        let response = RegistrationResponse::deserialize(bytes)
            .map_err(|_| Malformed(Message::RegistrationResponse))?;
        let parameters = ClientRegistrationFinishParameters::new(context.identifiers(), None);
        let mut finished = self
            .state
            .finish(&mut LegacyRng(rng), &self.password, response, parameters)
            .map_err(RegistrationError::from_library)?;
        Ok(Registered {
            upload: to_array(&finished.message.serialize()),
            export_key: ExportKey::take(&mut finished.export_key),
            server_public_key: to_array(&finished.server_s_pk.serialize()),
        })
    }
}

impl ClientLogin {
    /// Blinds a password. The second value is KE1, for the server.
    pub fn start(
        password: &[u8],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(Self, [u8; KE1_LEN]), LoginError> {
        let password = admit(password).ok_or(LoginError::PasswordLength)?;
        let started = opaque_ke::ClientLogin::<Suite>::start(&mut LegacyRng(rng), &password)
            .map_err(LoginError::from_library)?;
        let ke1 = to_array(&started.message.serialize());
        Ok((
            Self {
                password,
                state: started.state,
            },
            ke1,
        ))
    }

    /// Stretches the password (0.15 s, 64 MiB), opens the envelope and checks
    /// the server's proof. Nothing is given out unless all of it holds.
    pub fn finish(
        self,
        ke2: &[u8],
        context: &LoginContext,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<LoggedIn, LoginError> {
        let bytes: &[u8; KE2_LEN] = Message::Ke2.exactly(ke2)?;
        let response =
            CredentialResponse::deserialize(bytes).map_err(|_| Malformed(Message::Ke2))?;
        let parameters =
            ClientLoginFinishParameters::new(Some(context.as_bytes()), context.identifiers(), None);
        let mut finished = self
            .state
            .finish(&mut LegacyRng(rng), &self.password, response, parameters)
            .map_err(LoginError::from_library)?;
        Ok(LoggedIn {
            ke3: to_array(&finished.message.serialize()),
            export_key: ExportKey::take(&mut finished.export_key),
            session_key: SessionKey::take(&mut finished.session_key),
            server_public_key: to_array(&finished.server_s_pk.serialize()),
        })
    }
}

impl fmt::Debug for ClientRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientRegistration(..)")
    }
}

impl fmt::Debug for ClientLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientLogin(..)")
    }
}

/// Our own copy of a password whose length is allowed.
fn admit(password: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let allowed = !password.is_empty() && password.len() <= PASSWORD_LEN;
    allowed.then(|| Zeroizing::new(password.to_vec()))
}
