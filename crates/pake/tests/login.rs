//! Both halves against each other, as client and server use them.
#![expect(clippy::unwrap_used, reason = "tests")]

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use sv_pake::{
    ClientLogin, ClientRegistration, ExportKey, KE1_LEN, KE2_LEN, KE3_LEN, LoggedIn, LoginContext,
    LoginError, Malformed, Message, PASSWORD_LEN, PASSWORD_RECORD_LEN, PasswordRecord,
    REGISTRATION_REQUEST_LEN, REGISTRATION_RESPONSE_LEN, RegistrationError, SERVER_LOGIN_LEN,
    SERVER_SETUP_LEN, ServerError, ServerLogin, ServerSetup,
};

const PASSWORD: &[u8] = b"correct horse battery staple";
const ALICE: [u8; 32] = [0xa1; 32];
const BOB: [u8; 32] = [0xb0; 32];
/// An encoding no ristretto255 point has: not canonical.
const NO_POINT: [u8; 32] = [0xff; 32];
/// The identity, which every message must refuse.
const IDENTITY: [u8; 32] = [0; 32];

fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// A server, and alice's place on it.
struct Instance {
    setup: ServerSetup,
    context: LoginContext,
}

impl Instance {
    fn new() -> Self {
        Self::with_id([1; 32])
    }

    fn with_id(id: [u8; 32]) -> Self {
        let setup = ServerSetup::generate(&mut rng());
        Self {
            setup,
            context: LoginContext::new(&id, "alice"),
        }
    }

    fn register(&self, password: &[u8]) -> (PasswordRecord, ExportKey) {
        let (client, request) = ClientRegistration::start(password, &mut rng()).unwrap();
        let response = self.setup.registration_response(&request, &ALICE).unwrap();
        let done = client.finish(&response, &self.context, &mut rng()).unwrap();
        assert_eq!(done.server_public_key, self.setup.public_key());
        (
            PasswordRecord::parse(&done.upload).unwrap(),
            done.export_key,
        )
    }

    /// The server's half is stored and read again between its two messages.
    fn log_in(&self, record: Option<PasswordRecord>, password: &[u8]) -> Outcome {
        let (client, ke1) = ClientLogin::start(password, &mut rng()).unwrap();
        let (server, ke2) =
            ServerLogin::start(&self.setup, record, &ke1, &ALICE, &self.context, &mut rng())
                .unwrap();
        let server = ServerLogin::from_bytes(server.to_bytes().as_slice()).unwrap();
        Outcome {
            ke2,
            client: client.finish(&ke2, &self.context, &mut rng()),
            server,
        }
    }
}

struct Outcome {
    ke2: [u8; KE2_LEN],
    client: Result<LoggedIn, LoginError>,
    server: ServerLogin,
}

impl Outcome {
    fn error(self) -> LoginError {
        self.client.unwrap_err()
    }
}

#[test]
fn a_login_gives_both_sides_one_session_key_and_the_client_its_export_key() {
    let instance = Instance::new();
    let (record, export_key) = instance.register(PASSWORD);
    for _ in 0..2 {
        let outcome = instance.log_in(Some(record.clone()), PASSWORD);
        let client = outcome.client.unwrap();
        assert_eq!(client.export_key.expose(), export_key.expose());
        assert_eq!(client.server_public_key, instance.setup.public_key());
        let session_key = outcome.server.finish(&client.ke3).unwrap();
        assert_eq!(session_key.expose(), client.session_key.expose());
    }
}

#[test]
fn registering_the_same_password_again_gives_other_keys() {
    let instance = Instance::new();
    let (first_record, first) = instance.register(PASSWORD);
    let (second_record, second) = instance.register(PASSWORD);
    assert_ne!(first.expose(), second.expose());
    assert_ne!(first_record.to_bytes(), second_record.to_bytes());
}

#[test]
fn a_stored_setup_and_record_still_serve() {
    let instance = Instance::new();
    let (record, _) = instance.register(PASSWORD);
    let setup = ServerSetup::from_bytes(instance.setup.to_bytes().as_slice()).unwrap();
    let restarted = Instance {
        setup,
        context: instance.context,
    };
    let record = PasswordRecord::parse(&record.to_bytes()).unwrap();
    assert!(restarted.log_in(Some(record), PASSWORD).client.is_ok());
}

#[test]
fn a_wrong_password_fails_at_both_sides() {
    let instance = Instance::new();
    let (record, _) = instance.register(PASSWORD);
    let outcome = instance.log_in(Some(record), b"Correct horse battery staple");
    assert_eq!(outcome.client.unwrap_err(), LoginError::WrongPassword);
    assert_eq!(
        outcome.server.finish(&[0; KE3_LEN]).unwrap_err(),
        ServerError::WrongPassword
    );
}

/// RFC 9807 §10.9: for an unknown handle the answer has the same shape, its
/// OPRF part is as stable as a real account's, all else as fresh.
#[test]
fn an_unknown_handle_looks_like_a_wrong_password() {
    let instance = Instance::new();
    let (record, _) = instance.register(PASSWORD);
    let (_, ke1) = ClientLogin::start(PASSWORD, &mut rng()).unwrap();
    let answer = |record: Option<PasswordRecord>| {
        let context = &instance.context;
        ServerLogin::start(&instance.setup, record, &ke1, &ALICE, context, &mut rng()).unwrap()
    };
    for record in [Some(record), None] {
        let (first_state, first) = answer(record.clone());
        let (second_state, second) = answer(record);
        assert_eq!(first[..32], second[..32], "the OPRF's answer");
        let fresh = [(32, 64), (64, 192), (192, 224), (224, 256), (256, 320)];
        for (from, to) in fresh {
            assert_ne!(first[from..to], second[from..to], "bytes {from} to {to}");
        }
        assert_eq!(first_state.to_bytes().len(), second_state.to_bytes().len());
    }
    let outcome = instance.log_in(None, PASSWORD);
    assert_eq!(outcome.ke2.len(), KE2_LEN);
    assert_eq!(outcome.error(), LoginError::WrongPassword);
}

#[test]
fn a_record_moved_to_another_account_opens_nothing() {
    let instance = Instance::new();
    let (alices, _) = instance.register(PASSWORD);
    let bobs_context = LoginContext::new(&[1; 32], "bob");
    let (client, ke1) = ClientLogin::start(PASSWORD, &mut rng()).unwrap();
    let (_, ke2) = ServerLogin::start(
        &instance.setup,
        Some(alices),
        &ke1,
        &BOB,
        &bobs_context,
        &mut rng(),
    )
    .unwrap();
    let error = client.finish(&ke2, &bobs_context, &mut rng()).unwrap_err();
    assert_eq!(error, LoginError::WrongPassword);
}

/// Even a server that keeps alice's OPRF key for bob, so that the stretched
/// password is alice's, cannot pass her record off as his.
#[test]
fn a_record_is_bound_to_its_handle_not_only_to_its_key() {
    let instance = Instance::new();
    let (alices, _) = instance.register(PASSWORD);
    let renamed = Instance {
        setup: instance.setup,
        context: LoginContext::new(&[1; 32], "alicia"),
    };
    assert_eq!(
        renamed.log_in(Some(alices), PASSWORD).error(),
        LoginError::WrongPassword
    );
}

/// A52: the same user, password, server keys and record under another
/// instance's id.
#[test]
fn a52_a_login_does_not_carry_over_to_another_instance() {
    let instance = Instance::new();
    let (record, _) = instance.register(PASSWORD);

    let clone = ServerSetup::from_bytes(instance.setup.to_bytes().as_slice()).unwrap();
    let elsewhere = Instance {
        setup: clone,
        context: LoginContext::new(&[2; 32], "alice"),
    };
    assert_eq!(
        elsewhere.log_in(Some(record.clone()), PASSWORD).error(),
        LoginError::WrongPassword
    );

    // Relayed: the client means instance 1, the server that answers is 2.
    let (client, ke1) = ClientLogin::start(PASSWORD, &mut rng()).unwrap();
    let (_, ke2) = ServerLogin::start(
        &elsewhere.setup,
        Some(record),
        &ke1,
        &ALICE,
        &elsewhere.context,
        &mut rng(),
    )
    .unwrap();
    let error = client
        .finish(&ke2, &instance.context, &mut rng())
        .unwrap_err();
    assert_eq!(error, LoginError::WrongPassword);
}

#[test]
fn a_record_under_other_server_keys_opens_nothing() {
    let (record, _) = Instance::new().register(PASSWORD);
    let restored_wrongly = Instance::new();
    assert_eq!(
        restored_wrongly.log_in(Some(record), PASSWORD).error(),
        LoginError::WrongPassword
    );
}

#[test]
fn a_proof_is_good_for_its_own_login_only() {
    let instance = Instance::new();
    let (record, _) = instance.register(PASSWORD);
    let first = instance.log_in(Some(record.clone()), PASSWORD);
    let second = instance.log_in(Some(record), PASSWORD);
    let ke3 = first.client.unwrap().ke3;
    assert_eq!(
        second.server.finish(&ke3).unwrap_err(),
        ServerError::WrongPassword
    );
    assert!(first.server.finish(&ke3).is_ok());
}

#[test]
fn passwords_have_1_to_1024_bytes() {
    let refused = RegistrationError::PasswordLength;
    assert_eq!(
        ClientRegistration::start(b"", &mut rng()).unwrap_err(),
        refused
    );
    let long = [b'x'; PASSWORD_LEN + 1];
    assert_eq!(
        ClientRegistration::start(&long, &mut rng()).unwrap_err(),
        refused
    );
    assert!(ClientRegistration::start(&long[1..], &mut rng()).is_ok());
    assert_eq!(
        ClientLogin::start(b"", &mut rng()).unwrap_err(),
        LoginError::PasswordLength
    );
    assert_eq!(
        ClientLogin::start(&long, &mut rng()).unwrap_err(),
        LoginError::PasswordLength
    );
}

/// Every length but the right one, for everything that is parsed. Nothing
/// here gets as far as stretching.
#[test]
fn every_message_has_one_length() {
    let Instance { setup, context } = Instance::new();
    let lengths = |right: usize| [0, 1, right - 1, right + 1, 2 * right];

    for length in lengths(REGISTRATION_REQUEST_LEN) {
        let refused = setup
            .registration_response(&vec![1; length], &ALICE)
            .unwrap_err();
        assert_eq!(refused, Malformed(Message::RegistrationRequest));
    }
    for length in lengths(REGISTRATION_RESPONSE_LEN) {
        let (client, _) = ClientRegistration::start(PASSWORD, &mut rng()).unwrap();
        let refused = client
            .finish(&vec![1; length], &context, &mut rng())
            .unwrap_err();
        assert_eq!(refused, Malformed(Message::RegistrationResponse).into());
    }
    for length in lengths(PASSWORD_RECORD_LEN) {
        let refused = PasswordRecord::parse(&vec![1; length]).unwrap_err();
        assert_eq!(refused, Malformed(Message::PasswordRecord));
    }
    for length in lengths(KE1_LEN) {
        let ke1 = vec![1; length];
        let refused =
            ServerLogin::start(&setup, None, &ke1, &ALICE, &context, &mut rng()).unwrap_err();
        assert_eq!(refused, Malformed(Message::Ke1).into());
    }
    for length in lengths(KE2_LEN) {
        let (client, _) = ClientLogin::start(PASSWORD, &mut rng()).unwrap();
        let refused = client
            .finish(&vec![1; length], &context, &mut rng())
            .unwrap_err();
        assert_eq!(refused, Malformed(Message::Ke2).into());
    }
    for length in lengths(KE3_LEN) {
        let server = ServerLogin::from_bytes(&[1; SERVER_LOGIN_LEN]).unwrap();
        let refused = server.finish(&vec![1; length]).unwrap_err();
        assert_eq!(refused, Malformed(Message::Ke3).into());
    }
    for length in lengths(SERVER_LOGIN_LEN) {
        let refused = ServerLogin::from_bytes(&vec![1; length]).unwrap_err();
        assert_eq!(refused, Malformed(Message::ServerLogin));
    }
    for length in lengths(SERVER_SETUP_LEN) {
        let refused = ServerSetup::from_bytes(&vec![1; length]).unwrap_err();
        assert_eq!(refused, Malformed(Message::ServerSetup));
    }
}

/// Wherever a message holds a point: not an encoding of one, and the identity.
#[test]
fn points_are_checked() {
    let Instance { setup, context } = Instance::new();
    let (client, ke1) = ClientLogin::start(PASSWORD, &mut rng()).unwrap();
    let (_, ke2) = ServerLogin::start(&setup, None, &ke1, &ALICE, &context, &mut rng()).unwrap();
    drop(client);

    for bad in [NO_POINT, IDENTITY] {
        assert!(setup.registration_response(&bad, &ALICE).is_err());
        for at in [0, 64] {
            let ke1 = forged(&ke1, at, bad);
            let answer = ServerLogin::start(&setup, None, &ke1, &ALICE, &context, &mut rng());
            assert_eq!(
                answer.unwrap_err(),
                Malformed(Message::Ke1).into(),
                "KE1 at {at}"
            );
        }
        for at in [0, 224] {
            let (client, _) = ClientLogin::start(PASSWORD, &mut rng()).unwrap();
            let answer = client.finish(&forged(&ke2, at, bad), &context, &mut rng());
            assert_eq!(
                answer.unwrap_err(),
                Malformed(Message::Ke2).into(),
                "KE2 at {at}"
            );
        }
        for at in [0, 32] {
            let (client, request) = ClientRegistration::start(PASSWORD, &mut rng()).unwrap();
            let response = setup.registration_response(&request, &ALICE).unwrap();
            let answer = client.finish(&forged(&response, at, bad), &context, &mut rng());
            assert!(answer.is_err(), "registration response at {at}");
        }
        let record = forged(&[7; PASSWORD_RECORD_LEN], 0, bad);
        assert!(PasswordRecord::parse(&record).is_err());
        // Scalars: 2²⁵⁶ − 1 is not reduced, zero is no key.
        assert!(ServerSetup::from_bytes(&forged(&setup.to_bytes(), 64, bad)).is_err());
        assert!(ServerSetup::from_bytes(&forged(&setup.to_bytes(), 96, bad)).is_err());
    }
}

/// A server that echoes the client's own point would learn the password's hash.
#[test]
fn reflected_points_are_refused() {
    let Instance { setup, context } = Instance::new();
    let (client, request) = ClientRegistration::start(PASSWORD, &mut rng()).unwrap();
    let response = setup.registration_response(&request, &ALICE).unwrap();
    let refused = client
        .finish(&forged(&response, 0, request), &context, &mut rng())
        .unwrap_err();
    assert_eq!(refused, Malformed(Message::RegistrationResponse).into());

    let (client, ke1) = ClientLogin::start(PASSWORD, &mut rng()).unwrap();
    let (_, ke2) = ServerLogin::start(&setup, None, &ke1, &ALICE, &context, &mut rng()).unwrap();
    let own: [u8; 32] = ke1[..32].try_into().unwrap();
    let refused = client
        .finish(&forged(&ke2, 0, own), &context, &mut rng())
        .unwrap_err();
    assert_eq!(refused, Malformed(Message::Ke2).into());
}

/// One changed bit in any field of KE2, and in KE3.
#[test]
fn forged_answers_and_proofs_are_refused() {
    let instance = Instance::new();
    let (record, _) = instance.register(PASSWORD);
    for at in [32, 64, 96, 128, 192, 256, 319] {
        let (client, ke1) = ClientLogin::start(PASSWORD, &mut rng()).unwrap();
        let (_, mut ke2) = ServerLogin::start(
            &instance.setup,
            Some(record.clone()),
            &ke1,
            &ALICE,
            &instance.context,
            &mut rng(),
        )
        .unwrap();
        ke2[at] ^= 0x80;
        let refused = client
            .finish(&ke2, &instance.context, &mut rng())
            .unwrap_err();
        assert_eq!(refused, LoginError::WrongPassword, "byte {at}");
    }
    let outcome = instance.log_in(Some(record), PASSWORD);
    let mut ke3 = outcome.client.unwrap().ke3;
    ke3[63] ^= 1;
    assert_eq!(
        outcome.server.finish(&ke3).unwrap_err(),
        ServerError::WrongPassword
    );
}

#[test]
fn nothing_secret_is_printed() {
    let instance = Instance::new();
    let (record, export_key) = instance.register(PASSWORD);
    let outcome = instance.log_in(Some(record.clone()), PASSWORD);
    let client = outcome.client.unwrap();
    assert_eq!(format!("{:?}", instance.setup), "ServerSetup(..)");
    assert_eq!(format!("{record:?}"), "PasswordRecord(..)");
    assert_eq!(format!("{:?}", outcome.server), "ServerLogin(..)");
    assert_eq!(format!("{export_key:?}"), "ExportKey(..)");
    assert_eq!(format!("{:?}", client.session_key), "SessionKey(..)");
}

/// `message` with 32 bytes replaced.
fn forged<const N: usize>(message: &[u8; N], at: usize, with: [u8; 32]) -> [u8; N] {
    let mut message = *message;
    message[at..at + 32].copy_from_slice(&with);
    message
}
