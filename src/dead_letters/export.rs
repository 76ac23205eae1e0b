//! Dead letters into a file: one a line, as a stream; the file is there whole, or as it was before.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use crate::dead_letters::DeadLettersError;
use crate::dead_letters::filter::Filter;
use crate::dead_letters::list::standard_output;
use crate::dead_letters::stored::StoredLetters;
use crate::whole_file::{put_in_place, temporary_beside};

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Standard,
    /// A file; one that is there is replaced, and keeps its mode.
    File(PathBuf),
    /// What is there and is no regular file, such as a FIFO: it is written into.
    Stream(PathBuf),
}

impl Target {
    /// What a command line names; `-` is standard output.
    pub fn named(name: &str) -> Self {
        let path = PathBuf::from(name);
        // What they lead to may be a regular file, which somebody else has open: to replace it would be to write nowhere.
        let is_descriptor = ["/dev/fd", "/dev/stderr", "/proc"].iter().any(|begin| path.starts_with(begin));
        let is_special = || std::fs::metadata(&path).is_ok_and(|found| !found.is_file() && !found.is_dir());
        match name {
            "-" | "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" => Self::Standard,
            _ if is_descriptor || is_special() => Self::Stream(path),
            // Of a link that which it leads to is replaced, and the link stays.
            _ => Self::File(path.canonicalize().unwrap_or(path)),
        }
    }
}

/// Writes the dead letters to `target`, and returns how many; `observe` is told after each.
///
/// # Errors
/// The server's, and those of the file.
pub async fn export(
    letters: &StoredLetters<'_>,
    filter: &Filter,
    target: &Target,
    observe: &mut dyn FnMut(u64),
) -> Result<u64, DeadLettersError> {
    match target {
        Target::Standard => {
            write(letters, filter, io::stdout().lock(), &standard_output, observe).await.map(|(_, n)| n)
        }
        Target::Stream(path) => {
            let failed = |error| DeadLettersError::Write { file: path.display().to_string(), error };
            let stream = File::options().append(true).open(path).map_err(failed)?;
            write(letters, filter, stream, &failed, observe).await.map(|(_, n)| n)
        }
        Target::File(path) => {
            let failed = |error| DeadLettersError::Write { file: path.display().to_string(), error };
            let file = temporary_beside(path).map_err(failed)?;
            let (file, written) = write(letters, filter, file, &failed, observe).await?;
            put_in_place(file, path).map_err(failed)?;
            Ok(written)
        }
    }
}

async fn write<W: Write>(
    letters: &StoredLetters<'_>,
    filter: &Filter,
    out: W,
    failed: &dyn Fn(io::Error) -> DeadLettersError,
    observe: &mut dyn FnMut(u64),
) -> Result<(W, u64), DeadLettersError> {
    let mut out = BufWriter::new(out);
    let mut written = 0;
    letters
        .each(filter, |letter| {
            let line = letter.to_line().map_err(|error| failed(error.into()))?;
            writeln!(out, "{line}").map_err(failed)?;
            written += 1;
            observe(written);
            Ok(true)
        })
        .await?;
    let out = out.into_inner().map_err(|error| failed(error.into_error()))?;
    Ok((out, written))
}
