//! CSV text as rows: where each begins, its bytes, its fields. Knows nothing of snapshots.
//!
//! Memory is bounded whatever comes: of a row the first [`RECORD_BYTES_MAX`] bytes and [`CSV_COLUMNS_MAX`] fields are kept,
//! the rest is read past. A row ends at a line feed outside quotes (a carriage return before it belongs to it), so no two
//! rows begin on the same line. Blank lines are no rows. A byte order mark at the start is skipped.

use std::io::{self, Read};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use crate::limits::{CSV_COLUMNS_MAX, RECORD_BYTES_MAX};

const CHUNK_BYTES: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One row.
#[derive(Debug)]
pub struct Row<'a> {
    /// The line it begins on, from 1.
    pub line: u64,
    /// Its bytes without the end of the line; of a row larger than [`RECORD_BYTES_MAX`] the first so many.
    pub raw: &'a [u8],
    /// Its size without the end of the line.
    pub bytes: u64,
    text: &'a [u8],
    ends: &'a [usize],
    fields: usize,
}

impl<'a> Row<'a> {
    /// Whether it is larger than [`RECORD_BYTES_MAX`]; its fields are then not to be used.
    pub fn is_too_large(&self) -> bool {
        self.bytes > RECORD_BYTES_MAX as u64
    }

    /// How many fields it has.
    pub fn len(&self) -> usize {
        self.fields
    }

    /// Whether it has none; never so, since blank lines are no rows.
    pub fn is_empty(&self) -> bool {
        self.fields == 0
    }

    /// A field without its quotes; `None` past the last one, or past [`CSV_COLUMNS_MAX`].
    pub fn field(&self, index: usize) -> Option<&'a [u8]> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.text.get(start..end)
    }

    /// The fields, up to [`CSV_COLUMNS_MAX`].
    pub fn fields(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        (0..self.ends.len()).map_while(|index| self.field(index))
    }
}

/// Reads rows from `R`.
pub struct CsvRows<R> {
    input: R,
    chunk: Box<[u8]>,
    from: usize,
    to: usize,
    input_ended: bool,
    core: Reader,
    started: bool,
    line: u64,
    raw: Vec<u8>,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// How the row that is being read stands.
#[derive(Default)]
struct Progress {
    bytes: u64,
    last_two: [u8; 2],
    text_bytes: usize,
    fields: usize,
}

impl<R: Read> CsvRows<R> {
    /// Rows of `input`.
    pub fn new(input: R) -> Self {
        // Only a line feed ends a row: with carriage returns as ends too, two rows could begin on one line.
        let mut core = ReaderBuilder::new().terminator(Terminator::Any(b'\n')).build();
        // A reader that has read something, as this blank line, no longer strips a byte order mark; its own way of doing
        // that depends on how the input is split.
        core.read_record(b"\n", &mut [0; 1], &mut [0; 1]);
        Self {
            input,
            chunk: vec![0; CHUNK_BYTES].into_boxed_slice(),
            from: 0,
            to: 0,
            input_ended: false,
            core,
            started: false,
            line: 1,
            raw: Vec::new(),
            text: vec![0; CHUNK_BYTES],
            ends: vec![0; CSV_COLUMNS_MAX],
        }
    }

    /// The line that is read next, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// What the input says; rows before it were whole, and what is left of the one it broke off in is not handed out.
    pub fn next_row(&mut self) -> io::Result<Option<Row<'_>>> {
        self.skip_mark_and_blank_lines()?;
        let line = self.line;
        self.raw.clear();
        let mut row = Progress::default();
        while self.read_on(&mut row)? {}
        if row.fields == 0 {
            return Ok(None);
        }
        let bytes = row.bytes - row.line_end_bytes();
        self.raw.truncate(bytes.min(RECORD_BYTES_MAX as u64) as usize);
        let kept = row.fields.min(CSV_COLUMNS_MAX);
        let mut text = &self.text[..row.text_bytes];
        // The reader takes the carriage return of a line's end for the last byte of its last field.
        if row.fields == kept && text.last() == Some(&b'\r') && self.ends[kept - 1] == text.len() {
            text = &text[..text.len() - 1];
            self.ends[kept - 1] = text.len();
        }
        Ok(Some(Row { line, raw: &self.raw, bytes, text, ends: &self.ends[..kept], fields: row.fields }))
    }

    /// Feeds the reader some input; false once the row is whole, or the input at its end.
    fn read_on(&mut self, row: &mut Progress) -> io::Result<bool> {
        self.fill(1)?;
        if row.text_bytes == self.text.len() && self.text.len() <= RECORD_BYTES_MAX {
            self.text.resize(2 * self.text.len(), 0);
        }
        let too_large = row.bytes > RECORD_BYTES_MAX as u64;
        let too_many = row.fields >= CSV_COLUMNS_MAX;
        let mut text_lost = [0; 4_096];
        let mut ends_lost = [0; 64];
        let text = if too_large { &mut text_lost[..] } else { &mut self.text[row.text_bytes..] };
        let ends = if too_many { &mut ends_lost[..] } else { &mut self.ends[row.fields..] };
        let input = &self.chunk[self.from..self.to];
        let (result, consumed, written, ended) = self.core.read_record(input, text, ends);
        let read = &input[..consumed];
        row.bytes += consumed as u64;
        for &byte in &read[consumed.saturating_sub(2)..] {
            row.last_two = [row.last_two[1], byte];
        }
        row.fields += ended;
        if !too_large {
            row.text_bytes += written;
        }
        let room = RECORD_BYTES_MAX.saturating_sub(self.raw.len());
        self.raw.extend_from_slice(&read[..consumed.min(room)]);
        self.line += read.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.from += consumed;
        Ok(!matches!(result, ReadRecordResult::Record | ReadRecordResult::End))
    }

    fn skip_mark_and_blank_lines(&mut self) -> io::Result<()> {
        if !self.started {
            self.fill(BYTE_ORDER_MARK.len())?;
            if self.chunk[self.from..self.to].starts_with(BYTE_ORDER_MARK) {
                self.from += BYTE_ORDER_MARK.len();
            }
            self.started = true;
        }
        loop {
            self.fill(2)?;
            let blank = match &self.chunk[self.from..self.to] {
                [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                _ => break,
            };
            self.from += blank;
            self.line += 1;
        }
        Ok(())
    }

    /// Reads until `bytes` of input are at hand, or all that is left.
    fn fill(&mut self, bytes: usize) -> io::Result<()> {
        if self.to - self.from >= bytes || self.input_ended {
            return Ok(());
        }
        self.chunk.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        while self.to < bytes {
            match self.input.read(&mut self.chunk[self.to..]) {
                Ok(0) => {
                    self.input_ended = true;
                    break;
                }
                Ok(read) => self.to += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Progress {
    /// How many of the bytes read are the end of the line.
    fn line_end_bytes(&self) -> u64 {
        match self.last_two {
            [b'\r', b'\n'] => 2,
            [_, b'\n' | b'\r'] => 1,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A reader that hands out at most `step` bytes at once.
    struct Slowly<'a>(&'a [u8], usize);

    impl Read for Slowly<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let take = self.1.min(into.len()).min(self.0.len());
            into[..take].copy_from_slice(&self.0[..take]);
            self.0 = &self.0[take..];
            Ok(take)
        }
    }

    #[derive(Debug, PartialEq, Clone)]
    struct Read1 {
        line: u64,
        raw: Vec<u8>,
        bytes: u64,
        fields: Vec<Vec<u8>>,
        len: usize,
    }

    fn all(input: &[u8], step: usize) -> Vec<Read1> {
        let mut rows = CsvRows::new(Slowly(input, step));
        let mut read = Vec::new();
        while let Some(row) = rows.next_row().unwrap() {
            let fields =
                if row.is_too_large() { Vec::new() } else { row.fields().map(<[u8]>::to_vec).collect::<Vec<_>>() };
            read.push(Read1 { line: row.line, raw: row.raw.to_vec(), bytes: row.bytes, fields, len: row.len() });
        }
        read
    }

    fn texts(rows: &[Read1]) -> Vec<(u64, Vec<&str>)> {
        let text = |field| std::str::from_utf8(field).unwrap();
        rows.iter().map(|row| (row.line, row.fields.iter().map(|field| text(field)).collect())).collect()
    }

    #[test]
    fn rows_begin_where_they_do() {
        let input = "\u{feff}\r\n\na,b\r\n\r\n\"x\ny\",\"\"\"q\"\"\"\r\n\n\n1,\n,\"z\"\r";
        for step in [1, 2, 3, 7, 1_000] {
            assert_eq!(
                texts(&all(input.as_bytes(), step)),
                [(3, vec!["a", "b"]), (5, vec!["x\ny", "\"q\""]), (9, vec!["1", ""]), (10, vec!["", "z"]),],
                "{step}"
            );
        }
        assert_eq!(all(input.as_bytes(), 9)[1].raw, b"\"x\ny\",\"\"\"q\"\"\"");
        assert_eq!(all(b"", 1), []);
        assert_eq!(all(b"\n\r\n\n", 1), []);
    }

    #[test]
    fn a_carriage_return_alone_ends_no_row() {
        assert_eq!(texts(&all(b"a\rb,c\r\rd\n\r", 5)), [(1, vec!["a\rb", "c\r\rd"]), (2, vec![""])]);
    }

    #[test]
    fn a_row_at_the_limit_is_whole_and_one_past_it_is_cut() {
        for (bytes, too_large) in [(RECORD_BYTES_MAX, false), (RECORD_BYTES_MAX + 1, true), (5_000_000, true)] {
            for end in ["\n", "\r\n", ""] {
                let input = format!("a,b\n{}{end}", "x".repeat(bytes));
                let rows = all(format!("{input}{}1,2\n", if end.is_empty() { "\n" } else { "" }).as_bytes(), 10_000);
                assert_eq!(rows.len(), 3);
                assert_eq!(rows[1].bytes > RECORD_BYTES_MAX as u64, too_large, "{bytes} {end:?}");
                assert_eq!(rows[1].raw.len(), bytes.min(RECORD_BYTES_MAX));
                assert_eq!(texts(&rows)[2], (3, vec!["1", "2"]));
            }
        }
    }

    #[test]
    fn too_many_fields_are_counted_and_not_kept() {
        let fields = 3 * CSV_COLUMNS_MAX;
        let rows = all(format!("{}\n1,2\n", ",".repeat(fields - 1)).as_bytes(), 100);
        assert_eq!((rows[0].len, rows[0].fields.len()), (fields, CSV_COLUMNS_MAX));
        assert_eq!(texts(&rows)[1], (2, vec!["1", "2"]));
    }

    #[test]
    fn a_gigabyte_in_one_row_takes_little_memory() {
        let mut rows = CsvRows::new(io::Read::chain(io::repeat(b'x').take(1 << 30), &b"\n1,2\n"[..]));
        let row = rows.next_row().unwrap().unwrap();
        assert_eq!((row.bytes, row.raw.len()), (1 << 30, RECORD_BYTES_MAX));
        assert_eq!(rows.next_row().unwrap().unwrap().field(1), Some(&b"2"[..]));
        assert!(rows.raw.capacity() + rows.text.capacity() < 8 * RECORD_BYTES_MAX);
    }

    /// Text made of what matters to a reader of CSV, so that every state of it is reached.
    fn csv_like() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => prop::sample::select(vec!["\n", "\r\n", ",", "\"", "\"\"", "\r", "a", "1"]).prop_map(str::as_bytes),
            1 => prop::sample::select(vec!["\u{feff}", "\n\n", "\",\"", "\"\n\""]).prop_map(str::as_bytes),
        ];
        prop_oneof![prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat()), any::<Vec<u8>>()]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn however_the_input_is_split_the_rows_are_the_same(input in csv_like(), step in 1_usize..9) {
            prop_assert_eq!(all(&input, step), all(&input, usize::MAX));
        }

        /// All bytes of the input are in a row, but for the ends of lines, blank lines and the mark.
        #[test]
        fn no_byte_is_lost(input in csv_like()) {
            let mut rest = input.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&input);
            let mut line = 1;
            for row in all(&input, 5) {
                while let Some(after) = rest.strip_prefix(b"\n").or(rest.strip_prefix(b"\r\n")) {
                    (rest, line) = (after, line + 1);
                }
                prop_assert_eq!(row.line, line);
                let after = rest.strip_prefix(&row.raw[..]);
                prop_assert!(after.is_some(), "{:?} is not at {:?}", row, rest);
                line += row.raw.iter().filter(|byte| **byte == b'\n').count() as u64;
                rest = after.unwrap();
                let ended = rest.strip_prefix(b"\r\n").or(rest.strip_prefix(b"\n"));
                line += u64::from(ended.is_some());
                rest = ended.or(rest.strip_prefix(b"\r")).unwrap_or(rest);
            }
            prop_assert!(rest.iter().all(|byte| b"\r\n".contains(byte)), "{rest:?} is left");
        }
    }
}
