//! Where a command writes what it was asked for: a file is there whole, or as it was before.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::whole_file::write_whole;

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Standard output.
    Standard,
    /// A file; one that is there is replaced, and keeps its mode.
    File(PathBuf),
    /// What is there and is no regular file, such as a FIFO: it is written into.
    Stream(PathBuf),
}

impl Destination {
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

    /// Writes all of `content`.
    ///
    /// # Errors
    /// Those of the file.
    pub fn write(&self, content: &[u8]) -> io::Result<()> {
        match self {
            Self::Standard => {
                let mut out = io::stdout().lock();
                out.write_all(content)?;
                out.flush()
            }
            Self::Stream(path) => open_stream(path)?.write_all(content),
            Self::File(path) => write_whole(path, content),
        }
    }
}

/// What is there, to be written into.
pub(crate) fn open_stream(path: &Path) -> io::Result<File> {
    File::options().append(true).open(path)
}
