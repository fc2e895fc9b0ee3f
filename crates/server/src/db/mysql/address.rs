//! Where a server is, and how to speak to it: never in the clear, and never
//! with a stranger, unless it is on this machine.

use std::net::IpAddr;
use std::str::FromStr;

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};

use crate::db::error::{Error, Result};

/// Prepared statements kept for each connection.
const STATEMENTS: usize = 256;

/// How to connect to `mysql://USER:PASSWORD@HOST:PORT/DATABASE`.
pub(super) fn options(url: &str) -> Result<MySqlConnectOptions> {
    let malformed = |_| Error::Address("it is not a URL: write special characters as %XX");
    let options = MySqlConnectOptions::from_str(url).map_err(malformed)?;
    if options.get_database().is_none_or(str::is_empty) {
        return Err(Error::Address(
            "it names no database: end it with /DATABASE",
        ));
    }
    let asked = asked_mode(url);
    let mode = if options.get_socket().is_some() || is_loopback(options.get_host()) {
        match asked {
            true => options.get_ssl_mode(),
            false => MySqlSslMode::Disabled,
        }
    } else if asked && !matches!(options.get_ssl_mode(), MySqlSslMode::VerifyIdentity) {
        return Err(Error::Address(
            "its ssl-mode asks for less than a verified identity: leave ssl-mode out, and name a \
             private authority with ssl-ca=FILE",
        ));
    } else {
        MySqlSslMode::VerifyIdentity
    };
    Ok(options
        .ssl_mode(mode)
        .charset("utf8mb4")
        .statement_cache_capacity(STATEMENTS)
        // Set as a whole by `Purpose::prepare`.
        .pipes_as_concat(false)
        .no_engine_substitution(false))
}

fn asked_mode(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .any(|pair| pair.starts_with("ssl-mode=") || pair.starts_with("sslmode="))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> Option<MySqlSslMode> {
        options(url).ok().map(|options| options.get_ssl_mode())
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        use MySqlSslMode::{Disabled, Required, VerifyIdentity};
        for (url, expected) in [
            ("mysql://u:p@db.example/v", VerifyIdentity),
            (
                "mysql://u:p@db.example:4000/v?ssl-mode=VERIFY_IDENTITY",
                VerifyIdentity,
            ),
            ("mysql://u:p@10.0.0.1/v?ssl-ca=/etc/ca.pem", VerifyIdentity),
            ("mysql://u@localhost/v", Disabled),
            ("mysql://u@[::1]:3306/v", Disabled),
            ("mysql://u@127.0.0.1/v?ssl-mode=REQUIRED", Required),
            ("mysql://u@any/v?socket=/run/mysqld/mysqld.sock", Disabled),
        ] {
            let found = mode(url);
            assert!(
                found.is_some_and(
                    |found| std::mem::discriminant(&found) == std::mem::discriminant(&expected)
                ),
                "{url}"
            );
        }
        for asked in ["DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA"] {
            let url = format!("mysql://u:p@db.example/v?ssl-mode={asked}");
            assert!(matches!(options(&url), Err(Error::Address(_))), "{url}");
        }
        assert!(mode("mysql://u:p@localhost.example/v?ssl-mode=DISABLED").is_none());
    }

    #[test]
    fn an_address_names_its_database() {
        for url in ["mysql://u@localhost", "mysql://u@localhost/", "mysql://"] {
            assert!(matches!(options(url), Err(Error::Address(_))), "{url}");
        }
    }
}
