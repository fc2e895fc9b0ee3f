//! Settings: what changes the account. Each works on a session of its own,
//! opened from what rests here, since the one that serves is in use.

use sv_client::account::{
    Reproof, Session, change_password, confirm_totp, generate_recovery_key, new_backup_codes,
    new_totp, replace_recovery_key,
};
use sv_ledger::id::SessionId;

use super::open::{Job, Open};
use super::platform::Browser;
use crate::worker::failure::Failure;
use sv_bridge::{
    AccountInfo, ChangePassword, ConfirmTotp, Deletion, EndSession, FailureKind, ProvePassword,
    PutRecoveryKeyInForce, SessionRow, TotpSecret,
};

impl Open<'_> {
    async fn own_session(&self) -> Result<Session<Browser>, Failure> {
        Ok(Session::resume(self.browser().clone()).await?)
    }

    pub(super) async fn account(&self) -> Result<AccountInfo, Failure> {
        let status = self.session.status().await?;
        Ok(AccountInfo {
            handle: status.handle,
            uid: status.uid.to_string(),
            used_bytes: status.used_bytes,
            quota_bytes: status.quota_bytes,
            backup_codes_left: status.backup_codes_left,
            administrator: status.administrator,
            has_authenticator: status.has_authenticator,
        })
    }

    pub(super) async fn prove(&self, call: ProvePassword) -> Result<(), Failure> {
        let mut session = self.own_session().await?;
        let proof = Reproof::start(&mut session, &call.password).await?;
        proof.finish(&call.code).await?;
        Ok(())
    }

    pub(super) async fn change_password(&self, call: ChangePassword) -> Result<(), Failure> {
        let mut session = self.own_session().await?;
        Ok(change_password(&mut session, &call.password).await?)
    }

    pub(super) async fn new_totp(&self) -> Result<TotpSecret, Failure> {
        let setup = new_totp(self.session).await?;
        Ok(TotpSecret {
            secret: setup.secret,
            otpauth_uri: setup.otpauth_uri,
        })
    }

    pub(super) async fn confirm_totp(&self, call: ConfirmTotp) -> Result<(), Failure> {
        Ok(confirm_totp(self.session, &call.code).await?)
    }

    pub(super) async fn new_backup_codes(&self) -> Result<Vec<String>, Failure> {
        Ok(new_backup_codes(self.session).await?)
    }

    pub(super) fn new_recovery_key(&self) -> Result<String, Failure> {
        let key = generate_recovery_key(self.session)?;
        let words = key.to_words().to_string();
        *self.recovery_key.borrow_mut() = Some(key);
        Ok(words)
    }

    /// The key stays drawn until it is in force: the call may be repeated.
    pub(super) async fn put_recovery_key_in_force(
        &self,
        call: PutRecoveryKeyInForce,
    ) -> Result<(), Failure> {
        let key = self.recovery_key.take();
        let key = key.ok_or(Failure::new(FailureKind::OutOfOrder))?;
        let done = async {
            let mut session = self.own_session().await?;
            Ok(replace_recovery_key(&mut session, &call.password, &key).await?)
        };
        let done = done.await;
        if done.is_err() {
            *self.recovery_key.borrow_mut() = Some(key);
        }
        done
    }

    pub(super) async fn sessions(&self) -> Result<Vec<SessionRow>, Failure> {
        let list = self.session.sessions().await?;
        let rows = list.sessions.into_iter().map(|session| SessionRow {
            id: session.session_id.to_string(),
            device_label: session.device_label,
            created_ms: session.created_ms,
            last_used_ms: session.last_used_ms,
            expires_ms: session.expires_ms,
            current: session.current,
        });
        Ok(rows.collect())
    }

    pub(super) async fn end_session(&self, call: EndSession) -> Result<(), Failure> {
        let id: SessionId = call
            .id
            .parse()
            .map_err(|_| Failure::new(FailureKind::Gone))?;
        Ok(self.session.end_session(id).await?)
    }

    /// Every session ends with it: the page hears of that by itself.
    pub(super) async fn delete_account(&self) -> Result<Deletion, Failure> {
        let final_ms = self.session.request_deletion().await?;
        self.start(Job::Ended);
        Ok(Deletion { final_ms })
    }
}
