//! Our own known answers, `docs/spec/vectors/login.txt`, as a plain function:
//! run natively by `cargo test` and as WebAssembly by `cargo xtask test`.
//!
//! A file of sections, `# kind, what it shows`, each with lines `name: hex`.
//! Nothing is cheaper here than in earnest: a login is stretched three times.

use std::collections::BTreeMap;
use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

use crate::{
    ClientLogin, ClientRegistration, KE2_LEN, LoginContext, LoginError, PasswordRecord,
    RegistrationError, ServerLogin, ServerSetup,
};

const LOGIN: &str = include_str!("../../../docs/spec/vectors/login.txt");

/// Runs every vector. Gives their number, or what the first wrong one is.
pub fn run() -> Result<usize, String> {
    let sections = parse(LOGIN)?;
    for (title, vector) in &sections {
        run_one(title, vector).map_err(|why| format!("login.txt, {title}: {why}"))?;
    }
    Ok(sections.len())
}

fn run_one(title: &str, vector: &Vector) -> Result<(), String> {
    let (kind, _) = title.split_once(", ").ok_or("no kind")?;
    match kind {
        "login" => {
            for (name, bytes) in transcript(vector)? {
                if vector.bytes(name)? != bytes {
                    return Err(format!("{name} is {}", hex(&bytes)));
                }
            }
            Ok(())
        }
        "wrong password" => {
            expect(answer(vector)? == vector.bytes("ke2")?)?;
            expect(log_in(vector)? == Err(LoginError::WrongPassword))
        }
        "malformed ke2" => {
            let refused = log_in(vector)?;
            expect(matches!(refused, Err(LoginError::Malformed(_))))
        }
        "malformed registration response" => {
            let message = vector.bytes("message")?;
            let (client, _) =
                ClientRegistration::start(b"x", &mut Scripted::new(&[&[1; 64]])).map_err(text)?;
            let refused =
                client.finish(message, &vector.context()?, &mut Scripted::new(&[&[1; 32]]));
            expect(matches!(refused, Err(RegistrationError::Malformed(_))))
        }
        "malformed registration request" => {
            let setup = vector.setup()?;
            let message = vector.bytes("message")?;
            expect(setup.registration_response(message, &[0; 32]).is_err())
        }
        "malformed password record" => {
            expect(PasswordRecord::parse(vector.bytes("message")?).is_err())
        }
        "malformed ke1" => {
            let mut rng = Scripted::new(&[&[1; 160]]);
            let answer = ServerLogin::start(
                &vector.setup()?,
                None,
                vector.bytes("message")?,
                &[0; 32],
                &vector.context()?,
                &mut rng,
            );
            expect(answer.is_err())
        }
        other => Err(format!("unknown kind {other:?}")),
    }
}

/// Everything that a registration and a login with these inputs give.
fn transcript(v: &Vector) -> Result<Vec<(&'static str, Vec<u8>)>, String> {
    let (setup, context) = (v.setup()?, v.context()?);
    let (password, identifier) = (v.bytes("password")?, v.array("credential_identifier")?);

    let mut rng = v.random("random_registration_start")?;
    let (client, request) = ClientRegistration::start(password, &mut rng).map_err(text)?;
    rng.spent()?;
    let response = setup
        .registration_response(&request, identifier)
        .map_err(text)?;
    let mut rng = v.random("random_registration_finish")?;
    let registered = client.finish(&response, &context, &mut rng).map_err(text)?;
    rng.spent()?;
    let record = PasswordRecord::parse(&registered.upload).map_err(text)?;

    let mut rng = v.random("random_login_client")?;
    let (client, ke1) = ClientLogin::start(password, &mut rng).map_err(text)?;
    rng.spent()?;
    let mut rng = v.random("random_login_server")?;
    let (server, ke2) =
        ServerLogin::start(&setup, Some(record), &ke1, identifier, &context, &mut rng)
            .map_err(text)?;
    rng.spent()?;
    let server_login = server.to_bytes().to_vec();
    let done = client
        .finish(&ke2, &context, &mut Scripted::new(&[]))
        .map_err(text)?;
    let session_key = server.finish(&done.ke3).map_err(text)?;

    expect(done.server_public_key == registered.server_public_key)?;
    expect(done.export_key.expose() == registered.export_key.expose())?;
    expect(done.session_key.expose() == session_key.expose())?;
    Ok(vec![
        ("server_public_key", done.server_public_key.to_vec()),
        ("context", context.as_bytes().to_vec()),
        ("registration_request", request.to_vec()),
        ("registration_response", response.to_vec()),
        ("password_record", registered.upload.to_vec()),
        ("export_key", done.export_key.expose().to_vec()),
        ("ke1", ke1.to_vec()),
        ("ke2", ke2.to_vec()),
        ("server_login", server_login),
        ("ke3", done.ke3.to_vec()),
        ("session_key", session_key.expose().to_vec()),
    ])
}

/// A server's KE2 for a client that will not be able to log in: with that
/// record if any, and for that instance if another one is named.
fn answer(v: &Vector) -> Result<[u8; KE2_LEN], String> {
    let record = v
        .find("password_record")
        .map(PasswordRecord::parse)
        .transpose()
        .map_err(text)?;
    let instance = v
        .find("server_instance_id")
        .unwrap_or(v.bytes("instance_id")?);
    let context = LoginContext::new(instance.try_into().map_err(text)?, v.handle()?);
    let (_, ke1) = ClientLogin::start(v.bytes("password")?, &mut v.random("random_login_client")?)
        .map_err(text)?;
    let mut rng = v.random("random_login_server")?;
    let identifier = v.array("credential_identifier")?;
    let (_, ke2) = ServerLogin::start(&v.setup()?, record, &ke1, identifier, &context, &mut rng)
        .map_err(text)?;
    rng.spent()?;
    Ok(ke2)
}

/// The client's verdict on a given KE2.
fn log_in(v: &Vector) -> Result<Result<(), LoginError>, String> {
    let mut rng = v.random("random_login_client")?;
    let (client, _) = ClientLogin::start(v.bytes("password")?, &mut rng).map_err(text)?;
    let done = client.finish(v.bytes("ke2")?, &v.context()?, &mut Scripted::new(&[]));
    Ok(done.map(|_| ()))
}

/// One section's named values.
#[derive(Default)]
pub(crate) struct Vector(BTreeMap<String, Vec<u8>>);

impl Vector {
    pub(crate) fn find(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    pub(crate) fn bytes(&self, name: &str) -> Result<&[u8], String> {
        self.find(name).ok_or_else(|| format!("{name} is missing"))
    }

    fn array(&self, name: &str) -> Result<&[u8; 32], String> {
        self.bytes(name)?
            .try_into()
            .map_err(|_| format!("{name} has not 32 bytes"))
    }

    fn random(&self, name: &str) -> Result<Scripted, String> {
        Ok(Scripted::new(&[self.bytes(name)?]))
    }

    fn setup(&self) -> Result<ServerSetup, String> {
        ServerSetup::from_bytes(self.bytes("server_setup")?).map_err(text)
    }

    fn context(&self) -> Result<LoginContext, String> {
        Ok(LoginContext::new(
            self.array("instance_id")?,
            self.handle()?,
        ))
    }

    fn handle(&self) -> Result<&str, String> {
        std::str::from_utf8(self.bytes("handle")?).map_err(text)
    }
}

/// The sections of a file of vectors, in order, by title. Text before the
/// first is for the reader.
pub(crate) fn parse(file: &str) -> Result<Vec<(String, Vector)>, String> {
    let mut sections = Vec::<(String, Vector)>::new();
    for line in file.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            sections.push((title.to_owned(), Vector::default()));
        } else if let (Some((_, vector)), Some((name, hex))) =
            (sections.last_mut(), line.split_once(": "))
        {
            vector.0.insert(name.to_owned(), unhex(hex)?);
        }
    }
    Ok(sections)
}

/// A generator that gives out the scripted bytes in order. Asked for more, it
/// remembers that: known answers fix how much randomness is drawn.
pub(crate) struct Scripted {
    left: Vec<u8>,
    short: bool,
}

impl Scripted {
    pub(crate) fn new(parts: &[&[u8]]) -> Self {
        Self {
            left: parts.concat(),
            short: false,
        }
    }

    /// Checks that exactly the scripted bytes were drawn.
    pub(crate) fn spent(&self) -> Result<(), String> {
        match (self.short, self.left.len()) {
            (true, _) => Err("more randomness drawn than scripted".to_owned()),
            (false, 0) => Ok(()),
            (false, n) => Err(format!("{n} bytes of randomness left")),
        }
    }
}

impl TryRng for Scripted {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Infallible> {
        self.short |= self.left.len() < dest.len();
        let rest = self.left.split_off(dest.len().min(self.left.len()));
        dest.fill(0);
        dest.iter_mut()
            .zip(&self.left)
            .for_each(|(to, from)| *to = *from);
        self.left = rest;
        Ok(())
    }
}

impl TryCryptoRng for Scripted {}

fn expect(holds: bool) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err("another verdict than expected".to_owned())
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(hex: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u32>> = hex.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits
        .filter(|digits| digits.len() % 2 == 0)
        .ok_or("not hexadecimal")?;
    Ok(digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, d| byte << 4 | *d as u8))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After a change of the format: the inputs in the file stay, the rest is
    /// what this prints.
    #[test]
    fn all_hold() {
        let outcome = run();
        if outcome.is_err() {
            for (title, vector) in parse(LOGIN).unwrap() {
                println!("# {title}");
                if title.starts_with("login, ") {
                    for (name, bytes) in transcript(&vector).unwrap() {
                        println!("{name}: {}", hex(&bytes));
                    }
                } else if title.starts_with("wrong password, ") {
                    println!("ke2: {}", hex(&answer(&vector).unwrap()));
                }
            }
        }
        assert!(outcome.unwrap() >= 31);
    }
}
