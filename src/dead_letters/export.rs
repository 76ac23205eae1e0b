//! Dead letters into a file: one a line, as a stream.

use std::io::{self, BufWriter, Write};

use crate::dead_letters::DeadLettersError;
use crate::dead_letters::filter::Filter;
use crate::dead_letters::list::standard_output;
use crate::dead_letters::stored::StoredLetters;
use crate::destination::{Destination, open_stream};
use crate::whole_file::{put_in_place, temporary_beside};

/// Writes the dead letters to `destination`, and returns how many; `observe` is told after each.
///
/// # Errors
/// The server's, and those of the file.
pub async fn export(
    letters: &StoredLetters<'_>,
    filter: &Filter,
    destination: &Destination,
    observe: &mut dyn FnMut(u64),
) -> Result<u64, DeadLettersError> {
    match destination {
        Destination::Standard => {
            write(letters, filter, io::stdout().lock(), &standard_output, observe).await.map(|(_, n)| n)
        }
        Destination::Stream(path) => {
            let failed = |error| DeadLettersError::Write { file: path.display().to_string(), error };
            let stream = open_stream(path).map_err(failed)?;
            write(letters, filter, stream, &failed, observe).await.map(|(_, n)| n)
        }
        Destination::File(path) => {
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
