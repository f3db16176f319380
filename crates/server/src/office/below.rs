//! Long lists, a page at a time. What stands below the last row is asked for by that row's place, so that rows
//! which come and go meanwhile move nothing.

use jiff::Timestamp;

use crate::error::Error;

/// Rows on one page. Lists are read with one row more, which tells whether there is a page below.
pub const PAGE: i64 = 50;

/// Where a row stands in its list: what the list is sorted by, and the row's number.
pub type Place = (Timestamp, i64);

/// The place in an address that [`cut`] wrote.
pub fn read(text: &str) -> Result<Place, Error> {
    let read = || {
        let (at, id) = text.split_once('-')?;
        let at = Timestamp::from_microsecond(at.parse().ok()?).ok()?;
        Some((at, id.parse().ok()?))
    };
    read().ok_or(Error::Unreadable("error-further-rows"))
}

/// Leaves one page, and says where the one below begins.
pub fn cut<T>(rows: &mut Vec<T>, place: impl FnOnce(&T) -> Place) -> Option<String> {
    let page = usize::try_from(PAGE).expect("a small number");
    if rows.len() <= page {
        return None;
    }
    rows.truncate(page);
    let (at, id) = place(rows.last()?);
    Some(format!("{}-{id}", at.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_was_bent_is_refused_with_a_sentence() {
        assert!(read("1700000000000000-7").is_ok());
        for bent in ["", "7", "x-7", "7-x", "99999999999999999999-7"] {
            assert!(matches!(read(bent), Err(Error::Unreadable(_))), "{bent}");
        }
    }

    #[test]
    fn a_page_is_cut_where_the_next_one_begins() {
        let place = |n: &i64| (Timestamp::from_second(*n).unwrap(), *n);
        let mut rows: Vec<i64> = (0..PAGE).collect();
        assert_eq!(cut(&mut rows, place), None);
        rows.push(PAGE);
        let below = cut(&mut rows, place).unwrap();
        assert_eq!(rows.last(), Some(&(PAGE - 1)));
        assert_eq!(read(&below).unwrap(), place(&(PAGE - 1)));
    }
}
