//! What goes into a statement and comes out of a row: whole numbers, text and bytes, the same on both engines.

use std::borrow::Cow;

use jiff::Timestamp;

/// One parameter or one column. Only BIGINT, TEXT and bytes exist; a NULL knows which of them it would have
/// been, because PostgreSQL asks for the type of every parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing, where this kind of value could have been.
    Null(Kind),
    /// A whole number: counts, ids, booleans as 0 and 1, times as microseconds since 1970 UTC.
    Int(i64),
    /// Text, JSON among it.
    Text(Cow<'a, str>),
    /// Bytes: hashes, encrypted secrets.
    Bytes(Cow<'a, [u8]>),
}

/// The three kinds of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// BIGINT.
    Int,
    /// TEXT.
    Text,
    /// BLOB, BYTEA.
    Bytes,
}

impl Value<'_> {
    /// The same, on its own.
    pub(super) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null(kind) => Value::Null(kind),
            Self::Int(number) => Value::Int(number),
            Self::Text(text) => Value::Text(text.into_owned().into()),
            Self::Bytes(bytes) => Value::Bytes(bytes.into_owned().into()),
        }
    }

    /// Which column it fits.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Null(kind) => *kind,
            Self::Int(_) => Kind::Int,
            Self::Text(_) => Kind::Text,
            Self::Bytes(_) => Kind::Bytes,
        }
    }
}

/// What can be a parameter of a statement.
pub trait Param {
    /// The value to bind.
    fn value(&self) -> Value<'_>;
}

/// What can be read from a column.
pub trait Column: Sized {
    /// The value, or what was expected instead ("a whole number").
    fn read(value: Value<'_>) -> Result<Self, &'static str>;
}

impl<T: Param + ?Sized> Param for &T {
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

/// `None` needs its kind without a value at hand, so the types that can be absent say it as a constant.
pub trait Nullable: Param {
    /// The kind of every value of this type.
    const KIND: Kind;
}

impl<T: Nullable + ?Sized> Nullable for &T {
    const KIND: Kind = T::KIND;
}

impl<T: Nullable> Param for Option<T> {
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null(T::KIND), Param::value)
    }
}

impl<T: Column> Column for Option<T> {
    fn read(value: Value<'_>) -> Result<Self, &'static str> {
        match value {
            Value::Null(_) => Ok(None),
            Value::Int(_) | Value::Text(_) | Value::Bytes(_) => T::read(value).map(Some),
        }
    }
}

/// One type, both ways: `param!(type, kind, |self| value)`.
macro_rules! param {
    ($type:ty, $kind:ident, |$it:ident| $value:expr) => {
        impl Param for $type {
            fn value(&self) -> Value<'_> {
                let $it = self;
                $value
            }
        }
        impl Nullable for $type {
            const KIND: Kind = Kind::$kind;
        }
    };
}

param!(i64, Int, |it| Value::Int(*it));
param!(i32, Int, |it| Value::Int(i64::from(*it)));
param!(u32, Int, |it| Value::Int(i64::from(*it)));
param!(bool, Int, |it| Value::Int(i64::from(*it)));
param!(Timestamp, Int, |it| Value::Int(it.as_microsecond()));
param!(str, Text, |it| Value::Text(Cow::Borrowed(it)));
param!(String, Text, |it| Value::Text(Cow::Borrowed(it)));
param!(serde_json::Value, Text, |it| Value::Text(Cow::Owned(
    it.to_string()
)));
param!([u8], Bytes, |it| Value::Bytes(Cow::Borrowed(it)));
param!(Vec<u8>, Bytes, |it| Value::Bytes(Cow::Borrowed(it)));

impl<const N: usize> Param for [u8; N] {
    fn value(&self) -> Value<'_> {
        Value::Bytes(Cow::Borrowed(self))
    }
}

impl<const N: usize> Nullable for [u8; N] {
    const KIND: Kind = Kind::Bytes;
}

/// The ids of the domain, both ways.
macro_rules! ids {
    ($($id:ident),+ $(,)?) => {$(
        param!(ringback_domain::id::$id, Int, |it| Value::Int(it.get()));
        impl Column for ringback_domain::id::$id {
            fn read(value: Value<'_>) -> Result<Self, &'static str> {
                i64::read(value).map(Self::new)
            }
        }
    )+};
}

ids!(
    BusinessId,
    StaffId,
    SchedulerId,
    SessionId,
    LeadId,
    DeliveryId,
    AppointmentId,
    TaskId
);

impl Column for i64 {
    fn read(value: Value<'_>) -> Result<Self, &'static str> {
        match value {
            Value::Int(number) => Ok(number),
            Value::Null(_) | Value::Text(_) | Value::Bytes(_) => Err("a whole number"),
        }
    }
}

impl Column for i32 {
    fn read(value: Value<'_>) -> Result<Self, &'static str> {
        Self::try_from(i64::read(value)?).map_err(|_| "a whole number of 32 bits")
    }
}

impl Column for u32 {
    fn read(value: Value<'_>) -> Result<Self, &'static str> {
        Self::try_from(i64::read(value)?).map_err(|_| "a whole number of 32 bits, not negative")
    }
}

impl Column for bool {
    fn read(value: Value<'_>) -> Result<Self, &'static str> {
        match value {
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            Value::Int(_) | Value::Null(_) | Value::Text(_) | Value::Bytes(_) => Err("0 or 1"),
        }
    }
}

impl Column for Timestamp {
    fn read(value: Value<'_>) -> Result<Self, &'static str> {
        Self::from_microsecond(i64::read(value)?)
            .map_err(|_| "microseconds since 1970, years -9999 to 9999")
    }
}

impl Column for String {
    fn read(value: Value<'_>) -> Result<Self, &'static str> {
        match value {
            Value::Text(text) => Ok(text.into_owned()),
            Value::Null(_) | Value::Int(_) | Value::Bytes(_) => Err("text"),
        }
    }
}

impl Column for Vec<u8> {
    fn read(value: Value<'_>) -> Result<Self, &'static str> {
        match value {
            Value::Bytes(bytes) => Ok(bytes.into_owned()),
            Value::Null(_) | Value::Int(_) | Value::Text(_) => Err("bytes"),
        }
    }
}

impl<const N: usize> Column for [u8; N] {
    fn read(value: Value<'_>) -> Result<Self, &'static str> {
        <[u8; N]>::try_from(Vec::read(value)?).map_err(|_| "bytes of another length")
    }
}

impl Column for serde_json::Value {
    fn read(value: Value<'_>) -> Result<Self, &'static str> {
        match value {
            Value::Text(text) => serde_json::from_str(&text).map_err(|_| "JSON"),
            Value::Null(_) | Value::Int(_) | Value::Bytes(_) => Err("JSON"),
        }
    }
}
