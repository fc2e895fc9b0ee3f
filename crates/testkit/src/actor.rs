//! A person with devices, an authenticator and a recovery key.

use std::collections::BTreeMap;

use sv_client::account::{
    AwaitingCode, LogIn, NewAccount, Session, SignedUp, confirm_sign_up, sign_up,
};
use sv_client::drive::Drive;
use sv_client::error::Result;
use sv_client::progress::Reporter;
use sv_client::transfer::{DownloadPlan, OnConflict, UploadItem, UploadOutcome, UploadPlan};
use totp_rs::{Builder, Secret};

use crate::files::{MemoryFiles, MemoryTarget};
use crate::platform::TestPlatform;

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple 9";
/// How long a one-time code is shown.
pub(crate) const STEP_MS: u64 = 30_000;

/// A server, as people see it.
pub trait Host {
    /// A new device, with an honest network.
    fn device(&self) -> TestPlatform;
    /// A time whose one-time code the server takes and nobody has used.
    fn next_code_ms(&self) -> u64;
}

/// A person.
pub struct Actor {
    /// The handle.
    pub handle: String,
    /// The 24 words.
    pub recovery_words: String,
    /// Codes for when the authenticator is lost.
    pub backup_codes: Vec<String>,
    /// What the authenticator knows, in base32.
    pub totp_secret: String,
}

impl Actor {
    /// Signs up on a new device.
    pub async fn sign_up(server: &impl Host, handle: &str) -> (Self, Session<TestPlatform>) {
        let platform = server.device();
        let new = NewAccount {
            handle,
            password: PASSWORD,
            invite: None,
            device_label: "first",
        };
        let SignedUp {
            handle,
            totp,
            recovery_words,
            backup_codes,
        } = sign_up(&platform, &new).await.expect("the sign-up");
        let actor = Self {
            handle: handle.to_string(),
            recovery_words: recovery_words.to_string(),
            backup_codes,
            totp_secret: totp.secret,
        };
        let code = actor.code(server);
        let session = confirm_sign_up(platform, &code)
            .await
            .expect("the first code");
        (actor, session)
    }

    /// Logs in on a new device.
    pub async fn log_in(&self, server: &impl Host) -> Session<TestPlatform> {
        self.try_log_in(server, server.device())
            .await
            .expect("the log-in")
    }

    /// Logs in on a device.
    ///
    /// # Errors
    /// Whatever the log-in gives.
    pub async fn try_log_in(
        &self,
        server: &impl Host,
        platform: TestPlatform,
    ) -> Result<Session<TestPlatform>> {
        let waiting = self.password_step(platform, PASSWORD).await?;
        let code = self.code(server);
        waiting.finish(&code).await.map_err(|(_, error)| error)
    }

    /// The first half of a log-in.
    ///
    /// # Errors
    /// Whatever it gives.
    pub async fn password_step(
        &self,
        platform: TestPlatform,
        password: &str,
    ) -> Result<AwaitingCode<TestPlatform>> {
        LogIn {
            handle: &self.handle,
            password,
            device_label: "another",
        }
        .start(platform)
        .await
    }

    /// A one-time code that was not used before.
    pub fn code(&self, server: &impl Host) -> String {
        one_time_code(&self.totp_secret, server.next_code_ms())
    }
}

/// The code that an authenticator shows at a time.
pub fn one_time_code(secret: &str, now_ms: u64) -> String {
    let secret = Secret::try_from_base32(secret).expect("base32");
    let totp = Builder::new().with_secret(secret).build_noncompliant();
    totp.generate(now_ms / 1000).to_string()
}

/// Puts files into a folder of the drive; existing ones get a new version.
///
/// # Errors
/// Whatever the upload gives.
pub async fn put(
    drive: &mut Drive<'_, TestPlatform>,
    folder: &str,
    files: Vec<(UploadItem, Vec<u8>)>,
) -> Result<UploadOutcome> {
    let (items, files) = MemoryFiles::of(files);
    let mut plan = UploadPlan::new(drive, &folder.parse()?, items)?;
    for conflict in plan.conflicts() {
        plan.decide(conflict.index, OnConflict::Replace)?;
    }
    plan.run(drive, &files, &Reporter::silent()).await
}

/// Gets a file, or a folder with all that is in it.
///
/// # Errors
/// Whatever the download gives.
pub async fn get(drive: &Drive<'_, TestPlatform>, path: &str) -> Result<BTreeMap<String, Vec<u8>>> {
    let target = MemoryTarget::default();
    let plan = DownloadPlan::new(drive, &path.parse()?, None)?;
    plan.run(drive, &target, &Reporter::silent()).await?;
    Ok(target.files.take())
}
