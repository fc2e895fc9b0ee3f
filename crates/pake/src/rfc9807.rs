//! Known answers of RFC 9807, appendix C, for our suite.
//!
//! They are made without stretching, which our client cannot be built to do:
//! its half runs here on the library with the identity function in that
//! place. The server's half does not stretch and is ours.

use std::ops::Index;

use opaque_ke::ksf::Identity;
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration,
    ClientRegistrationFinishParameters, CredentialResponse, Identifiers, RegistrationResponse,
    Ristretto255, TripleDh,
};
use sha2_010::Sha512;

use crate::suite::LegacyRng;
use crate::vectors::{Scripted, Vector, parse};
use crate::{LoginContext, PasswordRecord, ServerError, ServerLogin, ServerSetup};

/// Our suite without the stretching.
struct Unstretched;

impl CipherSuite for Unstretched {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, Sha512>;
    type Ksf = Identity;
}

/// The vector in that section of the RFC.
fn vector(section: &str) -> Vector {
    let vectors = parse(include_str!("../tests/rfc9807.txt")).unwrap();
    vectors
        .into_iter()
        .find(|(title, _)| title == section)
        .unwrap()
        .1
}

impl Index<&str> for Vector {
    type Output = [u8];

    fn index(&self, name: &str) -> &[u8] {
        self.bytes(name).unwrap()
    }
}

/// A scalar is drawn as 64 bytes and reduced.
const REDUCED: [u8; 32] = [0; 32];

fn setup(v: &Vector) -> ServerSetup {
    let stored = [
        &v["oprf_seed"],
        &v["server_private_key"],
        &v["client_public_key"],
    ];
    let setup = ServerSetup::from_bytes(&stored.concat()).unwrap();
    assert_eq!(setup.public_key().as_slice(), &v["server_public_key"]);
    setup
}

/// Where a vector names no identities, RFC 9807 §4 puts the public keys.
fn context(v: &Vector) -> LoginContext {
    let client = v.find("client_identity").unwrap_or(&v["client_public_key"]);
    let server = v.find("server_identity").unwrap_or(&v["server_public_key"]);
    LoginContext::of_vector(&v["context"], client, server)
}

fn real(v: &Vector) {
    let setup = setup(v);
    let identifiers = Identifiers {
        client: v.find("client_identity"),
        server: v.find("server_identity"),
    };

    // Registration.
    let mut rng = Scripted::new(&[&v["blind_registration"], &REDUCED]);
    let started =
        ClientRegistration::<Unstretched>::start(&mut LegacyRng(&mut rng), &v["password"]).unwrap();
    let request = started.message.serialize();
    assert_eq!(request.as_slice(), &v["registration_request"]);

    let response = setup
        .evaluate(&request, &v["credential_identifier"])
        .unwrap();
    assert_eq!(response.as_slice(), &v["registration_response"]);

    let mut rng = Scripted::new(&[&v["envelope_nonce"]]);
    let finished = started
        .state
        .finish(
            &mut LegacyRng(&mut rng),
            &v["password"],
            RegistrationResponse::deserialize(&response).unwrap(),
            ClientRegistrationFinishParameters::new(identifiers, None),
        )
        .unwrap();
    assert_eq!(
        finished.message.serialize().as_slice(),
        &v["registration_upload"]
    );
    assert_eq!(finished.export_key.as_slice(), &v["export_key"]);
    let record = PasswordRecord::parse(&finished.message.serialize()).unwrap();
    assert_eq!(record.to_bytes().as_slice(), &v["registration_upload"]);

    // Login.
    let mut rng = Scripted::new(&[
        &v["blind_login"],
        &REDUCED,
        &v["client_keyshare_seed"],
        &v["client_nonce"],
    ]);
    let started =
        ClientLogin::<Unstretched>::start(&mut LegacyRng(&mut rng), &v["password"]).unwrap();
    let ke1 = started.message.serialize();
    assert_eq!(ke1.as_slice(), &v["KE1"]);

    let mut rng = Scripted::new(&[
        &[0; 64], // the invented record's masking key, drawn in any case
        &v["masking_nonce"],
        &v["server_keyshare_seed"],
        &v["server_nonce"],
    ]);
    let identifier = &v["credential_identifier"];
    let (server, ke2) = ServerLogin::answer(
        &setup,
        Some(record),
        &ke1,
        identifier,
        &context(v),
        &mut rng,
    )
    .unwrap();
    assert_eq!(ke2.as_slice(), &v["KE2"]);

    let finished = started
        .state
        .finish(
            &mut LegacyRng(&mut Scripted::new(&[])),
            &v["password"],
            CredentialResponse::deserialize(&ke2).unwrap(),
            ClientLoginFinishParameters::new(Some(&v["context"]), identifiers, None),
        )
        .unwrap();
    let ke3 = finished.message.serialize();
    assert_eq!(ke3.as_slice(), &v["KE3"]);
    assert_eq!(finished.session_key.as_slice(), &v["session_key"]);
    assert_eq!(finished.export_key.as_slice(), &v["export_key"]);

    let stored = server.to_bytes();
    let server = ServerLogin::from_bytes(stored.as_slice()).unwrap();
    assert_eq!(
        server.finish(&ke3).unwrap().expose().as_slice(),
        &v["session_key"]
    );
}

#[test]
fn c_1_1_without_identities() {
    real(&vector("C.1.1"));
}

#[test]
fn c_1_2_with_identities() {
    real(&vector("C.1.2"));
}

#[test]
fn c_2_1_unknown_user() {
    let v = &vector("C.2.1");
    let mut rng = Scripted::new(&[
        &v["masking_key"],
        &v["masking_nonce"],
        &v["server_keyshare_seed"],
        &v["server_nonce"],
    ]);
    let (server, ke2) = ServerLogin::answer(
        &setup(v),
        None,
        &v["KE1"],
        &v["credential_identifier"],
        &context(v),
        &mut rng,
    )
    .unwrap();
    assert_eq!(ke2.as_slice(), &v["KE2"]);
    assert_eq!(
        server.finish(&[0; 64]).unwrap_err(),
        ServerError::WrongPassword
    );
}
