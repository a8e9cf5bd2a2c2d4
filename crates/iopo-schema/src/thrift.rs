//! Walks Thrift's compact protocol, the encoding of Parquet's footer and page headers.

/// Limit on nesting. The structs of a valid footer nest about six deep.
const MAX_DEPTH: usize = 24;
/// Limit on schema elements. Each level of a schema needs one, so this also bounds the decoder's recursion.
const MAX_SCHEMA_ELEMENTS: u64 = 1_000;
const MAX_ROW_GROUPS: u64 = 32_767;

/// The kind that ends a struct.
pub(crate) const STOP: u8 = 0;

/// Walks over Thrift values. Each method returns `None` if a value is malformed or exceeds the bytes left.
pub(crate) struct Walker<'a> {
    pub(crate) bytes: &'a [u8],
}

impl Walker<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        self.bytes = self.bytes.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// Skips a struct up to its stop byte. `top` marks the file's metadata, whose lists have limits.
    pub(crate) fn structure(&mut self, depth: usize, top: bool) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut id = 0;
        loop {
            let (field, kind) = self.field(id)?;
            id = field;
            let most = match (top, id) {
                (true, 2) => MAX_SCHEMA_ELEMENTS,
                (true, 4) => MAX_ROW_GROUPS,
                _ => u64::MAX,
            };
            match kind {
                STOP => return Some(()),
                1 | 2 => {}
                9 | 10 => self.list(depth + 1, most)?,
                kind => self.value(kind, depth + 1)?,
            }
        }
    }

    /// Reads the id and the kind of the next field; the kind is [`STOP`] at the end of the struct. `before` is the id
    /// of the previous field.
    pub(crate) fn field(&mut self, before: i64) -> Option<(i64, u8)> {
        let header = self.byte()?;
        if header & 0x0f == STOP {
            return Some((before, STOP));
        }
        let id = match header >> 4 {
            0 => self.signed()?,
            delta => before + i64::from(delta),
        };
        i16::try_from(id).ok()?;
        Some((id, header & 0x0f))
    }

    /// Reads a zigzag-encoded number.
    pub(crate) fn signed(&mut self) -> Option<i64> {
        let zigzag = self.varint()?;
        Some((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    fn list(&mut self, depth: usize, most: u64) -> Option<()> {
        let header = self.byte()?;
        let count = match header >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        if count > most || count > self.bytes.len() as u64 {
            return None;
        }
        for _ in 0..count {
            match header & 0x0f {
                1 | 2 => self.skip(1)?,
                kind => self.value(kind, depth + 1)?,
            }
        }
        Some(())
    }

    /// Skips a value. The value of a boolean field is part of its header and has no bytes.
    pub(crate) fn value(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match kind {
            3 => self.skip(1),
            4..=6 => self.varint().map(|_| ()),
            7 => self.skip(8),
            8 => {
                let length = self.varint()?;
                self.skip(length)
            }
            9 | 10 => self.list(depth, u64::MAX),
            12 => self.structure(depth, false),
            13 => self.skip(16),
            // Parquet's metadata has no maps.
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_longer_than_the_footer_is_refused() {
        // Field 4 (row groups): a list of structs that claims 2^28 entries.
        let lying = [0x49, 0xfc, 0x80, 0x80, 0x80, 0x80, 0x01, 0x00];
        assert_eq!(Walker { bytes: &lying }.structure(0, true), None);
        let honest = [0x49, 0x1c, 0x00, 0x00];
        assert_eq!(Walker { bytes: &honest }.structure(0, true), Some(()));
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = [0x1c; 4096];
        assert_eq!(Walker { bytes: &nested }.structure(0, true), None);
    }
}
