//! What a login is bound to: this instance and this handle.

/// Where and as whom a password is used (login.md §3).
///
/// Enters the record at registration and the key exchange at login, so a
/// record moved to another account or another server opens nowhere, and a
/// login overheard at one instance is worth nothing at another.
#[derive(Clone, Debug)]
pub struct LoginContext {
    context: Vec<u8>,
    client_identity: Vec<u8>,
    server_identity: Vec<u8>,
}

impl LoginContext {
    /// `handle` is normalised already: a `sv_ledger` handle, at most 64 bytes.
    pub fn new(instance_id: &[u8; 32], handle: &str) -> Self {
        Self {
            context: enc("SecureVault/v1/login", &[instance_id, handle.as_bytes()]),
            client_identity: handle.as_bytes().to_vec(),
            server_identity: instance_id.to_vec(),
        }
    }

    /// The context of OPAQUE's key exchange:
    /// `enc("SecureVault/v1/login", instance_id, handle)`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.context
    }

    pub(crate) fn identifiers(&self) -> opaque_ke::Identifiers<'_> {
        opaque_ke::Identifiers {
            client: Some(&self.client_identity),
            server: Some(&self.server_identity),
        }
    }

    /// The context of somebody else's known answers.
    #[cfg(test)]
    pub(crate) fn of_vector(context: &[u8], client: &[u8], server: &[u8]) -> Self {
        Self {
            context: context.to_vec(),
            client_identity: client.to_vec(),
            server_identity: server.to_vec(),
        }
    }
}

/// `u8 len(label) ‖ label ‖ Π (u16 len(field) ‖ field)`, big-endian, as
/// everywhere (encoding.md §1); repeated here to keep this crate free of others.
fn enc(label: &str, fields: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![label.len() as u8];
    out.extend_from_slice(label.as_bytes());
    for field in fields {
        out.extend_from_slice(&(field.len() as u16).to_be_bytes());
        out.extend_from_slice(field);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_is_the_documented_one() {
        let mut expected = b"\x14SecureVault/v1/login\x00\x20".to_vec();
        expected.extend_from_slice(&[7; 32]);
        expected.extend_from_slice(b"\x00\x05alice");
        assert_eq!(LoginContext::new(&[7; 32], "alice").as_bytes(), expected);
    }
}
