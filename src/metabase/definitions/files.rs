//! Where definitions lie: in the program, or in a folder.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::DefinitionsError;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/cluster/metabase");

/// Files of definitions.
#[derive(Clone, Debug)]
pub struct Files(Option<PathBuf>);

impl Files {
    /// Those that come with viewtide.
    pub fn built_in() -> Self {
        Self(None)
    }

    /// Those of a folder, which has to hold all.
    pub fn folder(path: &Path) -> Self {
        Self(Some(path.to_owned()))
    }

    /// What `file` says, a path below the folder.
    pub(super) fn text(&self, file: &str) -> Result<String, DefinitionsError> {
        let failed = |reason: String| DefinitionsError::Read { file: file.to_owned(), reason };
        match &self.0 {
            Some(folder) => std::fs::read_to_string(folder.join(file)).map_err(|error| failed(error.to_string())),
            None => {
                let text = BUILT_IN.get_file(file).and_then(|file| file.contents_utf8());
                text.map(str::to_owned).ok_or_else(|| failed("it is not in the program".to_owned()))
            }
        }
    }

    /// The files of the folder itself that end in `extension`, in the order of their names.
    pub(super) fn names_of(&self, extension: &str) -> Result<Vec<String>, DefinitionsError> {
        let paths: Vec<PathBuf> = match &self.0 {
            Some(folder) => {
                let failed = |error: std::io::Error| DefinitionsError::Read {
                    file: folder.display().to_string(),
                    reason: error.to_string(),
                };
                let entries = std::fs::read_dir(folder).map_err(failed)?;
                entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(failed)?
            }
            None => BUILT_IN.files().map(|file| file.path().to_owned()).collect(),
        };
        let of_extension = paths.iter().filter(|path| path.extension().is_some_and(|found| found == extension));
        let mut names: Vec<String> =
            of_extension.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect();
        names.sort();
        Ok(names)
    }
}
