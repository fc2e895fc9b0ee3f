//! Remote paths: `/…` is one's own drive.

use std::fmt;
use std::str::FromStr;

use sv_core::Name;

use crate::error::ClientError;

/// A path in the drive, from its root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RemotePath(Vec<Name>);

impl RemotePath {
    /// The drive itself.
    pub const ROOT: Self = Self(Vec::new());

    /// The names from the root down.
    pub fn names(&self) -> &[Name] {
        &self.0
    }

    /// The folder it is in, and its name there; `None` for the root.
    pub fn split_last(&self) -> Option<(Self, &Name)> {
        self.0
            .split_last()
            .map(|(name, parent)| (Self(parent.to_vec()), name))
    }

    /// One level further down.
    #[must_use]
    pub fn join(&self, name: Name) -> Self {
        let mut names = self.0.clone();
        names.push(name);
        Self(names)
    }

    /// Several levels further down.
    #[must_use]
    pub fn join_all(&self, names: &[Name]) -> Self {
        Self([self.0.as_slice(), names].concat())
    }
}

impl FromIterator<Name> for RemotePath {
    fn from_iter<I: IntoIterator<Item = Name>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

impl FromStr for RemotePath {
    type Err = ClientError;

    /// Reads a path. A leading slash may be left out, doubled and trailing
    /// slashes do not count; `.` and `..` are not names.
    fn from_str(text: &str) -> Result<Self, ClientError> {
        text.split('/')
            .filter(|part| !part.is_empty())
            .map(|part| {
                Name::parse(part).map_err(|error| ClientError::misuse(format!("{text}: {error}")))
            })
            .collect()
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("/");
        }
        self.0.iter().try_for_each(|name| write!(f, "/{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_path() {
        for text in ["/a/b c", "a/b c", "//a/b c/"] {
            assert_eq!(text.parse::<RemotePath>().unwrap().to_string(), "/a/b c");
        }
        assert_eq!("/".parse::<RemotePath>().unwrap(), RemotePath::ROOT);
        assert!("/a/../b".parse::<RemotePath>().is_err());
    }
}
