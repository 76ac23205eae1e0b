//! Files that are there whole, or as they were before: written beside their place, then renamed.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

/// A file in the same folder, so that it can be renamed; with the mode of the one that it replaces, or else that which any
/// new file has. It goes with this value, unless it is persisted.
pub fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let temporary = |mode: u32| {
        let rights = Permissions::from_mode(mode);
        tempfile::Builder::new().prefix(".viewtide-").permissions(rights).tempfile_in(folder_of(path))
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

/// Puts what was written beside it in the place of `path`.
pub fn put_in_place(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Writes a file of these bytes, which is there after a power cut too once this has returned.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = temporary_beside(path)?;
    file.write_all(bytes)?;
    put_in_place(file, path)?;
    // The name is the folder's.
    File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_whole(&path, b"first, and longer").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        write_whole(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_cannot_be_written_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::create_dir(&path).unwrap();
        assert!(write_whole(&path, b"b").is_err());
        assert!(path.is_dir() && folder.path().read_dir().unwrap().count() == 1);
        assert!(write_whole(&folder.path().join("none/a"), b"b").is_err());
    }
}
