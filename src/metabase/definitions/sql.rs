//! The SQL of a card: its description, what it includes, and the filters that it names.

use std::collections::BTreeSet;

use super::{DefinitionsError, Files};

/// A line of a file that stands for a part.
const INCLUDE: &str = "-- include ";

/// What a file of SQL says.
pub(super) struct Sql {
    /// The comment that it begins with, in one line.
    pub(super) description: String,
    /// All of it, with the parts in their places.
    pub(super) text: String,
    /// Names in double braces.
    pub(super) tags: BTreeSet<String>,
}

/// Reads `file`.
pub(super) fn read(files: &Files, file: &str) -> Result<Sql, DefinitionsError> {
    let text = files.text(file)?;
    let comment = text.lines().map_while(|line| line.strip_prefix("--").filter(|_| !line.starts_with(INCLUDE)));
    let description = comment.map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned();
    if description.is_empty() {
        return Err(DefinitionsError::wrong(file, "it begins with no comment that says what it shows"));
    }
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.strip_prefix(INCLUDE) {
            Some(part) => {
                let part = files.text(&format!("parts/{}.sql", part.trim()))?;
                lines.extend(part.lines().skip_while(|line| line.starts_with("--")).map(str::to_owned));
            }
            None => lines.push(line.to_owned()),
        }
    }
    let text = lines.join("\n").trim().to_owned();
    Ok(Sql { description, tags: tags(&text), text })
}

/// Names in double braces.
fn tags(sql: &str) -> BTreeSet<String> {
    sql.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0.trim().to_owned())).collect()
}
