//! A card, and where it stands.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{DefinitionsError, Files, sql};

/// What stands before the name of a dashboard that is linked to, and after it; its number in Metabase takes their place.
const LINK: (&str, &str) = ("{dashboard:", "}");

/// A column of a table, written `table.column`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Place {
    /// The table or view.
    pub table: String,
    /// Its column.
    pub column: String,
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (table, column) = text.split_once('.').ok_or_else(|| format!("{text:?} is not written table.column"))?;
        Ok(Self { table: table.to_owned(), column: column.to_owned() })
    }
}

/// Something on a dashboard.
#[derive(Clone, Debug)]
pub enum Tile {
    /// Words over what comes.
    Heading(Heading),
    /// An answer.
    Card(Box<Card>),
}

/// Words on a dashboard.
#[derive(Clone, Debug)]
pub struct Heading {
    /// What it says.
    pub text: String,
}

/// A question with its SQL, and how the answer is shown.
#[derive(Clone, Debug)]
pub struct Card {
    /// By which it is known in the collection.
    pub name: String,
    /// What it shows.
    pub description: String,
    /// Metabase's name of a chart.
    pub display: String,
    /// What it asks.
    pub sql: String,
    /// Names in double braces: the filters that it takes.
    pub tags: BTreeSet<String>,
    /// The column that each filter is of which compares with a column.
    pub fields: BTreeMap<String, Place>,
    /// Metabase's settings of the chart, in which a dashboard's name may stand for its number.
    settings: Map<String, Value>,
}

/// As it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TileText {
    heading: Option<String>,
    name: Option<String>,
    sql: Option<String>,
    display: Option<String>,
    /// Width in columns and height in rows.
    pub(super) size: (u64, u64),
    #[serde(default)]
    fields: BTreeMap<String, Place>,
    #[serde(default)]
    settings: Map<String, Value>,
    /// Settings of columns of the answer, by name.
    #[serde(default)]
    columns: BTreeMap<String, Value>,
}

impl TileText {
    /// What it is called in messages.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().or(self.heading.as_deref()).unwrap_or("a tile")
    }

    pub(super) fn read(self, files: &Files, file: &str) -> Result<Tile, DefinitionsError> {
        let wrong = |reason: &str| DefinitionsError::wrong(file, format!("{:?}: {reason}", self.name()));
        if let Some(text) = &self.heading {
            if self.name.is_some() || self.sql.is_some() {
                return Err(wrong("it is a heading or a card, and not both"));
            }
            return Ok(Tile::Heading(Heading { text: text.clone() }));
        }
        let (Some(name), Some(sql), Some(display)) = (&self.name, &self.sql, &self.display) else {
            return Err(wrong("a card has name, sql and display"));
        };
        let sql = sql::read(files, sql)?;
        if let Some(unused) = self.fields.keys().find(|filter| !sql.tags.contains(*filter)) {
            return Err(wrong(&format!("its SQL does not use the filter {unused:?}")));
        }
        let mut settings = self.settings.clone();
        if !self.columns.is_empty() {
            let columns = self.columns.iter().map(|(name, of)| (column_key(name), of.clone()));
            settings.insert("column_settings".to_owned(), Value::Object(columns.collect()));
        }
        Ok(Tile::Card(Box::new(Card {
            name: name.clone(),
            description: sql.description,
            display: display.clone(),
            sql: sql.text,
            tags: sql.tags,
            fields: self.fields,
            settings,
        })))
    }
}

/// How Metabase names a column of an answer in settings.
fn column_key(name: &str) -> String {
    Value::from(vec!["name", name]).to_string()
}

impl Card {
    /// Metabase's settings of the chart, with the number that `number_of` gives a linked dashboard by its name.
    pub fn settings(&self, number_of: &dyn Fn(&str) -> Option<u64>) -> Value {
        let mut settings = Value::Object(self.settings.clone());
        each_text(&mut settings, &mut |text| {
            while let Some((before, name, after)) = link_in(text) {
                let number = number_of(name).map_or_else(String::new, |number| number.to_string());
                *text = format!("{before}{number}{after}");
            }
        });
        settings
    }

    /// Names of the dashboards that it links to.
    pub(super) fn linked_dashboards(&self) -> impl Iterator<Item = String> {
        let mut names = Vec::new();
        each_text(&mut Value::Object(self.settings.clone()), &mut |text| {
            let mut rest = text.as_str();
            while let Some((_, name, after)) = link_in(rest) {
                names.push(name.to_owned());
                rest = after;
            }
        });
        names.into_iter()
    }
}

/// The first link in a text: what is before it, the dashboard, and what comes after.
fn link_in(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once(LINK.0)?;
    let (name, after) = rest.split_once(LINK.1)?;
    Some((before, name, after))
}

fn each_text(value: &mut Value, work: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => work(text),
        Value::Array(list) => list.iter_mut().for_each(|value| each_text(value, work)),
        Value::Object(object) => object.values_mut().for_each(|value| each_text(value, work)),
        _ => {}
    }
}
