//! Dead letters into a file: one a line, as a stream; the file is there whole, or as it was before.

use std::fs::{File, Permissions};
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
            file.as_file().sync_all().map_err(failed)?;
            file.persist(path).map_err(|error| failed(error.error))?;
            Ok(written)
        }
    }
}

/// A file in the same folder, so that it can be renamed; with the mode of the one that it replaces, or else that which any
/// new file has.
fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = |mode: u32| {
        let rights = Permissions::from_mode(mode);
        tempfile::Builder::new().prefix(".viewtide-").permissions(rights).tempfile_in(folder)
    };
    match std::fs::metadata(path) {
        Ok(replaced) => {
            // Before anything is in it nobody may read it who may not read the other one; what the mask would take is given.
            let file = temporary(0o600)?;
            file.as_file().set_permissions(Permissions::from_mode(replaced.permissions().mode() & 0o7777))?;
            Ok(file)
        }
        Err(_) => temporary(0o666),
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
