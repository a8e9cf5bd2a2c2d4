//! One line per record: a checksum, the key and JSON.

use crate::endpoint::RequestKey;

/// Hexadecimal digits of the checksum: 64 bits of BLAKE3.
const CHECK: usize = 16;
/// Hexadecimal digits of the key.
const KEY: usize = 64;

/// Writes a line, with its line feed. JSON escapes line feeds, so the payload has none.
pub(super) fn encode(key: &RequestKey, payload: &str) -> String {
    let body = format!("{key} {payload}");
    format!("{} {body}\n", check(body.as_bytes()))
}

/// Reads a line without its line feed. Returns the key and where the payload begins, or `None` if it is damaged.
pub(super) fn decode(line: &[u8]) -> Option<(RequestKey, &str)> {
    let text = std::str::from_utf8(line).ok()?;
    let (found, body) = text.split_at_checked(CHECK)?;
    let body = body.strip_prefix(' ')?;
    if found != check(body.as_bytes()) {
        return None;
    }
    let (key, payload) = body.split_at_checked(KEY)?;
    Some((RequestKey::from_hex(key)?, payload.strip_prefix(' ')?))
}

fn check(body: &[u8]) -> String {
    let mut hex = blake3::hash(body).to_hex().to_string();
    hex.truncate(CHECK);
    hex
}

#[cfg(test)]
mod tests {
    use super::{CHECK, KEY, decode, encode};
    use crate::endpoint::RequestKey;

    #[test]
    fn every_flipped_bit_is_detected() {
        let key = RequestKey::of("a request");
        let line = encode(&key, r#"{"text":"an answer\n"}"#);
        let line = line.strip_suffix('\n').expect("a line").as_bytes();
        let (found, payload) = decode(line).expect("undamaged");
        assert_eq!((found, payload), (key, r#"{"text":"an answer\n"}"#));
        assert_eq!(line.len(), CHECK + 1 + KEY + 1 + payload.len());
        for bit in 0..line.len() * 8 {
            let mut damaged = line.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&damaged), None, "bit {bit}");
        }
        for end in 0..line.len() {
            assert_eq!(decode(&line[..end]), None, "{end} bytes");
        }
    }
}
