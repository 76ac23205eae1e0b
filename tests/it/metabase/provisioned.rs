//! What is there after a run, after another one, after one that was broken off, and after definitions were changed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::stand_in::template::filled;
use super::{EMAIL, PASSWORD, Place, Request, State, edit, few_definitions, list};
use crate::harness::postgres::rows;
use crate::scenario::DEADLINE;

/// Tables and views that people see, as Metabase is to call them.
const NAMES: [(&str, &str); 3] =
    [("video_stats_processed", "Snapshots"), ("trends", "Trends"), ("video_trends", "Trends with titles")];

#[test]
fn a_new_metabase_gets_everything_and_a_second_run_changes_nothing() {
    let place = Place::new();
    let first = place.provision(&[]);
    {
        let state = place.metabase.state();
        assert_eq!(state.people, BTreeMap::from([(EMAIL.to_owned(), PASSWORD.to_owned())]));
        assert_eq!(
            state.settings,
            [("anon-tracking-enabled", json!(false)), ("site-name", json!("viewtide"))]
                .map(|(key, value)| (key.to_owned(), value))
                .into()
        );
        assert!(state.sessions.is_empty(), "it logs out");
        let [database] = state.databases.as_slice() else { panic!("{:?}", state.databases) };
        let details = &database["details"];
        assert_eq!(details["user"], "metabase_ro");
        assert_eq!((&details["host"], &details["port"]), (&json!("127.0.0.1"), &json!(place.server.port())));
        assert_eq!(details["schema-filters-patterns"], "public");
        for (table, name) in NAMES {
            assert_eq!(State::named(&state.tables, table).first().map(|of| &of["display_name"]), Some(&json!(name)));
        }
        let key = state.field("videos", "video_id").expect("a column");
        let foreign = state.field("trends", "video_id").expect("a column");
        assert_eq!((&key["semantic_type"], &foreign["semantic_type"]), (&json!("type/PK"), &json!("type/FK")));
        assert_eq!(foreign["fk_target_field_id"], key["id"]);
        assert_whole(&state);
        let collection = state.collection("viewtide");
        assert!(first.json()["collection"].as_str().expect("a text").ends_with(&format!("/collection/{collection}")));
        assert_eq!(first.json()["done"]["dashboards"], json!({"made": 7, "changed": 0, "left": 0}));
        assert_eq!(first.json()["done"]["cards"]["made"], state.cards.len());
    }
    place.assert_settled(&[]);
    // Also by a key, with the password that it has by now.
    place.metabase.state().keys.insert("mb_adm1n".to_owned(), true);
    place.metabase.take_requests();
    place.start_without_login(&["--api-key", "mb_adm1n"]).wait(DEADLINE).expect_code(0);
    let requests = place.metabase.take_requests();
    assert!(requests.len() > 50 && !requests.iter().any(Request::is_write));
}

/// Every dashboard is filled, every link leads somewhere, and every filter does something.
fn assert_whole(state: &State) {
    let collection = state.collection("viewtide");
    let ids: BTreeSet<u64> = state.dashboards.iter().filter_map(|of| of["id"].as_u64()).collect();
    for card in &state.cards {
        assert_eq!(card["collection_id"], collection, "{card}");
        let settings = card["visualization_settings"].to_string();
        assert!(!settings.contains("{dashboard:"), "{settings}");
        for link in settings.split("/dashboard/").skip(1) {
            let number = link.split(['?', '"', '\\', '#']).next().expect("a part");
            assert!(number.parse().is_ok_and(|number| ids.contains(&number)), "{link}");
        }
    }
    let mut on_dashboards = BTreeSet::new();
    for dashboard in &state.dashboards {
        assert_eq!((&dashboard["collection_id"], &dashboard["width"]), (&json!(collection), &json!("full")));
        let dashcards = list(&dashboard["dashcards"]);
        assert_no_overlaps(&dashcards);
        let mapped: BTreeSet<String> = dashcards
            .iter()
            .flat_map(|dashcard| list(&dashcard["parameter_mappings"]))
            .filter_map(|mapping| mapping["parameter_id"].as_str().map(str::to_owned))
            .collect();
        let filters = list(&dashboard["parameters"]);
        let filters: BTreeSet<String> = filters.iter().filter_map(|of| of["id"].as_str().map(str::to_owned)).collect();
        assert_eq!(mapped, filters, "{}", dashboard["name"]);
        for dashcard in dashcards {
            // Every tag of the card can be chosen.
            let card = state.cards.iter().find(|of| of["id"] == dashcard["card_id"]).expect("a card");
            let tags = card["dataset_query"]["native"]["template-tags"].as_object().map_or(0, serde_json::Map::len);
            assert_eq!(tags, list(&dashcard["parameter_mappings"]).len(), "{}", card["name"]);
            assert!(on_dashboards.insert(card["id"].as_u64()), "{} is on two dashboards", card["name"]);
        }
    }
    assert_eq!(on_dashboards.len(), state.cards.len());
}

#[track_caller]
pub fn assert_no_overlaps(dashcards: &[Value]) {
    let mut cells = BTreeSet::new();
    for dashcard in dashcards {
        let [row, col, width, height] =
            ["row", "col", "size_x", "size_y"].map(|key| dashcard[key].as_u64().expect("a number"));
        for cell in (row..row + height).flat_map(|row| (col..col + width).map(move |col| (row, col))) {
            assert!(cells.insert((dashcard["dashboard_tab_id"].as_i64(), cell)), "{dashcard} is over another one");
        }
    }
}

#[test]
fn what_definitions_say_anew_is_changed_and_nothing_else() {
    let place = Place::new();
    let folder = few_definitions();
    let flags = ["--definitions", folder.path().to_str().expect("UTF-8")];
    place.provision(&flags);
    place.assert_settled(&flags);
    let ids = |state: &State| -> Vec<(Value, Value)> {
        let all = state.cards.iter().chain(&state.dashboards).map(|of| (of["name"].clone(), of["id"].clone()));
        all.chain(
            state
                .dashboards
                .iter()
                .flat_map(|of| list(&of["dashcards"]))
                .map(|of| (of["card_id"].clone(), of["id"].clone())),
        )
        .collect()
    };
    let before = ids(&place.metabase.state());

    let count = |text: &str| text.replace("-- How many.", "-- How many there are.").replace("AS n", "AS number");
    edit(folder.path(), "one/count.sql", count);
    edit(folder.path(), "one/all.sql", |_| {
        "-- All of one kind.\nSELECT video_id, label FROM trends WHERE {{video}}".to_owned()
    });
    edit(folder.path(), "tables.toml", |text| text.replace("Where to", "Heading"));
    edit(folder.path(), "one.toml", |text| {
        let text = text.replace("\"Above\"", "\"Over all\"").replace("size = [12, 3]\nfields", "size = [8, 4]\nfields");
        text.replace(
            "display = \"table\"\nsize = [12, 3]",
            "display = \"table\"\nfields = { video = \"trends.video_id\" }\nsize = [16, 4]",
        )
        .replace("name = \"Video\"", "name = \"Which\"")
    });
    place.metabase.take_requests();
    let finished = place.provision(&flags);
    let done = &finished.json()["done"];
    let changed = |kind: &str| done[kind]["changed"].as_u64();
    assert_eq!(["tables", "cards", "dashboards"].map(changed), [Some(1), Some(2), Some(1)], "{done}");
    let writes = place.metabase.take_requests().into_iter().filter(Request::is_write).count();
    assert_eq!(writes, 4);
    {
        let state = place.metabase.state();
        assert_eq!(ids(&state), before, "what is there is changed, and not made again");
        let card = State::named(&state.cards, "Count")[0];
        assert!(
            card["description"] == "How many there are." && card["dataset_query"].to_string().contains("AS number")
        );
        let dashboard = State::named(&state.dashboards, "One")[0];
        assert_eq!(dashboard["parameters"][0]["name"], "Which");
        let dashcards = list(&dashboard["dashcards"]);
        let heading =
            &dashcards.iter().find(|of| of["card_id"].is_null()).expect("a heading")["visualization_settings"];
        assert!(dashcards.len() == 3 && heading["text"] == "Over all", "{dashcards:?}");
        assert_no_overlaps(&dashcards);
        let native = &State::named(&state.cards, "All")[0]["dataset_query"]["native"];
        let sql = filled(native, &BTreeMap::new(), &|field| state.column(field));
        assert!(sql.expect("a query").ends_with("WHERE 1 = 1"));
    }
    place.assert_settled(&flags);
}

#[test]
fn a_run_that_is_broken_off_anywhere_is_gone_on_with_by_the_next_one() {
    let place = Place::new();
    let folder = few_definitions();
    let flags = ["--definitions", folder.path().to_str().expect("UTF-8")];
    let mut cuts = 0;
    for is_done in [false, true] {
        for at in 1.. {
            // A Metabase that is new, in front of the same tables.
            *place.metabase.state() = State { cut: Some((at, is_done)), ..State::default() };
            let broken = place.start(&[&flags[..], &["--wait", "1s"]].concat()).wait(DEADLINE);
            let was_cut = place.metabase.state().was_cut();
            place.metabase.state().cut = None;
            place.provision(&flags);
            let state = place.metabase.state();
            let names = |list: &[Value]| -> Vec<String> {
                let mut names: Vec<String> =
                    list.iter().filter_map(|of| of["name"].as_str().map(str::to_owned)).collect();
                names.sort();
                names
            };
            let context = format!("cut at {at}, done: {is_done}");
            assert_eq!(names(&state.cards), ["All", "Count", "One"], "{context}");
            assert_eq!(names(&state.dashboards), ["One", "Two"], "{context}");
            assert_eq!((state.collections.len(), state.databases.len(), state.people.len()), (1, 1, 1), "{context}");
            assert_eq!(state.settings["anon-tracking-enabled"], false, "{context}");
            let sizes: Vec<usize> = state.dashboards.iter().map(|of| list(&of["dashcards"]).len()).collect();
            assert_eq!(sizes, [3, 1], "{context}");
            drop(state);
            if !was_cut {
                assert_eq!(broken.code(), Some(0), "{context}");
                cuts += at - 1;
                break;
            }
        }
    }
    // Some requests that only ask are asked again, so that a run can end well although one of them was cut.
    assert!(cuts > 40, "{cuts} places were tried");
    place.assert_settled(&flags);
    let roles = rows(&place.server.url(), "SELECT rolcanlogin::text FROM pg_roles WHERE rolname = 'metabase_ro'");
    assert_eq!(roles.expect("roles"), [[Some("true".to_owned())]]);
}
