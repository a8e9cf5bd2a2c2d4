//! Event files for TensorBoard: framed, checksummed records of protobuf messages.
//!
//! The bytes depend only on the metrics: the wall time of an event is its step, in seconds. Further metrics only append
//! bytes.
//!
//! A record consists of the length of its data (8 bytes), the masked CRC-32C of the length, the data and the masked
//! CRC-32C of the data; numbers are little-endian. Messages have these fields:
//!
//! ```text
//! Event   { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
//! Summary { repeated Value value = 1; }
//! Value   { string tag = 1; float simple_value = 2; }
//! ```

use std::path::Path;

use iopo_schema::MetricRow;

use crate::{TrainError, files};

/// Name of the file; TensorBoard requires `tfevents` in it.
pub const EVENTS: &str = "events.out.tfevents.iopo";
const VERSION: &[u8] = b"brain.Event:2";

const VARINT: u64 = 0;
const EIGHT_BYTES: u64 = 1;
const LENGTH: u64 = 2;
const FOUR_BYTES: u64 = 5;

/// Appends the events of new metrics to the event file in `dir`, so that a running `TensorBoard` shows them.
///
/// After a kill before a checkpoint, the file can be ahead of the metrics; it is kept until they catch up. A file of other
/// metrics is replaced.
///
/// # Errors
/// Returns an error if the file cannot be read or written.
pub fn write(dir: &Path, metrics: &[MetricRow]) -> Result<(), TrainError> {
    let (path, made) = (dir.join(EVENTS), to_bytes(metrics));
    let found = if path.exists() { files::read(&path)? } else { Vec::new() };
    match made.strip_prefix(found.as_slice()) {
        Some(new) if !found.is_empty() => files::append(&path, new),
        _ if found.starts_with(&made) => Ok(()),
        _ => files::write(&path, &made),
    }
}

/// Serializes an event file: its version, then one event per step.
pub fn to_bytes(metrics: &[MetricRow]) -> Vec<u8> {
    let mut version = event(0);
    bytes(&mut version, 3, VERSION);
    let mut file = Vec::new();
    record(&mut file, &version);
    for rows in metrics.chunk_by(|a, b| a.step == b.step) {
        let mut summary = Vec::new();
        for row in rows {
            let mut value = Vec::new();
            bytes(&mut value, 1, row.name.as_bytes());
            key(&mut value, 2, FOUR_BYTES);
            value.extend((row.value as f32).to_le_bytes());
            bytes(&mut summary, 1, &value);
        }
        let mut made = event(rows[0].step);
        bytes(&mut made, 5, &summary);
        record(&mut file, &made);
    }
    file
}

/// Makes an event with its time and step.
fn event(step: u64) -> Vec<u8> {
    let mut message = Vec::new();
    key(&mut message, 1, EIGHT_BYTES);
    message.extend((step as f64).to_le_bytes());
    key(&mut message, 2, VARINT);
    varint(&mut message, step);
    message
}

fn record(file: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(masked_crc(&length).to_le_bytes());
    file.extend(data);
    file.extend(masked_crc(data).to_le_bytes());
}

fn key(message: &mut Vec<u8>, field: u64, kind: u64) {
    varint(message, (field << 3) | kind);
}

fn bytes(message: &mut Vec<u8>, field: u64, content: &[u8]) {
    key(message, field, LENGTH);
    varint(message, content.len() as u64);
    message.extend(content);
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

/// Computes the masked checksum of a record: rotated, plus a constant.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Computes the CRC-32C (Castagnoli) bit by bit, which is fast enough for metrics.
fn crc32c(data: &[u8]) -> u32 {
    !data.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc: u32, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use iopo_schema::MetricRow;

    use super::{EVENTS, crc32c, masked_crc, to_bytes, write};

    fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
        let (head, tail) = rest.split_at(length);
        *rest = tail;
        head
    }

    fn number(rest: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = take(rest, 1)[0];
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    }

    /// Parses the fields of a message: number and content, a varint as eight bytes.
    fn fields(mut rest: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut found = Vec::new();
        while !rest.is_empty() {
            let key = number(&mut rest);
            let content = match key & 7 {
                0 => number(&mut rest).to_le_bytes().to_vec(),
                1 => take(&mut rest, 8).to_vec(),
                2 => {
                    let length = number(&mut rest) as usize;
                    take(&mut rest, length).to_vec()
                }
                5 => take(&mut rest, 4).to_vec(),
                other => panic!("wire type {other}"),
            };
            found.push((key >> 3, content));
        }
        found
    }

    fn records(mut rest: &[u8]) -> Vec<Vec<(u64, Vec<u8>)>> {
        let u32_of = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
        let mut found = Vec::new();
        while !rest.is_empty() {
            let length = take(&mut rest, 8);
            assert_eq!(u32_of(take(&mut rest, 4)), masked_crc(length));
            let length = u64::from_le_bytes(length.try_into().expect("eight bytes")) as usize;
            let data = take(&mut rest, length);
            assert_eq!(u32_of(take(&mut rest, 4)), masked_crc(data));
            found.push(fields(data));
        }
        found
    }

    #[test]
    fn the_checksum_is_crc_32c() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    }

    #[test]
    fn events_read_back_and_further_metrics_only_append_bytes() {
        let row = |step, name: &str, value| MetricRow { step, name: name.into(), value };
        let metrics = [row(1, "loss", 0.75), row(1, "grad_norm", 2.5), row(300, "eval_loss", -1.0)];
        let file = to_bytes(&metrics);
        let events = records(&file);
        assert_eq!(events[0][2], (3, b"brain.Event:2".to_vec()));
        let mut read = Vec::new();
        for event in &events[1..] {
            let step = u64::from_le_bytes(event[1].1.clone().try_into().expect("a varint"));
            assert_eq!(event[0], (1, (step as f64).to_le_bytes().to_vec()));
            assert_eq!(event[2].0, 5);
            for (field, value) in fields(&event[2].1) {
                assert_eq!(field, 1);
                let value = fields(&value);
                let name = String::from_utf8(value[0].1.clone()).expect("a name");
                let number = f32::from_le_bytes(value[1].1.clone().try_into().expect("a float"));
                read.push(row(step, &name, f64::from(number)));
            }
        }
        assert_eq!(read, metrics);
        assert!(file.starts_with(&to_bytes(&metrics[..2])));
    }

    #[test]
    fn a_file_grows_in_place_and_a_truncated_or_other_one_is_replaced() {
        let metrics: Vec<MetricRow> =
            (1..5).map(|step| MetricRow { step, name: "loss".into(), value: 0.5 }).collect();
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(EVENTS);
        let whole = to_bytes(&metrics);
        let read = || std::fs::read(&path).expect("written");
        write(dir.path(), &metrics[..2]).expect("written");
        // A reader that has the file open sees the appended events.
        let mut open = std::fs::File::open(&path).expect("opened");
        write(dir.path(), &metrics).expect("written");
        let mut seen = Vec::new();
        std::io::Read::read_to_end(&mut open, &mut seen).expect("read");
        assert!(seen == whole && read() == whole);
        // A training resumes from an earlier checkpoint.
        write(dir.path(), &metrics[..3]).expect("written");
        assert_eq!(read(), whole);
        for found in [&whole[..whole.len() - 7], b"something else"] {
            std::fs::write(&path, found).expect("written");
            write(dir.path(), &metrics).expect("written");
            assert_eq!(read(), whole);
        }
    }
}
