//! Accounts: sign-up, log-in, recovery, passwords and what a device keeps
//! (spec: `account.md`, `login.md`).

mod instance;
mod login;
mod password;
mod profile;
mod recovery;
mod second_factor;
mod session;
mod signup;
mod unlockers;

pub use instance::{KnownInstance, RestoreClaim, restore_claim};
pub use login::{AwaitingCode, LogIn};
pub use profile::{Profile, Rest, Stage};
pub use recovery::{Recovered, Recovery, start_recovery};
pub use second_factor::{confirm_totp, new_backup_codes, new_totp};
pub use session::Session;
pub use signup::{NewAccount, SignedUp, confirm_sign_up, confirm_sign_up_without_keeping, sign_up};
pub(crate) use unlockers::shown_unlockers_version;
pub use unlockers::{Reproof, change_password, generate_recovery_key, replace_recovery_key};

pub use sv_core::{Kek, RecoveryKey};
