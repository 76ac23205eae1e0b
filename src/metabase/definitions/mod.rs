//! What is to be in a Metabase, as the files of `cluster/metabase/` say it.
//!
//! | file | holds |
//! |---|---|
//! | `tables.toml` | tables and views: their names for people, keys and types of their columns |
//! | `NAME.toml` | a dashboard: its filters, and its cards in the order in which they are read |
//! | `NAME/CARD.sql` | what a card asks; its first comment is the card's description |
//! | `parts/PART.sql` | what several cards have in common; a line `-- include PART` stands for it |
//!
//! How they are written is in `cluster/metabase/README.md`.

mod card;
mod dashboard;
mod files;
mod sql;
mod tables;

use std::collections::BTreeSet;

pub use card::{Card, Heading, Place, Tile};
pub use dashboard::{Dashboard, Filter, GridPlace};
pub use files::Files;
pub use tables::{Column, Table, Tables};

/// Why definitions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionsError {
    /// A file is not there, or cannot be read.
    #[error("cannot read {file}: {reason}")]
    Read {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A file does not say what it is to say.
    #[error("{file}: {reason}")]
    Wrong {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

impl DefinitionsError {
    fn wrong(file: &str, reason: impl Into<String>) -> Self {
        Self::Wrong { file: file.to_owned(), reason: reason.into() }
    }
}

/// All that is to be there.
#[derive(Clone, Debug)]
pub struct Definitions {
    /// Tables and their columns.
    pub tables: Tables,
    /// Dashboards, in the order in which they are shown.
    pub dashboards: Vec<Dashboard>,
}

/// The file that says what tables are.
const TABLES_FILE: &str = "tables.toml";

impl Definitions {
    /// Reads and checks all files.
    ///
    /// # Errors
    /// Where one cannot be read, or what it says is of no use; the message names it.
    pub fn read(files: &Files) -> Result<Self, DefinitionsError> {
        let tables = tables::parse(TABLES_FILE, &files.text(TABLES_FILE)?)?;
        let mut dashboards = Vec::new();
        for file in files.names_of("toml")? {
            if file != TABLES_FILE {
                dashboards.push(dashboard::read(files, &file)?);
            }
        }
        dashboards.sort_by_key(|dashboard| dashboard.position);
        let definitions = Self { tables, dashboards };
        definitions.check()?;
        Ok(definitions)
    }

    /// Every card of every dashboard, with the dashboard.
    pub fn cards(&self) -> impl Iterator<Item = (&Dashboard, &Card)> {
        self.dashboards.iter().flat_map(|dashboard| dashboard.cards().map(move |card| (dashboard, card)))
    }

    /// Looks at what only all files together say.
    fn check(&self) -> Result<(), DefinitionsError> {
        let titles: BTreeSet<&str> = self.dashboards.iter().map(|dashboard| dashboard.name.as_str()).collect();
        let mut names = BTreeSet::new();
        for dashboard in &self.dashboards {
            if !names.insert(("dashboard", &dashboard.name)) {
                let reason = format!("there is another dashboard named {:?}", dashboard.name);
                return Err(DefinitionsError::wrong(&dashboard.file, reason));
            }
        }
        for (dashboard, card) in self.cards() {
            let wrong =
                |reason: String| Err(DefinitionsError::wrong(&dashboard.file, format!("{:?}: {reason}", card.name)));
            if !names.insert(("card", &card.name)) {
                return wrong("there is another card of this name, by which cards are known".to_owned());
            }
            if let Some(place) = card.fields.values().find(|place| !self.tables.has_column(place)) {
                return wrong(format!("{}.{} is not in {TABLES_FILE}", place.table, place.column));
            }
            if let Some(title) = card.linked_dashboards().find(|title| !titles.contains(title.as_str())) {
                return wrong(format!("it links to a dashboard {title:?}, and there is none"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn those_that_come_with_viewtide_are_whole() {
        let definitions = Definitions::read(&Files::built_in()).unwrap();
        let names: Vec<&str> = definitions.dashboards.iter().map(|dashboard| dashboard.name.as_str()).collect();
        let expected =
            ["Overview", "Video", "Channel", "Trending", "Forecast against actual", "Forecast quality", "Data quality"];
        assert_eq!(names, expected);
        for dashboard in &definitions.dashboards {
            let tiles: Vec<_> = dashboard.tiles().collect();
            let area: u64 = tiles.iter().map(|(_, place)| place.size_x * place.size_y).sum();
            let rows = tiles.iter().map(|(_, place)| place.row + place.size_y).max().unwrap_or(0);
            // Nothing overlaps, and there are no holes.
            let mut cells = BTreeSet::new();
            for (_, place) in &tiles {
                for cell in (place.row..place.row + place.size_y)
                    .flat_map(|row| (place.col..place.col + place.size_x).map(move |col| (row, col)))
                {
                    assert!(cell.1 < 24 && cells.insert(cell), "{}: {place:?}", dashboard.name);
                }
            }
            assert_eq!(area, rows * 24, "{}: there are holes", dashboard.name);
            assert!(tiles.len() >= 6, "{}", dashboard.name);
        }
        for (_, card) in definitions.cards() {
            assert!(
                !card.sql.contains('?') && !card.sql.contains("[["),
                "{}: Metabase takes it for its own",
                card.name
            );
            assert!(!card.description.is_empty() && card.description.ends_with('.'), "{}", card.name);
        }
    }

    /// What is said of a folder of these files.
    fn read(files: &[(&str, &str)]) -> Result<Definitions, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Definitions::read(&Files::folder(folder.path())).map_err(|error| error.to_string())
    }

    const TABLES: (&str, &str) =
        ("tables.toml", "[videos]\nname = \"Videos\"\ncolumns = { video_id = { type = \"type/PK\" } }\n");
    const CARD: &str = "name = \"A\"\ndescription = \"All.\"\nposition = 1\n[[filters]]\nid = \"video\"\nname = \"Video\"\n\
                        type = \"string/=\"\n[[tiles]]\nname = \"Videos\"\nsql = \"a/b.sql\"\ndisplay = \"scalar\"\nsize = [24, 3]\n\
                        fields = { video = \"videos.video_id\" }\n";
    const SQL: (&str, &str) =
        ("a/b.sql", "-- How many\n-- there are.\n-- include few\nSELECT count(*) FROM videos WHERE {{video}}\n");
    const PART: (&str, &str) = ("parts/few.sql", "-- A part.\nWITH few AS (SELECT 1)\n");

    #[test]
    fn a_folder_of_ones_own_is_read_and_what_is_wrong_in_it_is_said_with_its_file() {
        let definitions = read(&[TABLES, ("a.toml", CARD), SQL, PART]).unwrap();
        let (_, card) = definitions.cards().next().unwrap();
        assert_eq!(card.description, "How many there are.");
        assert!(
            card.sql.contains("WITH few AS (SELECT 1)\nSELECT count(*)") && !card.sql.contains("A part"),
            "{}",
            card.sql
        );
        for (files, said) in [
            (vec![("a.toml", CARD), SQL, PART], "cannot read tables.toml"),
            (vec![TABLES, ("a.toml", CARD), PART], "cannot read a/b.sql"),
            (vec![TABLES, ("a.toml", CARD), SQL], "cannot read parts/few.sql"),
            (
                vec![TABLES, ("a.toml", &CARD.replace("[24, 3]", "[25, 3]")), SQL, PART],
                "a.toml: \"Videos\": 25 columns",
            ),
            (
                vec![TABLES, ("a.toml", &CARD.replace("videos.v", "videos.w")), SQL, PART],
                "videos.wideo_id is not in tables.toml",
            ),
            (vec![TABLES, ("a.toml", &CARD.replace("fields =", "field =")), SQL, PART], "unknown field `field`"),
            (
                vec![TABLES, ("a.toml", CARD), ("a/b.sql", "-- All.\nSELECT 1"), PART],
                "does not use the filter \"video\"",
            ),
            (
                vec![TABLES, ("a.toml", CARD), ("a/b.sql", "-- All.\nSELECT {{w}} {{video}}"), PART],
                "{{w}} is no filter",
            ),
            (vec![TABLES, ("a.toml", CARD), ("a/b.sql", "SELECT {{video}}"), PART], "begins with no comment"),
            (vec![TABLES, ("a.toml", CARD), ("b.toml", CARD), SQL, PART], "another dashboard named \"A\""),
            (
                vec![
                    TABLES,
                    ("a.toml", &format!("{CARD}columns = {{ c = {{ link_url = \"/{{dashboard:B}}\" }} }}")),
                    SQL,
                    PART,
                ],
                "it links to a dashboard \"B\"",
            ),
        ] {
            let error = read(&files).unwrap_err();
            assert!(error.contains(said), "{error} is not {said}");
        }
    }
}
