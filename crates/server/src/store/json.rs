//! JSON kept as text.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// As it is stored.
pub fn write(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Invalid(e.to_string()))
}

/// As it was stored. The error names the place, never the content.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| {
        StoreError::Invalid(format!(
            "stored JSON, line {} column {}",
            e.line(),
            e.column()
        ))
    })
}
