//! Comma- and tab-separated values, read as Python's `csv` module reads them.

/// The maximum number of characters of a field.
const LONGEST: usize = 131_072;

/// A field of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Field {
    /// The text, without the quotes around it.
    pub(super) text: String,
    /// Whether the field starts with a quote.
    pub(super) quoted: bool,
}

/// A text that cannot be read: text after a carriage return, or a field that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Options for reading records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    /// The character between two fields.
    pub(super) delimiter: char,
    /// Whether spaces after a delimiter are ignored.
    pub(super) skips_spaces: bool,
    /// Reading ends after this number of records.
    pub(super) most: usize,
}

/// The position of the reader within a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    RecordStart,
    FieldStart,
    InField,
    InQuotes,
    QuoteInQuotes,
    LineEnd,
}

struct Reader {
    dialect: Dialect,
    state: State,
    field: Field,
    length: usize,
    record: Vec<Field>,
}

/// The records of a text. A line feed outside quotes ends a record, and an empty line is a record without fields.
pub(super) fn records(text: &str, dialect: Dialect) -> Result<Vec<Vec<Field>>, Unreadable> {
    let mut reader = Reader {
        dialect,
        state: State::RecordStart,
        field: Field::default(),
        length: 0,
        record: Vec::new(),
    };
    let mut records = Vec::new();
    for line in text.split_inclusive('\n') {
        for c in line.chars() {
            reader.read(c)?;
        }
        if reader.end_line() {
            records.push(std::mem::take(&mut reader.record));
        }
        if records.len() >= dialect.most {
            return Ok(records);
        }
    }
    // The text ends within quotes.
    if reader.state == State::InQuotes {
        reader.end_field(State::RecordStart);
        records.push(reader.record);
    }
    Ok(records)
}

impl Reader {
    fn read(&mut self, c: char) -> Result<(), Unreadable> {
        let ends_line = matches!(c, '\n' | '\r');
        if self.state == State::RecordStart {
            self.state = if ends_line { State::LineEnd } else { State::FieldStart };
        }
        match self.state {
            State::LineEnd if ends_line => {}
            State::LineEnd => return Err(Unreadable),
            State::InQuotes if c == '"' => self.state = State::QuoteInQuotes,
            State::InQuotes => self.add(c, State::InQuotes)?,
            State::QuoteInQuotes if c == '"' => self.add(c, State::InQuotes)?,
            State::FieldStart if c == '"' => {
                self.field.quoted = true;
                self.state = State::InQuotes;
            }
            State::FieldStart if c == ' ' && self.dialect.skips_spaces => {}
            _ if ends_line => self.end_field(State::LineEnd),
            _ if c == self.dialect.delimiter => self.end_field(State::FieldStart),
            _ => self.add(c, State::InField)?,
        }
        Ok(())
    }

    fn add(&mut self, c: char, next: State) -> Result<(), Unreadable> {
        if self.length == LONGEST {
            return Err(Unreadable);
        }
        self.field.text.push(c);
        self.length += 1;
        self.state = next;
        Ok(())
    }

    fn end_field(&mut self, next: State) {
        self.record.push(std::mem::take(&mut self.field));
        self.length = 0;
        self.state = next;
    }

    /// Ends a line. Returns whether a record ends with it.
    fn end_line(&mut self) -> bool {
        match self.state {
            State::InQuotes => return false,
            State::RecordStart | State::LineEnd => self.state = State::RecordStart,
            State::FieldStart | State::InField | State::QuoteInQuotes => {
                self.end_field(State::RecordStart);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Vec<String>>, Unreadable> {
        let dialect = Dialect { delimiter: ',', skips_spaces: false, most: usize::MAX };
        let texts = |record: Vec<Field>| record.into_iter().map(|field| field.text).collect();
        Ok(records(text, dialect)?.into_iter().map(texts).collect())
    }

    #[test]
    fn quotes_and_line_ends_are_read_as_in_python() {
        for (text, expected) in [
            ("a,b\n\nc,\n", vec![vec!["a", "b"], vec![], vec!["c", ""]]),
            ("\"a\"b\"c, \"d\"", vec![vec!["ab\"c", " \"d\""]]),
            ("\"a\n\"\"b\"\"\",c\r\n", vec![vec!["a\n\"b\"", "c"]]),
            ("a\r", vec![vec!["a"]]),
            ("\"a\nb", vec![vec!["a\nb"]]),
            ("", vec![]),
        ] {
            let expected: Vec<Vec<String>> =
                expected.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect();
            assert_eq!(read(text), Ok(expected), "{text}");
        }
        assert_eq!(read("a\rb"), Err(Unreadable));
        assert!(read(&"a".repeat(LONGEST)).is_ok() && read(&"a".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn reading_ends_early_and_can_skip_spaces() {
        let dialect = Dialect { delimiter: ',', skips_spaces: true, most: 2 };
        let found = records("a, \"b\"\n\n\na\rb", dialect).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0][1], Field { text: "b".to_owned(), quoted: true });
    }
}
