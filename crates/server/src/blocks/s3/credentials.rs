//! Keys to a bucket, from where AWS programs look: the environment, then the
//! shared file; a role given by the platform, if neither has any.

use std::path::{Path, PathBuf};

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Key};

use crate::blocks::{Error, Result};

/// Who this server is to an object store.
#[derive(Clone, PartialEq, Eq)]
pub enum S3Credentials {
    /// A key and its secret, perhaps with the token of a session.
    Key {
        /// The key's id.
        id: String,
        /// The secret.
        secret: String,
        /// The session's token.
        token: Option<String>,
    },
    /// Whatever the platform has given this machine or container.
    Platform,
}

impl std::fmt::Debug for S3Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Key { .. } => "S3Credentials(key)",
            Self::Platform => "S3Credentials(platform)",
        })
    }
}

impl S3Credentials {
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`; else the profile
    /// `AWS_PROFILE` of `AWS_SHARED_CREDENTIALS_FILE` or `~/.aws/credentials`;
    /// else the platform's.
    ///
    /// # Errors
    /// [`Error::Denied`] for half a key, or a profile that is not there.
    pub fn find() -> Result<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (
            variable("AWS_ACCESS_KEY_ID"),
            variable("AWS_SECRET_ACCESS_KEY"),
        ) {
            (Some(id), Some(secret)) => {
                let token = variable("AWS_SESSION_TOKEN");
                return Ok(Self::Key { id, secret, token });
            }
            (None, None) => {}
            _ => {
                let message = "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
                return Err(Error::Denied(message.to_owned()));
            }
        }
        let named = variable("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from);
        let in_home = || std::env::home_dir().map(|home| home.join(".aws/credentials"));
        let is_named = named.is_some();
        let Some(path) = named.or_else(in_home) else {
            return Ok(Self::Platform);
        };
        let profile = variable("AWS_PROFILE");
        match std::fs::read_to_string(&path) {
            Ok(text) => match in_profile(&text, profile.as_deref().unwrap_or("default")) {
                Some(found) => Ok(found),
                None if profile.is_none() && !is_named => Ok(Self::Platform),
                None => Err(unusable(&path, "it has no key for that profile")),
            },
            Err(error) if is_named => Err(unusable(&path, &error.to_string())),
            Err(_) => Ok(Self::Platform),
        }
    }

    pub(super) fn apply(&self, builder: AmazonS3Builder) -> AmazonS3Builder {
        match self {
            Self::Key { id, secret, token } => {
                let builder = builder
                    .with_access_key_id(id)
                    .with_secret_access_key(secret);
                match token {
                    Some(token) => builder.with_token(token),
                    None => builder,
                }
            }
            Self::Platform => {
                PLATFORM
                    .iter()
                    .fold(builder, |builder, (name, key)| match std::env::var(name) {
                        Ok(value) => builder.with_config(*key, value),
                        Err(_) => builder,
                    })
            }
        }
    }
}

/// What containers and clusters set.
const PLATFORM: [(&str, Key); 6] = [
    ("AWS_WEB_IDENTITY_TOKEN_FILE", Key::WebIdentityTokenFile),
    ("AWS_ROLE_ARN", Key::RoleArn),
    ("AWS_ROLE_SESSION_NAME", Key::RoleSessionName),
    (
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        Key::ContainerCredentialsRelativeUri,
    ),
    (
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        Key::ContainerCredentialsFullUri,
    ),
    (
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        Key::ContainerAuthorizationTokenFile,
    ),
];

/// The key of one `[profile]` of a shared credentials file.
fn in_profile(text: &str, profile: &str) -> Option<S3Credentials> {
    let (mut id, mut secret, mut token) = (None, None, None);
    let mut is_ours = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            is_ours = name.trim() == profile;
        } else if let Some((key, value)) = line.split_once('=').filter(|_| is_ours) {
            let value = Some(value.trim().to_owned());
            match key.trim() {
                "aws_access_key_id" => id = value,
                "aws_secret_access_key" => secret = value,
                "aws_session_token" => token = value,
                _ => {}
            }
        }
    }
    let (id, secret) = (id?, secret?);
    Some(S3Credentials::Key { id, secret, token })
}

fn unusable(path: &Path, why: &str) -> Error {
    Error::Denied(format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_file_is_read_by_profile_and_never_shown() {
        let text = "# ours\n[default]\naws_access_key_id = A\naws_secret_access_key=s3cret\n\n\
                    [other]\naws_access_key_id=B\naws_secret_access_key=t\naws_session_token=u\n\
                    [half]\naws_access_key_id=C\n";
        let found = in_profile(text, "default").unwrap();
        assert_eq!(
            found,
            S3Credentials::Key {
                id: "A".to_owned(),
                secret: "s3cret".to_owned(),
                token: None
            }
        );
        assert!(!format!("{found:?}").contains("s3cret"));
        let other = in_profile(text, "other").unwrap();
        assert!(matches!(other, S3Credentials::Key { token: Some(_), .. }));
        assert_eq!(in_profile(text, "half"), None);
        assert_eq!(in_profile(text, "none"), None);
    }
}
