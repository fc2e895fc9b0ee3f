//! Vault keys and how they reach people (spec: `account-keys.md` §6 and §7).
//! No function here gives a key that was not checked against the commitment
//! in the verified log.

use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::XWing,
};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use sv_ledger::bootstrap::NamedEnvelope;
use sv_ledger::codec::{ParseError, Reader, SUITE, Writer};
use sv_ledger::enc::hash_fields;
use sv_ledger::genesis::KemPublicKey;
use sv_ledger::id::{Hash, VaultId};
use sv_ledger::membership_op::PREVIOUS_KEY_LEN;
use sv_ledger::state::{Head, Role};
use zeroize::Zeroizing;

use crate::error::{EnvelopeError, SealError, Tampered};
pub use sv_ledger::sealed::ENVELOPE_LEN;

use crate::kdf::derive;
use crate::kem::KemSecretKey;
use crate::label::{Context, Label};
use crate::local::{Purpose, open_local, seal_local};
use crate::sealed_box::SMALL;
use crate::secret::{LocalKey, SecretKey, VaultKey};

/// Bytes of X-Wing's encapsulated key.
const ENCAPSULATED_LEN: usize = 1120;
/// Bytes of a vault key and its tag.
const CIPHERTEXT_LEN: usize = 32 + 16;
/// Bytes of the header in front of them.
const HEADER_LEN: usize = 1 + 32 + 4 + 32 + 4 + 32 + 4 + (8 + 32) + 32 + 1 + 32 + 32;
const _: () = assert!(ENVELOPE_LEN == HEADER_LEN + ENCAPSULATED_LEN + CIPHERTEXT_LEN);

impl VaultKey {
    /// The public commitment by which the log names this key.
    pub fn commitment(&self, vault_id: &VaultId, epoch: u32) -> Hash {
        let fields: [&[u8]; 2] = [vault_id.as_bytes(), &epoch.to_be_bytes()];
        Hash::new(*derive(Label::VaultKeyCommitment, self.expose(), &fields))
    }

    /// Whether the log's commitment is to this key.
    pub fn is_committed(&self, vault_id: &VaultId, epoch: u32, commitment: &Hash) -> bool {
        self.commitment(vault_id, epoch)
            .as_bytes()
            .ct_eq(commitment.as_bytes())
            .into()
    }

    /// The vault's own KEM key, by which it can be a member of others.
    pub fn kem(&self) -> KemSecretKey {
        KemSecretKey::from_seed(&derive(Label::VaultKem, self.expose(), &[]))
    }

    /// Its public half.
    pub fn kem_public(&self) -> KemPublicKey {
        self.kem().public().clone()
    }

    /// Seals `previous`, the key of the epoch before `epoch`, under this one,
    /// the key of `epoch`.
    ///
    /// # Errors
    /// [`SealError`], never for reasons of the values.
    pub fn seal_previous(
        &self,
        previous: &Self,
        vault_id: &VaultId,
        epoch: u32,
        rng: &mut impl CryptoRng,
    ) -> Result<[u8; PREVIOUS_KEY_LEN], SealError> {
        let key = derive(Label::PreviousKey, self.expose(), &[]);
        let ctx = previous_key_context(vault_id, epoch);
        let sealed = SMALL.seal(key.as_slice(), &ctx, previous.expose(), rng)?;
        sealed.try_into().map_err(|_| SealError::Cipher)
    }

    /// The key as a device keeps it for itself.
    ///
    /// # Errors
    /// [`SealError`], never for reasons of the values.
    pub fn seal_at_rest(
        &self,
        local: &LocalKey,
        vault_id: &VaultId,
        epoch: u32,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, SealError> {
        let context = at_rest_context(vault_id, epoch);
        seal_local(local, Purpose::Cache, &context, self.expose(), rng)
    }

    /// Opens what [`Self::seal_at_rest`] sealed, if the verified log commits
    /// to that key.
    ///
    /// # Errors
    /// [`Tampered`], whatever the cause.
    pub fn open_at_rest(
        local: &LocalKey,
        vault_id: &VaultId,
        epoch: u32,
        commitment: &Hash,
        sealed: &[u8],
    ) -> Result<Self, Tampered> {
        let context = at_rest_context(vault_id, epoch);
        let bytes = open_local(local, Purpose::Cache, &context, sealed)?;
        committed(&bytes, vault_id, epoch, commitment)
    }

    /// Opens the key that was sealed under the key of `epoch` as the one
    /// before. `commitments` are those of earlier epochs in the verified log,
    /// newest first: whoever repairs an epoch whose key nobody has can only
    /// seal the last one that opened. Gives the epoch of the key, too.
    ///
    /// # Errors
    /// [`Tampered`], whatever the cause.
    pub fn open_previous(
        &self,
        sealed: &[u8],
        vault_id: &VaultId,
        epoch: u32,
        commitments: impl IntoIterator<Item = (u32, Hash)>,
    ) -> Result<(u32, Self), Tampered> {
        let key = derive(Label::PreviousKey, self.expose(), &[]);
        let bytes = SMALL.open(
            key.as_slice(),
            &previous_key_context(vault_id, epoch),
            sealed,
        )?;
        let mut earlier = commitments.into_iter().filter(|(at, _)| *at < epoch);
        earlier
            .find_map(|(at, commitment)| {
                let key = committed(&bytes, vault_id, at, &commitment).ok()?;
                Some((at, key))
            })
            .ok_or(Tampered)
    }
}

/// Everything a key envelope says in the clear, all of it bound to the
/// ciphertext. The receiver takes these from the log it verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvelopeHeader {
    /// The vault whose key is inside.
    pub vault_id: VaultId,
    /// The key's epoch.
    pub epoch: u32,
    /// Who sealed it.
    pub granter: VaultId,
    /// Generation of the granter's keys.
    pub granter_generation: u32,
    /// For whom.
    pub principal: VaultId,
    /// Generation of the receiver's keys; a vault's is its epoch.
    pub principal_generation: u32,
    /// The receiver's own membership head, as the log names it.
    pub principal_head: Head,
    /// Hash of the receiver's KEM key.
    pub kem_hash: Hash,
    /// The receiver's role.
    pub role: Role,
    /// Commitment to the key inside.
    pub vk_commit: Hash,
    /// Hash of the last membership entry before the one that carries this.
    pub member_hash: Hash,
}

impl EnvelopeHeader {
    /// What the header of an envelope must say that a verified log names.
    pub const fn named(vault_id: VaultId, envelope: &NamedEnvelope) -> Self {
        let member = &envelope.member;
        Self {
            vault_id,
            epoch: envelope.epoch,
            granter: envelope.granter,
            granter_generation: envelope.granter_generation,
            principal: envelope.principal,
            principal_generation: member.keys.generation,
            principal_head: member.keys.head,
            kem_hash: member.keys.kem_hash,
            role: member.role,
            vk_commit: envelope.commitment,
            member_hash: envelope.member_hash,
        }
    }

    fn to_bytes(self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(SUITE)
            .raw(self.vault_id.as_bytes())
            .u32(self.epoch)
            .raw(self.granter.as_bytes())
            .u32(self.granter_generation)
            .raw(self.principal.as_bytes())
            .u32(self.principal_generation)
            .u64(self.principal_head.seq)
            .raw(self.principal_head.hash.as_bytes())
            .raw(self.kem_hash.as_bytes())
            .u8(self.role.tag())
            .raw(self.vk_commit.as_bytes())
            .raw(self.member_hash.as_bytes());
        w.into_bytes()
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        r.suite()?;
        Ok(Self {
            vault_id: r.vault_id()?,
            epoch: r.u32()?,
            granter: r.vault_id()?,
            granter_generation: r.u32()?,
            principal: r.vault_id()?,
            principal_generation: r.u32()?,
            principal_head: Head {
                seq: r.u64()?,
                hash: r.hash()?,
            },
            kem_hash: r.hash()?,
            role: Role::from_tag(r.u8()?)?,
            vk_commit: r.hash()?,
            member_hash: r.hash()?,
        })
    }

    fn info(self) -> Hash {
        hash_fields(Context::Envelope.label(), &[&self.to_bytes()])
    }
}

/// Reads the header of an envelope, to find out which log speaks of it. It is
/// a claim until [`open_envelope`] has compared it.
///
/// # Errors
/// [`EnvelopeError`] if it has not the one form of an envelope.
pub fn peek_envelope(bytes: &[u8]) -> Result<EnvelopeHeader, EnvelopeError> {
    parse(bytes).map(|parts| parts.header)
}

/// Seals `key` to `recipient` by HPKE (RFC 9180) in base mode.
///
/// # Errors
/// [`SealError::Misuse`] if the header does not speak of this key and recipient.
pub fn seal_envelope(
    header: &EnvelopeHeader,
    recipient: &KemPublicKey,
    key: &VaultKey,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    if header.kem_hash != recipient.hash() {
        return Err(SealError::Misuse(
            "the envelope names another recipient's key",
        ));
    }
    if !key.is_committed(&header.vault_id, header.epoch, &header.vk_commit) {
        return Err(SealError::Misuse(
            "the envelope commits to another vault key",
        ));
    }
    seal_unchecked(header, recipient, key, rng)
}

/// Opens an envelope whose header is exactly `expected`, which the caller has
/// from the verified log, and whose key is the one the log commits to.
///
/// # Errors
/// [`EnvelopeError::UnsupportedSuite`], else [`EnvelopeError::Tampered`].
pub fn open_envelope(
    expected: &EnvelopeHeader,
    recipient: &KemSecretKey,
    envelope: &[u8],
) -> Result<VaultKey, EnvelopeError> {
    let parts = parse(envelope)?;
    if parts.header != *expected || expected.kem_hash != recipient.public().hash() {
        return Err(EnvelopeError::Tampered);
    }
    let encapsulated = <XWing as Kem>::EncappedKey::from_bytes(parts.encapsulated)
        .map_err(|_| EnvelopeError::Tampered)?;
    let opened = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeR::Base,
        recipient.expose(),
        &encapsulated,
        expected.info().as_bytes(),
        parts.ciphertext,
        &[],
    )
    .map_err(|_| EnvelopeError::Tampered)?;
    let key = Zeroizing::new(opened);
    Ok(committed(
        &key,
        &expected.vault_id,
        expected.epoch,
        &expected.vk_commit,
    )?)
}

/// [`seal_envelope`] without its checks, as a granter of bad will has it.
pub(crate) fn seal_unchecked(
    header: &EnvelopeHeader,
    recipient: &KemPublicKey,
    key: &VaultKey,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let public = <XWing as Kem>::PublicKey::from_bytes(recipient.as_bytes())
        .map_err(|_| SealError::Misuse("the recipient's key is not an X-Wing key"))?;
    let (encapsulated, ciphertext) =
        hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, XWing>(
            &OpModeS::Base,
            &public,
            header.info().as_bytes(),
            key.expose(),
            &[],
            rng,
        )
        .map_err(|_| SealError::Cipher)?;
    let mut envelope = header.to_bytes();
    envelope.extend_from_slice(&encapsulated.to_bytes());
    envelope.extend_from_slice(&ciphertext);
    Ok(envelope)
}

struct Parts<'a> {
    header: EnvelopeHeader,
    encapsulated: &'a [u8],
    ciphertext: &'a [u8],
}

fn parse(envelope: &[u8]) -> Result<Parts<'_>, EnvelopeError> {
    let read = || {
        let mut r = Reader::new(envelope);
        let parts = Parts {
            header: EnvelopeHeader::read(&mut r)?,
            encapsulated: r.take(ENCAPSULATED_LEN)?,
            ciphertext: r.take(CIPHERTEXT_LEN)?,
        };
        r.finish()?;
        Ok(parts)
    };
    read().map_err(|error| match error {
        ParseError::UnsupportedSuite(suite) => EnvelopeError::UnsupportedSuite(suite),
        _ => EnvelopeError::Tampered,
    })
}

/// The one door through which a received vault key comes.
fn committed(
    bytes: &[u8],
    vault_id: &VaultId,
    epoch: u32,
    commitment: &Hash,
) -> Result<VaultKey, Tampered> {
    let key = VaultKey::from_bytes(bytes).map_err(|_| Tampered)?;
    if key.is_committed(vault_id, epoch, commitment) {
        Ok(key)
    } else {
        Err(Tampered)
    }
}

fn at_rest_context(vault_id: &VaultId, epoch: u32) -> Vec<u8> {
    [
        b"vault-key".as_slice(),
        vault_id.as_bytes(),
        &epoch.to_be_bytes(),
    ]
    .concat()
}

fn previous_key_context(vault_id: &VaultId, epoch: u32) -> Vec<u8> {
    Context::PreviousKey.enc(&[vault_id.as_bytes(), &epoch.to_be_bytes()])
}
