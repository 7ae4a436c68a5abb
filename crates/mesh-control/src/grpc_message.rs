//! Messages of gRPC errors as plain text.
//!
//! tonic percent-encodes spaces, backticks and other printable characters, which gRPC's specification leaves as they are
//! ("Percent-Byte-Unencoded", PROTOCOL-HTTP2.md, read 2026-12-01), and Envoy logs a message as it was sent.

use axum::http::{HeaderMap, HeaderValue, Response};
use http_body_util::BodyExt as _;
use tonic::body::Body;

const MESSAGE: &str = "grpc-message";

/// The response with its error, if it has one, in plain text: in the headers, or in the trailers of a stream.
pub(crate) fn plain(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    decode_message(&mut parts.headers);
    let body = body.map_frame(|mut frame| {
        if let Some(trailers) = frame.trailers_mut() {
            decode_message(trailers);
        }
        frame
    });
    Response::from_parts(parts, Body::new(body))
}

fn decode_message(headers: &mut HeaderMap) {
    if let Some(message) = headers.get_mut(MESSAGE)
        && let Ok(decoded) = HeaderValue::from_bytes(&decoded(message.as_bytes()))
    {
        *message = decoded;
    }
}

/// Decodes the printable ASCII characters. Others, and `%` itself, stay encoded.
fn decoded(message: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(message.len());
    let mut rest = message;
    while let Some((first, others)) = rest.split_first() {
        let byte = match (first, others) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        match byte {
            Some(byte @ 0x20..=0x7e) if byte != b'%' => {
                decoded.push(byte);
                rest = &others[2..];
            }
            _ => {
                decoded.push(*first);
                rest = others;
            }
        }
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    #[test]
    fn printable_characters_are_plain_and_others_stay_encoded() {
        for (text, sent) in [
            ("there is no mesh `nope` {x}?", "there is no mesh `nope` {x}?"),
            ("100 % of \"a\"", "100 %25 of \"a\""),
            ("a\nb, ü", "a%0Ab, %C3%BC"),
        ] {
            let mut headers = HeaderMap::new();
            Status::not_found(text).add_header(&mut headers).expect("a status");
            decode_message(&mut headers);
            assert_eq!(headers[MESSAGE].as_bytes(), sent.as_bytes(), "{text}");
            // A client reads what was meant.
            let read = Status::from_header_map(&headers).expect("a status");
            assert_eq!(read.message(), text);
        }
    }

    #[test]
    fn an_incomplete_escape_is_left_alone() {
        for text in ["%", "%2", "a%zz"] {
            assert_eq!(decoded(text.as_bytes()), text.as_bytes());
        }
    }
}
