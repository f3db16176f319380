//! JSON kept as text.

use std::collections::HashMap;
use std::sync::Arc;

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

/// What has been read before, by the row it stood in: settings stand in every answer to a visitor and change once
/// a month. Each store thread keeps its own. What is kept counts only while the row still says the same text, so
/// nothing can be stale, whatever was rolled back.
pub struct Kept<T>(HashMap<i64, (String, Arc<T>)>);

/// More different rows than this, and they are read afresh.
const MOST_KEPT: usize = 256;

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: DeserializeOwned> Kept<T> {
    /// [`read`], once as long as the row says this.
    pub fn read(&mut self, row: i64, text: &str) -> Result<Arc<T>, StoreError> {
        if let Some((_, known)) = self.0.get(&row).filter(|(was, _)| was == text) {
            return Ok(Arc::clone(known));
        }
        let value = Arc::new(read(text)?);
        if self.0.len() >= MOST_KEPT {
            self.0.clear();
        }
        self.0.insert(row, (text.to_owned(), Arc::clone(&value)));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_the_row_says_and_bounded() {
        let mut kept: Kept<Vec<i64>> = Kept::default();
        for turn in 0..2 {
            for row in 0..MOST_KEPT as i64 + 10 {
                assert_eq!(*kept.read(row, &format!("[{row}]")).unwrap(), [row]);
                assert_eq!(*kept.read(row, &format!("[{turn}]")).unwrap(), [turn]);
            }
        }
        assert!(kept.0.len() <= MOST_KEPT);
        assert!(kept.read(1, "[").is_err());
    }

    #[test]
    fn what_the_row_still_says_is_not_read_again() {
        let mut kept: Kept<Vec<i64>> = Kept::default();
        let first = kept.read(1, "[1]").unwrap();
        assert!(Arc::ptr_eq(&first, &kept.read(1, "[1]").unwrap()));
        assert!(!Arc::ptr_eq(&first, &kept.read(2, "[1]").unwrap()));
    }
}
