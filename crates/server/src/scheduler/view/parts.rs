//! An answer's body in several pieces.

use std::array;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

/// A screen as it goes out when its windows are those that others are shown as well: they are not copied.
pub(super) struct Parts {
    left: array::IntoIter<Bytes, 3>,
}

impl Parts {
    /// In this order.
    pub(super) fn of(parts: [Bytes; 3]) -> Self {
        Self {
            left: parts.into_iter(),
        }
    }
}

impl HttpBody for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.left.next().map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.left.as_slice().iter().map(Bytes::len).sum::<usize>();
        SizeHint::with_exact(left as u64)
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[tokio::test]
    async fn parts_go_out_as_one_and_say_how_long_they_are() {
        let parts = ["<p>", "Mon", "</p>"].map(Bytes::from);
        let body = Body::new(Parts::of(parts));
        assert_eq!(body.size_hint().exact(), Some(10));
        let whole = axum::body::to_bytes(body, 100).await.unwrap();
        assert_eq!(whole, "<p>Mon</p>");
    }
}
