//! Directories of CSV files.

use std::io;
use std::path::Path;

use tracing::info;

use super::SourceError;

/// What the names of the files that are read end with.
const ENDINGS: [&str; 2] = [".csv", ".csv.gz"];

/// The files that `paths` stand for, each once: a directory for every `*.csv` and `*.csv.gz` directly in it, in byte order of
/// their names; anything else for itself, whether it is there or not.
///
/// # Errors
/// A directory that cannot be read, or has no such file; a file that is named twice.
pub fn files_in(paths: &[String]) -> Result<Vec<String>, SourceError> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        if Path::new(path).is_dir() { files.extend(folder(path)?) } else { files.push(path.clone()) }
    }
    for (index, path) in files.iter().enumerate() {
        if files[..index].contains(path) {
            return Err(SourceError::new(format!("the CSV file {path} is given twice; name each file once")));
        }
    }
    Ok(files)
}

fn folder(path: &str) -> Result<Vec<String>, SourceError> {
    let failed =
        |why: &dyn std::fmt::Display| SourceError::new(format!("cannot read the directory of CSV files {path}: {why}"));
    let (mut names, mut left_out) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(path).map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        let name = entry.file_name();
        // A name that is no text could not be stored; it ends like any other one.
        let shown = name.to_string_lossy().into_owned();
        if shown.starts_with('.')
            || !ENDINGS.iter().any(|ending| shown.ends_with(ending))
            || is_folder(&entry.path()).map_err(|error| failed(&format!("{shown}: {error}")))?
        {
            left_out.push(shown);
            continue;
        }
        names.push(name.into_string().map_err(|_| failed(&format!("the name {shown} is not UTF-8; rename the file")))?);
    }
    if names.is_empty() {
        return Err(failed(&"there is no *.csv and no *.csv.gz directly in it"));
    }
    names.sort_unstable();
    left_out.sort_unstable();
    info!(
        directory = path,
        files = names.len(),
        left_out = left_out.join(" "),
        "the CSV files of a directory are read"
    );
    let folder = path.trim_end_matches('/');
    Ok(names.into_iter().map(|name| format!("{folder}/{name}")).collect())
}

fn is_folder(path: &Path) -> io::Result<bool> {
    std::fs::metadata(path).map(|metadata| metadata.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_stands_for_the_files_in_it_in_byte_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        for name in
            ["b.csv", "a.csv.gz", "B.csv", "10.csv", "9.csv", "é.csv", ".hidden.csv", "x.csv.bak", "csv", "c.gz"]
        {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("sub.csv")).unwrap();
        std::os::unix::fs::symlink("b.csv", folder.path().join("link.csv")).unwrap();
        let expected = ["10.csv", "9.csv", "B.csv", "a.csv.gz", "b.csv", "link.csv", "é.csv"];
        for given in [path.to_owned(), format!("{path}//")] {
            let files = files_in(&[given, "z.csv".to_owned()]).unwrap();
            let expected: Vec<String> = expected.iter().map(|name| format!("{path}/{name}")).collect();
            assert_eq!(files, [&expected[..], &["z.csv".to_owned()]].concat());
        }
    }

    #[test]
    fn a_directory_without_any_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sub.csv")).unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        assert_eq!(
            files_in(std::slice::from_ref(&path)).unwrap_err().to_string(),
            format!("cannot read the directory of CSV files {path}: there is no *.csv and no *.csv.gz directly in it")
        );
    }

    #[test]
    fn a_name_that_is_no_text_is_an_error() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"\xff.csv")), "").unwrap();
        let error = files_in(&[folder.path().to_str().unwrap().to_owned()]).unwrap_err().to_string();
        assert!(error.ends_with("the name \u{fffd}.csv is not UTF-8; rename the file"), "{error}");
    }
}
