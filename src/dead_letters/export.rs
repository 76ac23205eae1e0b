//! Dead letters into a file: one a line, as a stream; the file is there whole, or as it was before.

use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::dead_letters::DeadLettersError;
use crate::dead_letters::filter::Filter;
use crate::dead_letters::list::standard_output;
use crate::dead_letters::stored::StoredLetters;

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Standard,
    /// A file; one that is there is replaced.
    File(PathBuf),
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
        Target::File(path) => {
            let failed = |error| DeadLettersError::Write { file: path.display().to_string(), error };
            let file = temporary_beside(path).map_err(failed)?;
            let (file, written) = write(letters, filter, file, &failed, observe).await?;
            file.as_file().sync_all().map_err(failed)?;
            file.persist(path).map_err(|error| failed(error.error))?;
            Ok(written)
        }
    }
}

/// A file in the same folder, so that it can be renamed; with the rights that any new file has.
fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let rights = std::fs::Permissions::from_mode(0o666);
    tempfile::Builder::new().prefix(".viewtide-").permissions(rights).tempfile_in(folder)
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
