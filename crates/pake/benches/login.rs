//! What a log-in costs the server, beside what it costs the client, whose
//! Argon2id is the price of a guess. One core.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot run has failed"
)]

use std::time::Instant;

use rand_core::UnwrapErr;
use sv_pake::{
    ClientLogin, ClientRegistration, LoginContext, PasswordRecord, ServerLogin, ServerSetup,
};

const SERVER_RUNS: u32 = 500;
const CLIENT_RUNS: u32 = 10;

fn main() {
    let mut random = UnwrapErr(getrandom::SysRng);
    let (setup, credential) = (ServerSetup::generate(&mut random), [1; 32]);
    let context = LoginContext::new(&[2; 32], "alice");
    let (registration, request) = ClientRegistration::start(b"a password", &mut random).unwrap();
    let response = setup.registration_response(&request, &credential).unwrap();
    let registered = registration
        .finish(&response, &context, &mut random)
        .unwrap();
    let record = PasswordRecord::parse(&registered.upload).unwrap();

    let (login, ke1) = ClientLogin::start(b"a password", &mut random).unwrap();
    let mut answer = || {
        ServerLogin::start(
            &setup,
            Some(record.clone()),
            &ke1,
            &credential,
            &context,
            &mut random,
        )
        .unwrap()
    };
    let (waiting, ke2) = answer();
    let start = Instant::now();
    for _ in 0..SERVER_RUNS {
        let _ = answer();
    }
    let server = f64::from(SERVER_RUNS) / start.elapsed().as_secs_f64();

    let mut random = UnwrapErr(getrandom::SysRng);
    let ke3 = login.finish(&ke2, &context, &mut random).unwrap().ke3;
    waiting.finish(&ke3).unwrap();
    let start = Instant::now();
    for _ in 0..CLIENT_RUNS {
        let (login, _) = ClientLogin::start(b"a password", &mut random).unwrap();
        let _ = login.finish(&ke2, &context, &mut random);
    }
    let client = f64::from(CLIENT_RUNS) / start.elapsed().as_secs_f64();

    println!("log-ins a server answers   {server:8.0} per second");
    println!(
        "log-ins a client proves    {client:8.1} per second   1/{:.0}",
        server / client
    );
}
