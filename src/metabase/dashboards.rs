//! Dashboards: cards and filters in their places, beside those of people.
//!
//! Cards, filters and tabs are sent as whole lists, and what is missing in one is gone. So everything that somebody put there is
//! sent back as it was. It is known by what it is not: a card that the definition does not name, a filter of another id.
//! What overlaps one of ours moves below them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::metabase::MetabaseError;
use crate::metabase::client::MetabaseClient;
use crate::metabase::content::Content;
use crate::metabase::definitions::{Card, Dashboard, Definitions, GridPlace, Heading, Tile};
use crate::metabase::same::{differing, is_in};
use crate::metabase::tally::{Done, Tally};

/// What of a card on a dashboard is sent.
const DASHCARD_KEYS: [&str; 11] = [
    "id",
    "card_id",
    "action_id",
    "dashboard_tab_id",
    "row",
    "col",
    "size_x",
    "size_y",
    "visualization_settings",
    "parameter_mappings",
    "inline_parameters",
];

/// What of a filter's link to a card is sent.
const MAPPING_KEYS: [&str; 3] = ["parameter_id", "card_id", "target"];

/// What a filter of ours has or has not, and nobody else sets.
const PARAMETER_KEYS: [&str; 9] = [
    "id",
    "name",
    "slug",
    "type",
    "sectionId",
    "default",
    "values_source_type",
    "values_source_config",
    "values_query_type",
];

/// Makes the dashboards that are not there, empty, so that cards can link to them.
pub(super) async fn make_missing(
    client: &MetabaseClient,
    definitions: &Definitions,
    content: &mut Content,
    tally: &mut Tally,
) -> Result<BTreeSet<String>, MetabaseError> {
    let mut made = BTreeSet::new();
    for dashboard in &definitions.dashboards {
        if content.is_dashboard_in_trash(&dashboard.name) {
            tally.in_trash.push(dashboard.name.clone());
        } else if !content.there.dashboards.contains_key(&dashboard.name) {
            let body = json!({
                "name": dashboard.name,
                "description": dashboard.description,
                "collection_id": content.collection,
                "collection_position": dashboard.position,
            });
            let id = client.id_in("POST /api/dashboard", &client.post("/api/dashboard", &body).await?)?;
            content.there.dashboards.insert(dashboard.name.clone(), id);
            made.insert(dashboard.name.clone());
        }
    }
    Ok(made)
}

/// Puts cards and filters where they are to be. `made` are the dashboards that are new.
pub(super) async fn lay_out(
    client: &MetabaseClient,
    definitions: &Definitions,
    content: &Content,
    made: &BTreeSet<String>,
    tally: &mut Tally,
) -> Result<(), MetabaseError> {
    for dashboard in &definitions.dashboards {
        let Some(id) = content.there.dashboards.get(&dashboard.name) else { continue };
        let path = format!("/api/dashboard/{id}");
        let found = client.get(&path).await?;
        let changes = Layout { dashboard, content, found: &found }.changes();
        if let Some(changes) = &changes {
            client.put(&path, changes).await?;
        }
        tally.count(
            "dashboards",
            match changes {
                _ if made.contains(&dashboard.name) => Done::Made,
                Some(_) => Done::Changed,
                None => Done::Left,
            },
        );
    }
    Ok(())
}

/// A dashboard as it is to be, and as it is.
struct Layout<'a> {
    dashboard: &'a Dashboard,
    content: &'a Content,
    found: &'a Value,
}

impl Layout<'_> {
    /// What is to be sent; none where all is as it is to be.
    fn changes(&self) -> Option<Value> {
        let about = json!({"description": self.dashboard.description, "width": "full"});
        let mut changes = differing(&about, self.found).unwrap_or_else(|| json!({}));
        let parameters = self.parameters();
        let there: Value = list(&self.found["parameters"]).iter().cloned().collect();
        if !is_in(&parameters, &there) || !is_in(&there, &parameters) {
            changes["parameters"] = parameters;
        }
        let dashcards = self.dashcards();
        let now: Vec<Value> = list(&self.found["dashcards"]).iter().map(as_sent).collect();
        if !is_same_set(&dashcards, &now) {
            changes["dashcards"] = dashcards.into();
            let tabs = list(&self.found["tabs"]).iter().map(|tab| only(tab, &["id", "name"]));
            // Without its tabs a dashboard loses what is on them.
            changes["tabs"] = tabs.collect();
        }
        (changes != json!({})).then_some(changes)
    }

    /// Our filters in their order, then those of people.
    fn parameters(&self) -> Value {
        let found = list(&self.found["parameters"]);
        let ours = self.dashboard.filters.iter().map(|filter| {
            let mut parameter = filter.parameter();
            let there = found.iter().find(|there| there["id"] == *filter.id).and_then(Value::as_object);
            for (key, value) in there.into_iter().flatten() {
                if !PARAMETER_KEYS.contains(&key.as_str()) {
                    parameter[key] = value.clone();
                }
            }
            parameter
        });
        let theirs = found.iter().filter(|there| !self.is_our_filter(&there["id"])).cloned();
        ours.chain(theirs).collect()
    }

    fn is_our_filter(&self, id: &Value) -> bool {
        self.dashboard.filters.iter().any(|filter| *id == *filter.id)
    }

    /// All that is on it: ours, then what people put there.
    fn dashcards(&self) -> Vec<Value> {
        let mut found: Vec<&Value> = list(&self.found["dashcards"]).iter().collect();
        let first_tab = list(&self.found["tabs"]).first().map(|tab| tab["id"].clone());
        let tiles: Vec<(&Tile, GridPlace, Option<u64>)> = self.tiles().collect();
        // What is known for certain is taken first.
        let mut taken: Vec<Option<&Value>> =
            tiles.iter().map(|tile| take(&mut found, |there| is_of(there, tile))).collect();
        for (tile, taken) in tiles.iter().zip(&mut taken) {
            if taken.is_none() && matches!(tile.0, Tile::Heading(_)) {
                *taken = take(&mut found, |there| is_heading(there) && place_of(there) == Some(tile.1));
            }
        }
        let mut dashcards: Vec<Value> = Vec::with_capacity(tiles.len() + found.len());
        for (number, ((tile, place, card), there)) in tiles.iter().zip(taken).enumerate() {
            // A number below 0 says that it is new.
            let new = json!({"id": -1 - number as i64, "dashboard_tab_id": first_tab});
            let there = there.map_or(new, as_sent);
            dashcards.push(match tile {
                Tile::Heading(heading) => self.heading(heading, *place, &there),
                Tile::Card(tile) => self.card(tile, *card, *place, &there),
            });
        }
        let ours = dashcards.clone();
        dashcards.extend(found.into_iter().map(|there| below(as_sent(there), &ours)));
        dashcards
    }

    /// What the definition puts there, with the numbers of cards, but for cards that are in the trash.
    fn tiles(&self) -> impl Iterator<Item = (&Tile, GridPlace, Option<u64>)> {
        self.dashboard.tiles().filter_map(|(tile, place)| match tile {
            Tile::Heading(_) => Some((tile, place, None)),
            Tile::Card(card) => Some((tile, place, Some(*self.content.there.cards.get(&card.name)?))),
        })
    }

    fn heading(&self, heading: &Heading, place: GridPlace, there: &Value) -> Value {
        let settings = json!({"virtual_card": {"display": "heading"}, "text": heading.text});
        let is_same = is_in(&settings, &there["visualization_settings"]);
        let mut dashcard = placed(there, place);
        dashcard["card_id"] = Value::Null;
        if !is_same {
            dashcard["visualization_settings"] = settings;
        }
        dashcard
    }

    /// A card in its place, narrowed by our filters. What people set on it, and filters of theirs, stay.
    fn card(&self, card: &Card, id: Option<u64>, place: GridPlace, there: &Value) -> Value {
        let ours = self.dashboard.filters.iter().filter(|filter| card.tags.contains(&filter.id)).map(|filter| {
            let kind = if card.fields.contains_key(&filter.id) { "dimension" } else { "variable" };
            json!({"parameter_id": filter.id, "card_id": id, "target": [kind, ["template-tag", filter.id]]})
        });
        let found = list(&there["parameter_mappings"]);
        let ours: Vec<Value> =
            ours.map(|mapping| found.iter().find(|there| is_in(&mapping, there)).cloned().unwrap_or(mapping)).collect();
        let theirs = found.iter().filter(|mapping| !self.is_our_filter(&mapping["parameter_id"])).cloned();
        let mut dashcard = placed(there, place);
        dashcard["card_id"] = id.into();
        dashcard["parameter_mappings"] = ours.into_iter().chain(theirs).collect();
        dashcard
    }
}

/// Whether a card on a dashboard is this one of ours. One that was put there twice is ours once.
fn is_of(there: &Value, (tile, _, card): &(&Tile, GridPlace, Option<u64>)) -> bool {
    match tile {
        Tile::Card(_) => card.is_some_and(|card| there["card_id"] == card),
        Tile::Heading(heading) => is_heading(there) && there["visualization_settings"]["text"] == *heading.text,
    }
}

fn is_heading(there: &Value) -> bool {
    there["card_id"].is_null() && there["visualization_settings"]["virtual_card"]["display"] == "heading"
}

fn take<'a>(found: &mut Vec<&'a Value>, is_it: impl Fn(&Value) -> bool) -> Option<&'a Value> {
    let place = found.iter().position(|there| is_it(there))?;
    Some(found.remove(place))
}

/// What is there, in another place.
fn placed(there: &Value, GridPlace { row, col, size_x, size_y }: GridPlace) -> Value {
    let mut dashcard = there.clone();
    for (key, value) in [("row", row), ("col", col), ("size_x", size_x), ("size_y", size_y)] {
        dashcard[key] = value.into();
    }
    dashcard
}

fn place_of(there: &Value) -> Option<GridPlace> {
    let number = |key: &str| there[key].as_u64();
    Some(GridPlace { row: number("row")?, col: number("col")?, size_x: number("size_x")?, size_y: number("size_y")? })
}

/// What people put there; where it overlaps one of ours on the same tab, below all of them.
fn below(mut theirs: Value, ours: &[Value]) -> Value {
    let beside: Vec<GridPlace> = ours
        .iter()
        .filter(|ours| ours["dashboard_tab_id"] == theirs["dashboard_tab_id"])
        .filter_map(place_of)
        .collect();
    let Some(place) = place_of(&theirs) else { return theirs };
    let overlaps = |other: &GridPlace| {
        place.row < other.row + other.size_y
            && other.row < place.row + place.size_y
            && place.col < other.col + other.size_x
            && other.col < place.col + place.size_x
    };
    if beside.iter().any(overlaps) {
        let bottom = beside.iter().map(|other| other.row + other.size_y).max().unwrap_or(0);
        theirs["row"] = (bottom + place.row).into();
    }
    theirs
}

/// A card on a dashboard as it is sent back.
fn as_sent(there: &Value) -> Value {
    let mut dashcard = only(there, &DASHCARD_KEYS);
    if let Some(mappings) = there["parameter_mappings"].as_array() {
        dashcard["parameter_mappings"] = mappings.iter().map(|mapping| only(mapping, &MAPPING_KEYS)).collect();
    }
    if let Some(series) = there["series"].as_array() {
        dashcard["series"] = series.iter().map(|card| only(card, &["id"])).collect();
    }
    dashcard
}

fn only(value: &Value, keys: &[&str]) -> Value {
    let object = value.as_object().into_iter().flatten();
    let kept: Map<_, _> = object
        .filter(|(key, _)| keys.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    kept.into()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Whether both hold the same, in whatever order.
fn is_same_set(wanted: &[Value], found: &[Value]) -> bool {
    wanted.len() == found.len()
        && wanted.iter().all(|wanted| found.iter().any(|found| found["id"] == wanted["id"] && is_in(wanted, found)))
}
