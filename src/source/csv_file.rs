//! One CSV file: checked before anything is read from it, plain or gzip, its header understood.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::csv_rows::{CsvRows, Row};
use super::field::Field;
use super::fields::Fields;
use super::refusal::Refusal;
use super::value::{Value, shown};
use super::{CsvFile, Input, SourceError};

const GZIP_MAGIC: &[u8] = b"\x1f\x8b";
const HASH_CHUNK_BYTES: usize = 256 * 1024;
/// Which column holds which field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    count: usize,
    places: [Option<usize>; Field::ALL.len()],
}

/// What the header of a file of `input` has to have.
pub(super) fn needed(input: Input) -> &'static str {
    match input {
        Input::Snapshots => {
            "a header with timestamp, video_id and at least one of viewCount, likeCount, commentCount is needed"
        }
        Input::VideosFile | Input::VideosTopic => {
            "a header with video_id and at least one of title, channel_id, channel_title, category_id, published_at is \
             needed"
        }
    }
}

impl Columns {
    fn of(header: &Row<'_>, input: Input) -> Result<Self, String> {
        let names: Option<Vec<&str>> = header.fields().map(|name| std::str::from_utf8(name).ok()).collect();
        let names = names.filter(|_| !header.is_too_large()).ok_or("it does not begin with a CSV header".to_owned())?;
        let named = match input {
            Input::Snapshots => Field::named,
            Input::VideosFile | Input::VideosTopic => Field::of_videos,
        };
        let mut columns = Self { count: header.len(), places: [None; Field::ALL.len()] };
        for (index, name) in names.iter().enumerate() {
            let Some(field) = named(name.as_bytes()) else { continue };
            if let Some(before) = columns.place(field) {
                return Err(format!("the columns {} and {name} both mean {}", names[before], field.name()));
            }
            columns.places[field as usize] = Some(index);
        }
        columns.check(input).map_err(|missing| format!("no column {missing}; it has: {}", shown(&names.join(","))))?;
        Ok(columns)
    }

    /// Says what is missing.
    fn check(&self, input: Input) -> Result<(), &'static str> {
        let has = |field: &Field| self.place(*field).is_some();
        let (needed, missing) = match input {
            Input::Snapshots if ![Field::Timestamp, Field::TrendingDate].iter().any(has) => {
                return Err(Field::Timestamp.name());
            }
            Input::Snapshots => (&Field::COUNTS[..], "of counts"),
            Input::VideosFile | Input::VideosTopic => (&Field::METADATA[..], "of what is known of videos"),
        };
        if !has(&Field::VideoId) {
            return Err(Field::VideoId.name());
        }
        if needed.iter().any(has) { Ok(()) } else { Err(missing) }
    }

    /// The column of `field`, from 0.
    pub fn place(&self, field: Field) -> Option<usize> {
        self.places[field as usize]
    }

    /// The fields of a row, as text.
    ///
    /// # Errors
    /// Why the row cannot be taken apart; what its fields say is another question.
    pub fn fields<'a>(&self, row: &Row<'a>) -> Result<Fields<'a>, Refusal> {
        if row.is_too_large() {
            return Err(Refusal::TooLarge { bytes: row.bytes });
        }
        let not_utf8 = |error: std::str::Utf8Error| Refusal::NotUtf8 { at: error.valid_up_to() };
        std::str::from_utf8(row.raw).map_err(not_utf8)?;
        if row.len() != self.count {
            return Err(Refusal::WrongNumberOfFields { fields: row.len(), columns: self.count });
        }
        let mut fields = Fields::default();
        for field in Field::ALL {
            if let Some(bytes) = self.place(field).and_then(|index| row.field(index)) {
                fields.put(field, Value::Text(std::str::from_utf8(bytes).map_err(not_utf8)?.into()));
            }
        }
        Ok(fields)
    }
}

/// A CSV file that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedFile {
    /// What it is.
    pub file: CsvFile,
    /// Its columns.
    pub columns: Columns,
}

impl CheckedFile {
    /// Checks that `path` is a regular file with a header that has the columns which `input` needs, and takes its size and
    /// hash.
    ///
    /// # Errors
    /// Names the file, what is wrong, and what is needed.
    pub fn check(path: &str, input: Input) -> Result<Self, SourceError> {
        let failed = |why: &dyn std::fmt::Display| SourceError::new(format!("cannot read the CSV file {path}: {why}"));
        let mut opened = File::open(path).map_err(|error| failed(&error))?;
        let metadata = opened.metadata().map_err(|error| failed(&error))?;
        if metadata.is_dir() {
            return Err(failed(&"it is a directory; name a file"));
        }
        if !metadata.is_file() {
            return Err(failed(&"it is not a regular file; it must be one, since a restart reads it again"));
        }
        let needed = needed(input);
        let (bytes, sha256) = size_and_hash(&mut opened).map_err(|error| failed(&error))?;
        if bytes == 0 {
            return Err(failed(&format!("it is empty (0 bytes); {needed}")));
        }
        let file = CsvFile { path: path.to_owned(), bytes, sha256 };
        let mut rows = CsvRows::new(content(&file).map_err(|error| failed(&error))?);
        let header = rows.next_row().map_err(|error| failed(&error))?;
        let header = header.ok_or_else(|| failed(&format!("it has no lines; {needed}")))?;
        let columns = Columns::of(&header, input).map_err(|why| failed(&format!("{why}; {needed}")))?;
        Ok(Self { file, columns })
    }

    /// Its rows, behind the header.
    ///
    /// # Errors
    /// The file cannot be opened, or not read up to its first row.
    pub fn rows(&self) -> Result<CsvRows<Box<dyn Read>>, SourceError> {
        let path = &self.file.path;
        let failed = |error: io::Error| SourceError::new(format!("cannot read the CSV file {path}: {error}"));
        let mut rows = CsvRows::new(content(&self.file).map_err(failed)?);
        rows.next_row().map_err(failed)?;
        Ok(rows)
    }

    /// What to say of an error while reading.
    pub fn broken_off(&self, line: u64, error: &io::Error) -> SourceError {
        SourceError::new(format!(
            "the CSV file {} cannot be read any further at line {line}: {error}; the rows before it are good. Mend the \
             file: it is cut short, damaged, or was changed while it was read",
            self.file.path
        ))
    }
}

fn size_and_hash(file: &mut File) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; HASH_CHUNK_BYTES];
    let mut bytes = 0;
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            read => {
                hash.update(&chunk[..read]);
                bytes += read as u64;
            }
        }
    }
    Ok((bytes, hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// The text in a file, as far as it was checked.
fn content(file: &CsvFile) -> io::Result<Box<dyn Read>> {
    unpacked(AsChecked { file: File::open(&file.path)?, left: file.bytes })
}

/// The text in a file: as it is, or unpacked where it begins as gzip does.
///
/// # Errors
/// Its first bytes cannot be read.
pub fn unpacked(mut file: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let mut magic = Vec::new();
    Read::by_ref(&mut file).take(GZIP_MAGIC.len() as u64).read_to_end(&mut magic)?;
    let is_gzip = magic == GZIP_MAGIC;
    let whole = Cursor::new(magic).chain(file);
    Ok(if is_gzip { Box::new(MultiGzDecoder::new(BufReader::new(whole))) } else { Box::new(whole) })
}

/// A file up to the size that it was checked with: what is appended meanwhile is of another input.
struct AsChecked {
    file: File,
    left: u64,
}

impl Read for AsChecked {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let room = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.file.read(&mut into[..room])?;
        self.left -= read as u64;
        if read == 0 && room > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it is shorter than it was at the start"));
        }
        Ok(read)
    }
}
