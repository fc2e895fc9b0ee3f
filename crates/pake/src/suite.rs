//! The one suite (login.md §1), and the seam between the two generations of
//! dependencies: lengths, randomness.

use opaque_ke::generic_array::typenum::Unsigned;
use opaque_ke::{CipherSuite, Ristretto255, TripleDh};
use rand_core::CryptoRng;
use sha2_010::Sha512;

use crate::stretch::Stretch;
use crate::{
    KE1_LEN, KE2_LEN, PASSWORD_RECORD_LEN, REGISTRATION_REQUEST_LEN, REGISTRATION_RESPONSE_LEN,
    SERVER_SETUP_LEN,
};

/// OPAQUE-3DH over ristretto255 with SHA-512 everywhere.
pub(crate) struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, Sha512>;
    type Ksf = Stretch;
}

// The lengths in the specification are those of the library.
const _: () = {
    use opaque_ke as ke;
    assert!(<ke::RegistrationRequestLen<Suite> as Unsigned>::USIZE == REGISTRATION_REQUEST_LEN);
    assert!(<ke::RegistrationResponseLen<Suite> as Unsigned>::USIZE == REGISTRATION_RESPONSE_LEN);
    assert!(<ke::RegistrationUploadLen<Suite> as Unsigned>::USIZE == PASSWORD_RECORD_LEN);
    assert!(<ke::CredentialRequestLen<Suite> as Unsigned>::USIZE == KE1_LEN);
    assert!(<ke::CredentialResponseLen<Suite> as Unsigned>::USIZE == KE2_LEN);
    assert!(SERVER_SETUP_LEN == 64 + 32 + 32);
};

/// Copies an array of the library's generation into one of ours. Its length
/// is one of those asserted above.
pub(crate) fn to_array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(bytes);
    out
}

/// The caller's generator, seen through the library's older trait.
pub(crate) struct LegacyRng<'r, R: ?Sized>(pub(crate) &'r mut R);

impl<R: CryptoRng + ?Sized> opaque_ke::rand::RngCore for LegacyRng<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        self.0.fill_bytes(dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), opaque_ke::rand::Error> {
        self.0.fill_bytes(dest);
        Ok(())
    }
}

impl<R: CryptoRng + ?Sized> opaque_ke::rand::CryptoRng for LegacyRng<'_, R> {}
