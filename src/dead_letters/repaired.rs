//! A file of dead letters, as `export` writes and a person repairs them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::dead_letters::DeadLettersError;
use crate::dead_letters::filter::Filter;
use crate::dead_letters::letter::Letter;
use crate::limits::DEAD_LETTER_LINE_BYTES_MAX;

/// A file whose every line was read once, so that it is known to be right before anything is sent.
#[derive(Debug)]
pub struct RepairedFile {
    path: PathBuf,
    filter: Filter,
    /// Dead letters that the filter lets pass.
    pub count: u64,
    /// The topics of those that come from one.
    pub topics: BTreeSet<String>,
}

impl RepairedFile {
    /// Reads it to its end.
    ///
    /// # Errors
    /// A file that cannot be read, or the first line that is no dead letter.
    pub fn check(path: &Path, filter: &Filter) -> Result<Self, DeadLettersError> {
        let mut file = Self { path: path.to_owned(), filter: filter.clone(), count: 0, topics: BTreeSet::new() };
        let (mut count, mut topics) = (0, BTreeSet::new());
        file.each(|letter| {
            count += 1;
            if !letter.from_csv {
                topics.insert(letter.topic);
            }
            Ok(true)
        })?;
        (file.count, file.topics) = (count, topics);
        Ok(file)
    }

    /// As it was named.
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Hands each to `take`, in the order of the file, until it says false. Blank lines are passed.
    ///
    /// # Errors
    /// As those of [`RepairedFile::check`], where the file was changed meanwhile, and those of `take`.
    pub fn each(&self, mut take: impl FnMut(Letter) -> Result<bool, DeadLettersError>) -> Result<(), DeadLettersError> {
        let file = || self.name();
        let failed = |error: io::Error| DeadLettersError::Read { file: file(), error };
        let mut reader = BufReader::new(File::open(&self.path).map_err(failed)?);
        let mut bytes = Vec::new();
        let mut taken = 0;
        for line in 1.. {
            bytes.clear();
            let limit = DEAD_LETTER_LINE_BYTES_MAX as u64 + 1;
            if reader.by_ref().take(limit).read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
                break;
            }
            let wrong = |why: String| DeadLettersError::Line { file: file(), line, why };
            if bytes.len() > DEAD_LETTER_LINE_BYTES_MAX {
                return Err(wrong(format!("the line has more than {DEAD_LETTER_LINE_BYTES_MAX} bytes")));
            }
            let text = std::str::from_utf8(&bytes).map_err(|error| wrong(format!("not UTF-8: {error}")))?.trim();
            if text.is_empty() {
                continue;
            }
            let letter = Letter::of_line(text).map_err(wrong)?;
            if !self.filter.admits(&letter) {
                continue;
            }
            if self.filter.limit.is_some_and(|limit| taken >= limit) || !take(letter)? {
                break;
            }
            taken += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn check(content: &str, filter: &Filter) -> Result<(u64, Vec<String>), String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        let checked = RepairedFile::check(file.path(), filter).map_err(|error| error.to_string())?;
        Ok((checked.count, checked.topics.into_iter().collect()))
    }

    #[test]
    fn every_line_is_read_before_anything_is_sent() {
        let good = "{\"topic\":\"a\",\"from_csv\":true}\n{\"topic\":\"a\",\"payload\":\"{}\"}\n\n  \n{\"topic\":\"b\",\"offset\":1}\r\n{\"topic\":\"b\"}";
        assert_eq!(check(good, &Filter::default()), Ok((4, vec!["a".to_owned(), "b".to_owned()])));
        let only = Filter { topic: Some("b".to_owned()), limit: Some(1), ..Filter::default() };
        assert_eq!(check(good, &only), Ok((1, vec!["b".to_owned()])));
        let said = check("{\"topic\":\"a\"}\n\n{\"topic\":\"a\",}\n", &Filter::default()).unwrap_err();
        assert!(said.contains(", line 3: ") && said.contains("nothing was sent"), "{said}");
        let long = format!("{{\"topic\":\"a\",\"payload\":\"{}\"}}", "x".repeat(DEAD_LETTER_LINE_BYTES_MAX));
        assert!(check(&long, &Filter::default()).unwrap_err().contains("line 1: the line has more than"));
        let nowhere = RepairedFile::check(Path::new("/nowhere/to/be.jsonl"), &Filter::default()).unwrap_err();
        assert!(nowhere.to_string().starts_with("cannot read /nowhere/to/be.jsonl: No such file"), "{nowhere}");
    }
}
