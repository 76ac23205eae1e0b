//! A dashboard: filters, and cards from left to right and from top to bottom.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::card::TileText;
use super::{Card, DefinitionsError, Files, Tile};
use crate::limits::METABASE_GRID_COLUMNS;

/// A dashboard.
#[derive(Clone, Debug)]
pub struct Dashboard {
    /// The file that it stands in.
    pub file: String,
    /// By which it is known in the collection.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its place among the others, from 1.
    pub position: u64,
    /// What its cards can be narrowed by.
    pub filters: Vec<Filter>,
    tiles: Vec<(Tile, GridPlace)>,
}

/// Columns and rows of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GridPlace {
    /// The first row, from 0.
    pub row: u64,
    /// The first column, from 0.
    pub col: u64,
    /// Columns.
    pub size_x: u64,
    /// Rows.
    pub size_y: u64,
}

/// A filter. Cards that name it in double braces are narrowed by it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// By which cards name it; it stands in links too.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Metabase's type of a parameter.
    #[serde(rename = "type")]
    pub kind: String,
    /// What can be chosen, where cards take the choice as it is; else they compare it with a column.
    pub values: Option<Vec<String>>,
    /// What is chosen where nothing is.
    pub default: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DashboardText {
    name: String,
    description: String,
    position: u64,
    #[serde(default)]
    filters: Vec<Filter>,
    tiles: Vec<TileText>,
}

/// Reads `file` and the SQL of its cards.
pub(super) fn read(files: &Files, file: &str) -> Result<Dashboard, DefinitionsError> {
    let wrong = |reason: String| DefinitionsError::wrong(file, reason);
    let text: DashboardText = toml::from_str(&files.text(file)?).map_err(|error| wrong(error.to_string()))?;
    let mut flow = Flow::default();
    let mut tiles = Vec::with_capacity(text.tiles.len());
    for tile in text.tiles {
        let place = flow.place(tile.size).map_err(|reason| wrong(format!("{:?}: {reason}", tile.name())))?;
        tiles.push((tile.read(files, file)?, place));
    }
    let DashboardText { name, description, position, filters, .. } = text;
    let dashboard = Dashboard { file: file.to_owned(), name, description, position, filters, tiles };
    dashboard.check().map_err(wrong)?;
    Ok(dashboard)
}

impl Dashboard {
    /// What is on it, and where.
    pub fn tiles(&self) -> impl Iterator<Item = (&Tile, GridPlace)> {
        self.tiles.iter().map(|(tile, place)| (tile, *place))
    }

    /// Its cards.
    pub fn cards(&self) -> impl Iterator<Item = &Card> {
        self.tiles.iter().filter_map(|(tile, _)| match tile {
            Tile::Card(card) => Some(&**card),
            Tile::Heading(_) => None,
        })
    }

    /// The filter of this name.
    pub fn filter(&self, id: &str) -> Option<&Filter> {
        self.filters.iter().find(|filter| filter.id == id)
    }

    fn check(&self) -> Result<(), String> {
        let mut unused: BTreeSet<&str> = self.filters.iter().map(|filter| filter.id.as_str()).collect();
        if unused.len() < self.filters.len() {
            return Err("two filters have the same id".to_owned());
        }
        for card in self.cards() {
            for tag in &card.tags {
                let filter = self.filter(tag).ok_or_else(|| format!("{:?}: {{{{{tag}}}}} is no filter", card.name))?;
                if filter.values.is_some() == card.fields.contains_key(tag) {
                    let reason = "its choices are given, or a card compares it with a column: one of both";
                    return Err(format!("{:?}: the filter {tag:?}: {reason}", card.name));
                }
                unused.remove(tag.as_str());
            }
        }
        if let Some(filter) = self.filters.iter().find(|filter| filter.values.is_some() && filter.default.is_none()) {
            return Err(format!("the filter {:?} has choices and needs a default", filter.id));
        }
        unused.first().map_or(Ok(()), |filter| Err(format!("no card uses the filter {filter:?}")))
    }
}

impl Filter {
    /// As a parameter of a dashboard.
    pub fn parameter(&self) -> Value {
        let mut parameter = json!({"id": self.id, "name": self.name, "slug": self.id, "type": self.kind});
        if let Some(section) = self.section() {
            parameter["sectionId"] = section.into();
        }
        if let Some(values) = &self.values {
            parameter["values_source_type"] = "static-list".into();
            parameter["values_source_config"] = json!({"values": values});
            parameter["values_query_type"] = "list".into();
        }
        if let Some(default) = &self.default {
            // Of words a list of those chosen, of a time the one.
            let is_list = self.kind.starts_with("string/");
            parameter["default"] = if is_list { json!([default]) } else { json!(default) };
        }
        parameter
    }

    /// Where Metabase's editor shows it.
    fn section(&self) -> Option<&'static str> {
        match self.kind.split('/').next()? {
            "date" => Some("date"),
            "string" => Some("string"),
            "number" => Some("number"),
            _ => None,
        }
    }
}

/// Puts one tile after the other, as words are on a page.
#[derive(Default)]
struct Flow {
    row: u64,
    col: u64,
    height: u64,
}

impl Flow {
    fn place(&mut self, (size_x, size_y): (u64, u64)) -> Result<GridPlace, String> {
        if size_x == 0 || size_y == 0 || size_x > METABASE_GRID_COLUMNS {
            return Err(format!("{size_x} columns and {size_y} rows; there are {METABASE_GRID_COLUMNS} columns"));
        }
        if self.col + size_x > METABASE_GRID_COLUMNS {
            (self.row, self.col, self.height) = (self.row + self.height, 0, 0);
        }
        let place = GridPlace { row: self.row, col: self.col, size_x, size_y };
        self.col += size_x;
        self.height = self.height.max(size_y);
        Ok(place)
    }
}
