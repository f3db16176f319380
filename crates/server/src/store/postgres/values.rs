//! Values, as the client takes and gives them.

use std::borrow::Cow;
use std::fmt;

use ::postgres::row::RowIndex;
use ::postgres::types::{FromSql, ToSql, Type};

use super::super::StoreError;
use super::super::value::{Kind, Value};

pub(super) fn postgres_type(kind: Kind) -> Type {
    match kind {
        Kind::Int => Type::INT8,
        Kind::Text => Type::TEXT,
        Kind::Bytes => Type::BYTEA,
    }
}

/// A value in the shape the client takes.
pub(super) enum Bound<'a> {
    Int(Option<i64>),
    Text(Option<&'a str>),
    Bytes(Option<&'a [u8]>),
}

impl<'a> Bound<'a> {
    pub(super) fn of(value: &'a Value<'_>) -> Self {
        match value {
            Value::Null(Kind::Int) => Self::Int(None),
            Value::Null(Kind::Text) => Self::Text(None),
            Value::Null(Kind::Bytes) => Self::Bytes(None),
            Value::Int(number) => Self::Int(Some(*number)),
            Value::Text(text) => Self::Text(Some(text)),
            Value::Bytes(bytes) => Self::Bytes(Some(bytes)),
        }
    }

    pub(super) fn as_param(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Int(value) => value,
            Self::Text(value) => value,
            Self::Bytes(value) => value,
        }
    }
}

/// A column of a row, by its name or its place.
pub(in crate::store) fn column<'a, C>(
    row: &'a ::postgres::Row,
    column: C,
) -> Result<Value<'a>, StoreError>
where
    C: RowIndex + fmt::Display,
{
    match row.try_get::<_, Option<Cell<'a>>>(&column) {
        Ok(Some(Cell(value))) => Ok(value),
        Ok(None) => Ok(Value::Null(Kind::Int)),
        Err(error) => Err(StoreError::Bug(format!("column {column}: {error}"))),
    }
}

struct Cell<'a>(Value<'a>);

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(
        ty: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let value = match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Value::Int(i16::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Int(bool::from_sql(ty, raw)?.into()),
            Type::BYTEA => Value::Bytes(Cow::Borrowed(raw)),
            _ => Value::Text(Cow::Borrowed(<&str>::from_sql(ty, raw)?)),
        };
        Ok(Self(value))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::INT8 | Type::INT4 | Type::INT2 | Type::BOOL | Type::BYTEA
        ) || <&str as FromSql>::accepts(ty)
    }
}
