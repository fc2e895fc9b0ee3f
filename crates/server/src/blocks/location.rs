//! Which block store: `file://`, `db://` or `s3://`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::s3::S3Location;

/// Where blocks rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlocksUrl {
    /// As files under a folder.
    Files(PathBuf),
    /// In the database.
    Database,
    /// In a bucket.
    S3(S3Location),
}

/// A URL that names no block store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlocksUrlError {
    /// Another scheme.
    #[error("blocks must be at file://FOLDER, db:// or s3://BUCKET/PREFIX")]
    Scheme,
    /// No folder.
    #[error("file:// needs a folder, as in file:///var/lib/securevault/blocks")]
    NoFolder,
    /// Something behind `db://`.
    #[error("db:// has nothing behind it: blocks rest in the server's own database")]
    NotOurDatabase,
    /// Not a bucket.
    #[error("write s3://BUCKET/PREFIX?endpoint=URL&region=NAME: {0}")]
    S3(String),
}

impl FromStr for BlocksUrl {
    type Err = BlocksUrlError;

    fn from_str(url: &str) -> Result<Self, BlocksUrlError> {
        match url.split_once("://") {
            Some(("file", "")) => Err(BlocksUrlError::NoFolder),
            Some(("file", folder)) => Ok(Self::Files(folder.into())),
            Some(("db", "")) => Ok(Self::Database),
            Some(("db", _)) => Err(BlocksUrlError::NotOurDatabase),
            Some(("s3", _)) => Ok(Self::S3(url.parse()?)),
            _ => Err(BlocksUrlError::Scheme),
        }
    }
}

/// Without credentials, which are never part of it.
impl fmt::Display for BlocksUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(folder) => write!(f, "file://{}", folder.display()),
            Self::Database => f.write_str("db://"),
            Self::S3(location) => location.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_stores_that_exist_are_taken() {
        let files = "file:///srv/blocks".parse();
        assert_eq!(files, Ok(BlocksUrl::Files("/srv/blocks".into())));
        assert_eq!("db://".parse(), Ok(BlocksUrl::Database));
        for (url, error) in [
            ("file://", BlocksUrlError::NoFolder),
            ("db://other", BlocksUrlError::NotOurDatabase),
            ("/srv/blocks", BlocksUrlError::Scheme),
            ("gs://bucket", BlocksUrlError::Scheme),
        ] {
            assert_eq!(url.parse::<BlocksUrl>(), Err(error), "{url}");
        }
    }
}
