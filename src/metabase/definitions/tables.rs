//! What tables and their columns are.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{DefinitionsError, Place};

/// Tables by name.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Tables(pub BTreeMap<String, Table>);

/// A table or a view.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name for people.
    pub name: String,
    /// `hidden` or `technical` where people are not shown it.
    pub visibility: Option<String>,
    /// Whether the role that Metabase logs in as may see nothing of it.
    #[serde(default)]
    pub optional: bool,
    /// Columns of which something is to be said, by name.
    #[serde(default)]
    pub columns: BTreeMap<String, Column>,
}

/// A column.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Metabase's semantic type, as `type/PK`.
    #[serde(rename = "type")]
    pub semantic_type: Option<String>,
    /// The column that a foreign key is of.
    pub to: Option<Place>,
    /// How a filter offers values: `list`, `search` or `none`.
    pub values: Option<String>,
}

impl Tables {
    /// Whether something is said of this column.
    pub(super) fn has_column(&self, place: &Place) -> bool {
        self.0.get(&place.table).is_some_and(|table| table.columns.contains_key(&place.column))
    }
}

/// Reads what `text` of `file` says.
pub(super) fn parse(file: &str, text: &str) -> Result<Tables, DefinitionsError> {
    let tables: Tables = toml::from_str(text).map_err(|error| DefinitionsError::wrong(file, error.to_string()))?;
    for (name, table) in &tables.0 {
        let wrong = |reason: String| Err(DefinitionsError::wrong(file, format!("{name}: {reason}")));
        if let Some(other) = table.visibility.as_deref().filter(|word| !["hidden", "technical"].contains(word)) {
            return wrong(format!("visibility is hidden or technical, and not {other}"));
        }
        for (column, of) in &table.columns {
            if of.to.is_some() != (of.semantic_type.as_deref() == Some("type/FK")) {
                return wrong(format!("{column}: type/FK and what it is a key of go together"));
            }
            if let Some(to) = of.to.as_ref().filter(|to| !tables.has_column(to)) {
                return wrong(format!("{column}: {}.{} is not there", to.table, to.column));
            }
            if let Some(other) = of.values.as_deref().filter(|word| !["list", "search", "none"].contains(word)) {
                return wrong(format!("{column}: values are a list, search or none, and not {other}"));
            }
        }
    }
    Ok(tables)
}
