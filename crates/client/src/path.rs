//! Remote paths: `/…` is one's own drive, `shared:NAME/…` (or `vault:NAME/…`)
//! a vault beside it, by the name this account has for it.

use std::fmt;
use std::str::FromStr;

use sv_core::Name;

use crate::error::ClientError;

/// A path from the root of the drive or of a vault beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RemotePath {
    vault: Option<Name>,
    names: Vec<Name>,
}

impl RemotePath {
    /// The drive itself.
    pub const ROOT: Self = Self {
        vault: None,
        names: Vec::new(),
    };

    /// The vault beside the drive that it begins in, by its local name.
    pub const fn vault(&self) -> Option<&Name> {
        self.vault.as_ref()
    }

    /// The same path from the root of whatever it begins in.
    #[must_use]
    pub fn inside(&self) -> Self {
        Self {
            vault: None,
            names: self.names.clone(),
        }
    }

    /// The names from the root down.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    fn with(&self, names: Vec<Name>) -> Self {
        Self {
            vault: self.vault.clone(),
            names,
        }
    }

    /// The folder it is in, and its name there; `None` for the root.
    pub fn split_last(&self) -> Option<(Self, &Name)> {
        self.names
            .split_last()
            .map(|(name, parent)| (self.with(parent.to_vec()), name))
    }

    /// One level further down.
    #[must_use]
    pub fn join(&self, name: Name) -> Self {
        let mut names = self.names.clone();
        names.push(name);
        self.with(names)
    }

    /// Several levels further down.
    #[must_use]
    pub fn join_all(&self, names: &[Name]) -> Self {
        self.with([self.names.as_slice(), names].concat())
    }
}

impl FromIterator<Name> for RemotePath {
    fn from_iter<I: IntoIterator<Item = Name>>(names: I) -> Self {
        Self {
            vault: None,
            names: names.into_iter().collect(),
        }
    }
}

impl FromStr for RemotePath {
    type Err = ClientError;

    /// Reads a path. A leading slash may be left out, doubled and trailing
    /// slashes do not count; `.` and `..` are not names.
    fn from_str(text: &str) -> Result<Self, ClientError> {
        let name = |part: &str| {
            Name::parse(part).map_err(|error| ClientError::misuse(format!("{text}: {error}")))
        };
        let prefixed = ["shared:", "vault:"]
            .into_iter()
            .find_map(|prefix| text.strip_prefix(prefix));
        let (vault, rest) = match prefixed {
            None => (None, text),
            Some(rest) => {
                let (first, rest) = rest.split_once('/').unwrap_or((rest, ""));
                (Some(name(first)?), rest)
            }
        };
        let parts = rest.split('/').filter(|part| !part.is_empty());
        Ok(Self {
            vault,
            names: parts.map(name).collect::<Result<_, _>>()?,
        })
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(vault) = &self.vault {
            write!(f, "shared:{vault}")?;
        } else if self.names.is_empty() {
            return f.write_str("/");
        }
        self.names.iter().try_for_each(|name| write!(f, "/{name}"))
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
        for text in ["shared:work/a", "vault:work//a/"] {
            let path: RemotePath = text.parse().unwrap();
            assert_eq!(path.to_string(), "shared:work/a");
            assert_eq!(path.inside().to_string(), "/a");
        }
        let root: RemotePath = "shared:work".parse().unwrap();
        assert_eq!(
            (root.to_string().as_str(), root.names().len()),
            ("shared:work", 0)
        );
        assert!("shared:/a".parse::<RemotePath>().is_err());
    }
}
