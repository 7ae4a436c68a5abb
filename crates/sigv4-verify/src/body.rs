//! Bodies with a limit.

use std::error::Error;
use std::pin::pin;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;

use crate::error::VerifyError;

/// Bytes of a body that are read although they are not wanted.
const MAX_DISCARDED: usize = 32 * 1024 * 1024;

/// Reads a body to its end, and keeps it if it has up to `max` bytes. Of a larger one, 32 MiB more are read and thrown away, so that a client that sends all of it before it reads gets the response, not a reset connection.
///
/// # Errors
///
/// [`VerifyError::BodyTooLarge`], [`VerifyError::BodyUnreadable`].
pub async fn read_body<B>(body: B, max: usize) -> Result<Bytes, VerifyError>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut body = pin!(body);
    let mut kept = BytesMut::new();
    let mut count = 0_usize;
    while let Some(frame) = body.as_mut().frame().await {
        let frame = frame.map_err(|error| VerifyError::BodyUnreadable(error.into().to_string()))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        count = count.saturating_add(data.remaining());
        if count <= max {
            kept.put(data);
        } else if count - max <= MAX_DISCARDED {
            kept.clear();
        } else {
            break;
        }
    }
    if count > max {
        return Err(VerifyError::BodyTooLarge(max));
    }
    Ok(kept.freeze())
}
