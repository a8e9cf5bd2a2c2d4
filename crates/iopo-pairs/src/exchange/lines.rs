//! Reads JSON objects from a text file: one per line, or the elements of a list.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use iopo_core::files;
use iopo_core::python_json::{BOM, to_json};
use serde_json::Value;

use super::error::OPEN;
use super::object::Wanted;
use super::records::Record;
use super::turns::kind;
use super::{ExchangeError, MAX_ROW_BYTES, Place};

/// Reads one row at a time, with a limit on the size of a row.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    wanted: Wanted,
    reader: BufReader<File>,
    /// The line number of the next byte.
    line: u64,
    list: bool,
    /// Whether a comma announced another row of the list.
    promised: bool,
    over: bool,
}

impl Lines {
    pub(super) fn open(
        path: &Path,
        wanted: &'static [&'static str],
    ) -> Result<Self, ExchangeError> {
        let file = files::open(path).map_err(ExchangeError::io(path, OPEN))?;
        let reader = BufReader::new(file);
        let path = path.to_path_buf();
        let mut lines = Self {
            path,
            wanted: Wanted(wanted),
            reader,
            line: 1,
            list: false,
            promised: false,
            over: false,
        };
        if lines.ahead()?.starts_with(BOM.as_bytes()) {
            lines.reader.consume(BOM.len());
        }
        while lines.ahead()?.first().is_some_and(u8::is_ascii_whitespace) {
            lines.byte()?;
        }
        if lines.ahead()?.first() == Some(&b'[') {
            lines.byte()?;
            lines.list = true;
        }
        Ok(lines)
    }

    fn ahead(&mut self) -> Result<&[u8], ExchangeError> {
        self.reader.fill_buf().map_err(ExchangeError::io(&self.path, "read the file"))
    }

    fn byte(&mut self) -> Result<Option<u8>, ExchangeError> {
        let byte = self.ahead()?.first().copied();
        if byte.is_some() {
            self.reader.consume(1);
            self.line += u64::from(byte == Some(b'\n'));
        }
        Ok(byte)
    }

    /// Reads the next line that is not blank.
    fn line(&mut self) -> Result<Option<(u64, Vec<u8>)>, ExchangeError> {
        loop {
            let mut bytes = Vec::new();
            let mut limited = self.reader.by_ref().take(MAX_ROW_BYTES as u64 + 1);
            let read = limited.read_until(b'\n', &mut bytes);
            if read.map_err(ExchangeError::io(&self.path, "read the file"))? == 0 {
                return Ok(None);
            }
            if bytes.len() > MAX_ROW_BYTES {
                return Err(self.too_long(self.line));
            }
            let line = self.line;
            self.line += 1;
            if !bytes.trim_ascii().is_empty() {
                return Ok(Some((line, bytes)));
            }
        }
    }

    /// Reads the next element of the list. Brackets and quotes decide where it ends.
    fn element(&mut self) -> Result<Option<(u64, Vec<u8>)>, ExchangeError> {
        let mut bytes = Vec::new();
        let (mut begun, mut depth, mut quoted, mut escaped) = (self.line, 0_usize, false, false);
        while let Some(byte) = self.byte()? {
            if quoted {
                quoted = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
            } else {
                match byte {
                    b'"' => quoted = true,
                    b'{' | b'[' => depth += 1,
                    b',' if depth == 0 => {
                        self.promised = true;
                        return Ok(Some((begun, bytes)));
                    }
                    b']' if depth == 0 && bytes.is_empty() && self.promised => {
                        return Err(self.bad(self.line, "found `]` after a comma, expected a row"));
                    }
                    b']' if depth == 0 => {
                        self.close()?;
                        return Ok((!bytes.is_empty()).then_some((begun, bytes)));
                    }
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            if bytes.is_empty() {
                if byte.is_ascii_whitespace() {
                    continue;
                }
                begun = self.line;
            }
            bytes.push(byte);
            if bytes.len() > MAX_ROW_BYTES {
                return Err(self.too_long(begun));
            }
        }
        Err(self.bad(self.line, "found the end of the file in the list, expected `]`"))
    }

    /// Checks that nothing follows the list.
    fn close(&mut self) -> Result<(), ExchangeError> {
        self.over = true;
        while let Some(byte) = self.byte()? {
            if !byte.is_ascii_whitespace() {
                return Err(
                    self.bad(self.line, "found text after the list, expected the end of the file")
                );
            }
        }
        Ok(())
    }

    fn parse(&self, line: u64, bytes: &[u8]) -> Result<Record, ExchangeError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to() + 1;
            self.bad(line, format!("found another encoding at byte {at}, expected UTF-8"))
        })?;
        let text = to_json(text);
        let found = if text.trim_start().starts_with('{') {
            self.wanted.read(&text).map(Ok)
        } else {
            serde_json::from_str::<Value>(&text).map(Err)
        };
        match found {
            Ok(Ok((fields, unread))) => Ok(Record { place: Place::Line(line), fields, unread }),
            Ok(Err(other)) => {
                Err(self.bad(line, format!("found {}, expected an object", kind(&other))))
            }
            Err(error) => Err(self.bad(line, format!("found other text ({error}), expected JSON"))),
        }
    }

    fn bad(&self, line: u64, reason: impl Into<String>) -> ExchangeError {
        let (path, place) = (self.path.clone(), Place::Line(line));
        ExchangeError::Row { path, place, reason: reason.into(), other: None }
    }

    fn too_long(&self, line: u64) -> ExchangeError {
        ExchangeError::TooLong { path: self.path.clone(), place: Place::Line(line) }
    }
}

impl Iterator for Lines {
    type Item = Result<Record, ExchangeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let text = if self.list { self.element() } else { self.line() };
        let record = text.transpose()?.and_then(|(line, bytes)| self.parse(line, &bytes));
        self.over |= record.is_err();
        Some(record)
    }
}
