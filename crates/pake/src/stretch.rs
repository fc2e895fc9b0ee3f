//! The key stretching function (login.md §2): what makes a guess expensive.
//!
//! Its parameters are compiled in. Nothing a server sends, no setting and no
//! feature of this crate changes them; tests pay the full price too.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use opaque_ke::errors::InternalError;
use opaque_ke::generic_array::{ArrayLength, GenericArray};
use zeroize::Zeroize;

/// Argon2's memory: 64 MiB, in KiB.
const MEMORY_KIB: u32 = 64 * 1024;
/// Passes over that memory.
const PASSES: u32 = 3;
/// Lanes: more gain nothing in a browser.
const LANES: u32 = 1;
/// Constant: the input is already salted, per account and by a secret, by the OPRF.
const SALT: [u8; 16] = [0; 16];

/// Argon2id v1.3 with the parameters above.
#[derive(Default)]
pub(crate) struct Stretch;

impl opaque_ke::ksf::Ksf for Stretch {
    fn hash<L: ArrayLength<u8>>(
        &self,
        input: GenericArray<u8, L>,
    ) -> Result<GenericArray<u8, L>, InternalError> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(L::USIZE))
            .map_err(|_| InternalError::KsfError)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        #[cfg(test)]
        probe::record(&argon2, &SALT);

        let mut memory = Memory::allocate(argon2.params().block_count())?;
        let mut output = GenericArray::default();
        argon2
            .hash_password_into_with_memory(&input, &SALT, &mut output, &mut memory.0)
            .map_err(|_| InternalError::KsfError)?;
        Ok(output)
    }
}

/// Argon2's working memory, cleared when done: its last blocks are as good as
/// the stretched password.
struct Memory(Vec<Block>);

impl Memory {
    /// Fails where the system refuses the memory, which in a browser it may.
    fn allocate(blocks: usize) -> Result<Self, InternalError> {
        let mut memory = Vec::new();
        memory
            .try_reserve_exact(blocks)
            .map_err(|_| InternalError::KsfError)?;
        memory.resize(blocks, Block::default());
        Ok(Self(memory))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Sees every use of Argon2 in a unit test, with the parameters it really ran with.
#[cfg(test)]
pub(crate) mod probe {
    use std::cell::RefCell;

    use argon2::Argon2;

    /// Memory in KiB, passes, lanes, output bytes, salt; and how Argon2 calls itself.
    pub(crate) type Seen = ((u32, u32, u32, Option<usize>, Vec<u8>), String);

    thread_local!(static SEEN: RefCell<Vec<Seen>> = const { RefCell::new(Vec::new()) });

    pub(crate) fn record(argon2: &Argon2<'_>, salt: &[u8]) {
        let p = argon2.params();
        let parameters = (
            p.m_cost(),
            p.t_cost(),
            p.p_cost(),
            p.output_len(),
            salt.to_vec(),
        );
        SEEN.with_borrow_mut(|seen| seen.push((parameters, format!("{argon2:?}"))));
    }

    /// What was seen on this thread since it was last asked.
    pub(crate) fn take() -> Vec<Seen> {
        SEEN.take()
    }
}

#[cfg(test)]
mod tests {
    use getrandom::SysRng;
    use getrandom::rand_core::UnwrapErr;
    use opaque_ke::generic_array::typenum::U64;
    use opaque_ke::ksf::Ksf;

    use super::*;
    use crate::{
        ClientLogin, ClientRegistration, LoginContext, LoginError, PasswordRecord, ServerLogin,
        ServerSetup,
    };

    /// Computed with OpenSSL (through Python's `cryptography`):
    /// `Argon2id(salt=bytes(16), length=64, iterations=3, lanes=1, memory_cost=65536)
    /// .derive(bytes(range(64)))`.
    const KNOWN: &str = "97076ac1d2e29b8f16f2af338d9f0e63a0d078c2b3cce12024bc7ecdd3cbc2d4\
                         b4dcb53de561c257004dc2d756cd8abcac4efc7b764b385fd8f624d7aa447a22";

    #[test]
    fn stretching_agrees_with_another_implementation() {
        let input: GenericArray<u8, U64> = (0..64).collect();
        let output = Stretch.hash(input).expect("64 MiB");
        let hex: String = output.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, KNOWN);
    }

    /// A6: no message has a field for parameters, and whatever a server puts
    /// into those it has, each password is stretched once, at full cost.
    #[test]
    fn a6_every_password_is_stretched_with_the_compiled_parameters() {
        let mut rng = UnwrapErr(SysRng);
        let setup = ServerSetup::generate(&mut rng);
        let context = LoginContext::new(&[1; 32], "alice");
        probe::take();
        let mut stretched = 0;

        // Registering twice, as at a change of password.
        let mut record = None;
        for _ in 0..2 {
            let (client, request) = ClientRegistration::start(b"pw", &mut rng).unwrap();
            let response = setup.registration_response(&request, &[2; 32]).unwrap();
            let done = client.finish(&response, &context, &mut rng).unwrap();
            record = Some(PasswordRecord::parse(&done.upload).unwrap());
            stretched += 1;
        }

        // An honest answer, then answers with every part forged in turn.
        let parts = [None, Some(32), Some(64), Some(192), Some(224), Some(256)];
        for part in parts {
            let (client, ke1) = ClientLogin::start(b"pw", &mut rng).unwrap();
            let (_, mut ke2) =
                ServerLogin::start(&setup, record.clone(), &ke1, &[2; 32], &context, &mut rng)
                    .unwrap();
            if let Some(at) = part {
                ke2[at] ^= 1;
            }
            match client.finish(&ke2, &context, &mut rng) {
                Ok(_) => assert_eq!(part, None),
                // A server key share off the curve is refused before any work.
                Err(LoginError::Malformed(_)) => {
                    assert_eq!(part, Some(224));
                    continue;
                }
                Err(error) => assert_eq!(error, LoginError::WrongPassword),
            }
            stretched += 1;
        }

        let seen = probe::take();
        assert_eq!(seen.len(), stretched);
        for (parameters, name) in seen {
            assert_eq!(parameters, (65_536, 3, 1, Some(64), vec![0; 16]));
            assert!(
                name.contains("Argon2id") && name.contains("V0x13"),
                "{name}"
            );
        }
    }

    /// A8: whoever has the server's secrets and a record tries a guess for one
    /// full stretching, not less, and whatever can be done before it is the same
    /// for the right guess and a wrong one. Fails if anything in a record or an
    /// answer can be compared with what a password gives before it is stretched.
    #[test]
    fn a8_with_the_servers_secrets_a_guess_costs_one_stretching() {
        let mut rng = UnwrapErr(SysRng);
        let setup = ServerSetup::generate(&mut rng);
        let context = LoginContext::new(&[1; 32], "alice");
        let (client, request) = ClientRegistration::start(b"right", &mut rng).unwrap();
        let response = setup.registration_response(&request, &[2; 32]).unwrap();
        let done = client.finish(&response, &context, &mut rng).unwrap();
        let record = PasswordRecord::parse(&done.upload).unwrap();
        for guess in [&b"right"[..], b"wrong", b"r", b"right "] {
            probe::take();
            let (login, ke1) = ClientLogin::start(guess, &mut rng).unwrap();
            let (_, ke2) = ServerLogin::start(
                &setup,
                Some(record.clone()),
                &ke1,
                &[2; 32],
                &context,
                &mut rng,
            )
            .unwrap();
            assert_eq!(probe::take(), [], "nothing is known of the guess yet");
            let confirmed = login.finish(&ke2, &context, &mut rng).is_ok();
            assert_eq!(confirmed, guess == b"right");
            let [(parameters, name)] = &probe::take()[..] else {
                panic!("one stretching for one guess");
            };
            assert_eq!(*parameters, (65_536, 3, 1, Some(64), vec![0; 16]));
            assert!(name.contains("Argon2id"), "{name}");
        }
    }
}
