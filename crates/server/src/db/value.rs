//! Values that go into statements and come out of rows. Four kinds are
//! enough for every engine: integers, bytes, text and nothing.

use sv_ledger::id::{
    AccessId, ContentId, DeviceId, Hash, InstanceId, InvitationId, NodeId, SessionId,
    SignPublicKey, UnlockerId, VaultId,
};

use super::error::{Error, Result};

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// Every integer, time and flag.
    Int(i64),
    /// Ids, hashes and whatever is sealed or signed.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
}

impl Value {
    /// Bytes that it takes in a statement, about.
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::Null => 0,
            Self::Int(_) => 8,
            Self::Bytes(bytes) => bytes.len(),
            Self::Text(text) => text.len(),
        }
    }
}

/// One row of an answer; columns in the order of the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    columns: Vec<Value>,
}

impl Row {
    pub(super) const fn new(columns: Vec<Value>) -> Self {
        Self { columns }
    }

    /// Moves a column out. A second time it is null.
    ///
    /// # Errors
    /// [`Error::Column`] if it is not there or of another kind.
    pub fn take<T: FromValue>(&mut self, column: usize) -> Result<T> {
        let value = self
            .columns
            .get_mut(column)
            .map(|value| std::mem::replace(value, Value::Null));
        value.and_then(T::from_value).ok_or(Error::Column {
            column,
            expected: T::NAME,
        })
    }
}

/// What a column can be read as.
pub trait FromValue: Sized {
    /// Its name in error messages.
    const NAME: &'static str;

    /// The value, if it is of the right kind and in range.
    fn from_value(value: Value) -> Option<Self>;
}

impl<T: FromValue> FromValue for Option<T> {
    const NAME: &'static str = T::NAME;

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! integers {
    ($($int:ty)*) => {$(
        impl FromValue for $int {
            const NAME: &'static str = stringify!($int);

            fn from_value(value: Value) -> Option<Self> {
                match value {
                    Value::Int(int) => int.try_into().ok(),
                    _ => None,
                }
            }
        }

        /// Saturates: the database has no integer above `i64::MAX`.
        impl From<$int> for Value {
            fn from(int: $int) -> Self {
                Self::Int(i64::try_from(int).unwrap_or(i64::MAX))
            }
        }
    )*};
}

integers!(i64 u64 u32 u16 u8 usize);

impl FromValue for bool {
    const NAME: &'static str = "bool";

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            _ => None,
        }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Int(i64::from(flag))
    }
}

impl FromValue for String {
    const NAME: &'static str = "text";

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl FromValue for Vec<u8> {
    const NAME: &'static str = "bytes";

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> FromValue for [u8; N] {
    const NAME: &'static str = "bytes of fixed length";

    fn from_value(value: Value) -> Option<Self> {
        Vec::from_value(value)?.try_into().ok()
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

/// Whatever is there.
impl FromValue for Value {
    const NAME: &'static str = "value";

    fn from_value(value: Value) -> Option<Self> {
        Some(value)
    }
}

macro_rules! ids {
    ($($id:ident)*) => {$(
        impl FromValue for $id {
            const NAME: &'static str = stringify!($id);

            fn from_value(value: Value) -> Option<Self> {
                FromValue::from_value(value).map(Self::new)
            }
        }

        impl From<$id> for Value {
            fn from(id: $id) -> Self {
                Self::from(*id.as_bytes())
            }
        }
    )*};
}

ids!(
    VaultId InstanceId Hash SignPublicKey NodeId ContentId DeviceId SessionId InvitationId
    UnlockerId AccessId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_another_kind_is_an_error() {
        let mut row = Row::new(vec![Value::Int(-1), Value::Bytes(vec![0; 15]), Value::Null]);
        assert!(row.clone().take::<u64>(0).is_err());
        assert!(row.take::<NodeId>(1).is_err());
        assert!(row.take::<i64>(2).is_err());
        assert!(row.take::<i64>(3).is_err());
        assert_eq!(row.take::<Option<i64>>(2).unwrap(), None);
    }

    #[test]
    fn integers_saturate() {
        assert_eq!(Value::from(u64::MAX), Value::Int(i64::MAX));
    }
}
