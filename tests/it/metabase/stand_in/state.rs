//! What the stand-in holds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Request;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It is answered.
    None,
    /// The connection breaks, and nothing is done.
    Before,
    /// It is done, and the connection breaks.
    After,
    /// Nothing is done any more.
    Gone,
}

/// A Metabase.
#[derive(Default)]
pub struct State {
    /// Passwords of people by their e-mail addresses; all are admins.
    pub people: BTreeMap<String, String>,
    /// Keys, and whether they are of admins.
    pub keys: BTreeMap<String, bool>,
    pub sessions: BTreeSet<String>,
    pub settings: BTreeMap<String, Value>,
    pub databases: Vec<Value>,
    /// With the number of their database.
    pub tables: Vec<Value>,
    /// With the number of their table.
    pub fields: Vec<Value>,
    pub collections: Vec<Value>,
    pub cards: Vec<Value>,
    pub dashboards: Vec<Value>,
    pub requests: Vec<Request>,
    pub faults: Vec<String>,
    /// How many requests come before it is up.
    pub starting: u32,
    /// Logins with a wrong password so far.
    pub wrong_logins: u32,
    /// How often a database is still looked at before what is found is there, and is there whole.
    pub looks: BTreeMap<u64, u32>,
    /// The request that the connection breaks at, and whether that one is done; all later ones are refused.
    pub cut: Option<(u32, bool)>,
    pub last_id: u64,
}

impl State {
    /// A number that nothing had: no two things have the same, whatever they are.
    pub fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub fn fault(&mut self, what: String) {
        self.faults.push(what);
    }

    pub(super) fn next_cut(&mut self) -> Cut {
        match &mut self.cut {
            None => Cut::None,
            Some((0, _)) => Cut::Gone,
            Some((left, is_done)) => {
                *left -= 1;
                match (*left, *is_done) {
                    (0, false) => Cut::Before,
                    (0, true) => Cut::After,
                    _ => Cut::None,
                }
            }
        }
    }

    /// Whether the place was reached at which the connection breaks.
    pub fn was_cut(&self) -> bool {
        matches!(self.cut, Some((0, _)))
    }

    /// Who is logged in by `key`: whether an admin.
    pub(super) fn who(&self, key: Option<&str>) -> Option<bool> {
        let key = key?;
        if self.sessions.contains(key) { Some(true) } else { self.keys.get(key).copied() }
    }

    /// Takes in what a database has. What is known of a table or a column already stays.
    pub(super) fn take_in(&mut self, database: u64, columns: &[[String; 3]]) {
        for [schema, table, column] in columns {
            let known = |of: &&Value| of["db_id"] == database && of["schema"] == **schema && of["name"] == **table;
            let table_id = match self.tables.iter().find(known) {
                Some(known) => known["id"].as_u64().expect("a number"),
                None => {
                    let id = self.new_id();
                    self.tables.push(json!({
                        "id": id, "db_id": database, "schema": schema, "name": table, "display_name": humanized(table),
                        "visibility_type": null, "active": true,
                    }));
                    id
                }
            };
            if !self.fields.iter().any(|of| of["table_id"] == table_id && of["name"] == **column) {
                let id = self.new_id();
                self.fields.push(json!({
                    "id": id, "table_id": table_id, "name": column, "display_name": humanized(column), "semantic_type": null,
                    "fk_target_field_id": null, "has_field_values": "none", "visibility_type": "normal",
                }));
            }
        }
    }

    /// The qualified name of a column.
    pub fn column(&self, field: u64) -> Option<String> {
        let field = self.fields.iter().find(|of| of["id"] == field)?;
        let table = self.tables.iter().find(|of| of["id"] == field["table_id"])?;
        let names = [&table["schema"], &table["name"], &field["name"]];
        Some(names.map(|name| format!("\"{}\"", name.as_str().unwrap_or_default())).join("."))
    }

    /// The number of a column.
    pub fn field(&self, table: &str, column: &str) -> Option<&Value> {
        let table = self.tables.iter().find(|of| of["name"] == *table)?;
        self.fields.iter().find(|of| of["table_id"] == table["id"] && of["name"] == *column)
    }

    /// Cards or dashboards by name.
    pub fn named<'a>(list: &'a [Value], name: &str) -> Vec<&'a Value> {
        list.iter().filter(|of| of["name"] == *name).collect()
    }

    /// The collection of this name, if there is one only.
    pub fn collection(&self, name: &str) -> u64 {
        match Self::named(&self.collections, name).as_slice() {
            [one] => one["id"].as_u64().expect("a number"),
            other => panic!("{} collections {name}", other.len()),
        }
    }
}

fn humanized(name: &str) -> String {
    let words = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
    words.collect::<Vec<_>>().join(" ")
}
