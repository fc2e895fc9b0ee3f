//! `securevaultd admin`: people, on the database itself.

use clap::Subcommand;
use serde_json::json;
use sv_api::admin::People;

use super::Failure;
use super::unit::{parse_duration_ms, parse_size};
use crate::app::App;
use crate::config::Storage;
use crate::service::account::Administers;

#[derive(Subcommand)]
pub(super) enum Admin {
    /// People
    #[command(subcommand)]
    User(User),
    /// After a restore, when everybody has accepted it: stop telling devices
    /// that this server was restored from a backup
    EndRestore,
}

#[derive(Subcommand)]
pub(super) enum User {
    /// Everybody, with their storage
    List,
    /// Print an invitation code, for one sign-up
    CreateInvite {
        /// Whoever uses it becomes an administrator
        #[arg(long)]
        admin: bool,
        /// How long it is good for
        #[arg(long, default_value = "7d", value_parser = parse_duration_ms)]
        expires: u64,
    },
    /// Lock somebody out; their sessions end, their data stays
    Disable {
        /// The user name
        user: String,
    },
    /// Let them in again
    Enable {
        /// The user name
        user: String,
    },
    /// Limit what somebody may store
    SetQuota {
        /// The user name
        user: String,
        /// As 500MB or 10GiB, or none for no limit
        #[arg(value_name = "SIZE")]
        size: String,
    },
    /// For somebody who lost authenticator and backup codes: prints a code
    /// that stands in for them once, beside the password
    ResetSecondFactor {
        /// The user name
        user: String,
    },
}

pub(super) async fn run(command: Admin, storage: Storage, json: bool) -> Result<(), Failure> {
    let app = App::open_offline(storage).await?;
    let done = match command {
        Admin::User(command) => user(&app, command, json).await,
        Admin::EndRestore => end_restore(&app, json).await,
    };
    app.db().close().await;
    done
}

async fn end_restore(app: &App, json: bool) -> Result<(), Failure> {
    let ended = app.accounts().end_restore().await?;
    let text = match ended {
        true => "ended",
        false => "this server is not in the restored state",
    };
    print(json, text, &json!({ "ended": ended }));
    Ok(())
}

async fn user(app: &App, command: User, json: bool) -> Result<(), Failure> {
    let (accounts, by) = (app.accounts(), Administers::at_the_machine());
    match command {
        User::List => print_people(&accounts.list_people(&by).await?, json),
        User::CreateInvite { admin, expires } => {
            let code = accounts.invite(&by, admin, expires).await?.code;
            print(json, &code, &json!({ "code": code }));
        }
        User::Disable { user } => {
            let uid = accounts.uid_of(&user).await?;
            accounts.set_disabled(&by, uid, true).await?;
            print(json, "disabled", &json!({ "disabled": true }));
        }
        User::Enable { user } => {
            let uid = accounts.uid_of(&user).await?;
            accounts.set_disabled(&by, uid, false).await?;
            print(json, "enabled", &json!({ "disabled": false }));
        }
        User::SetQuota { user, size } => {
            let bytes = parse_size(&size).map_err(Failure::usage)?;
            let uid = accounts.uid_of(&user).await?;
            accounts.set_quota(&by, uid, bytes).await?;
            print(json, "set", &json!({ "quota_bytes": bytes }));
        }
        User::ResetSecondFactor { user } => {
            let uid = accounts.uid_of(&user).await?;
            let code = accounts.reset_second_factor(&by, uid).await?.code;
            let text = format!(
                "{code}\nGive this code to the person by another way than e-mail. It works once, \
                 in place of the one-time code at their next log-in with their password; they \
                 have 30 minutes then to set up a new authenticator."
            );
            print(json, &text, &json!({ "code": code }));
        }
    }
    Ok(())
}

fn print_people(people: &People, json: bool) {
    if json {
        print(true, "", &json!({ "users": people.people }));
        return;
    }
    for user in &people.people {
        let quota = user.quota_bytes.map_or("-".to_owned(), |q| q.to_string());
        let admin = if user.administrator {
            " administrator"
        } else {
            ""
        };
        let disabled = if user.disabled { " disabled" } else { "" };
        let going = match user.deleted_from_ms {
            Some(_) => " to be deleted",
            None => "",
        };
        println!(
            "{}\t{}/{quota} bytes{admin}{disabled}{going}",
            user.handle, user.used_bytes
        );
    }
}

fn print(json: bool, text: &str, value: &serde_json::Value) {
    match json {
        true => println!("{value}"),
        false => println!("{text}"),
    }
}
