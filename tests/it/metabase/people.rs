//! What people made and what they did to what was made: it stays.

use serde_json::{Value, json};

use super::provisioned::assert_no_overlaps;
use super::{Place, State, few_definitions, list};

/// A card that somebody made.
fn own_card(state: &mut State, name: &str, collection: u64) -> u64 {
    let id = state.new_id();
    let database = state.databases[0]["id"].clone();
    state.cards.push(json!({
        "id": id, "name": name, "collection_id": collection, "archived": false, "display": "bar", "description": "Mine.",
        "visualization_settings": {}, "dataset_query": {"database": database, "type": "native", "native": {"query": "SELECT 2",
        "template-tags": {"mine": {"id": "mine", "name": "mine", "display-name": "Mine", "type": "text", "default": "a"}}}},
    }));
    id
}

fn dashboard<'a>(state: &'a mut State, name: &str) -> &'a mut Value {
    state.dashboards.iter_mut().find(|of| of["name"] == *name).expect("a dashboard")
}

#[test]
fn cards_dashboards_filters_and_tabs_of_people_stay() {
    let place = Place::new();
    let folder = few_definitions();
    let flags = ["--definitions", folder.path().to_str().expect("UTF-8")];
    place.provision(&flags);
    let (card, before) = {
        let mut state = place.metabase.state();
        let collection = state.collection("viewtide");
        let card = own_card(&mut state, "Mine", collection);
        let own = state.new_id();
        state.dashboards.push(json!({"id": own, "name": "Mine", "collection_id": collection, "archived": false, "dashcards": [
            {"id": 9_001, "card_id": card, "row": 0, "col": 0, "size_x": 4, "size_y": 4}], "parameters": [], "tabs": []}));
        // On one of ours: two tabs, a filter, a card over one of ours, one on the other tab, a text, and a link from the filter to our card.
        let count = State::named(&state.cards, "Count")[0]["id"].clone();
        let ours = dashboard(&mut state, "One");
        ours["tabs"] = json!([{"id": 801, "name": "First"}, {"id": 802, "name": "Second"}]);
        let mut dashcards = list(&ours["dashcards"]);
        dashcards.iter_mut().for_each(|of| of["dashboard_tab_id"] = 801.into());
        let ours_count = dashcards.iter_mut().find(|of| of["card_id"] == count).expect("ours");
        ours_count["visualization_settings"] = json!({"card.title": "How many?"});
        let mapping =
            json!([{"parameter_id": "mine", "card_id": card, "target": ["variable", ["template-tag", "mine"]]}]);
        for (id, tab, row) in [(9_002, 801, 2), (9_003, 802, 0)] {
            dashcards.push(json!({"id": id, "card_id": card, "dashboard_tab_id": tab, "row": row, "col": 3, "size_x": 5, "size_y": 4,
                                  "parameter_mappings": mapping, "series": [{"id": count, "name": "Count"}],
                                  "visualization_settings": {"card.title": "Of mine"}}));
        }
        dashcards.push(
            json!({"id": 9_004, "card_id": null, "dashboard_tab_id": 802, "row": 9, "col": 0, "size_x": 24, "size_y": 1,
                              "visualization_settings": {"virtual_card": {"display": "text"}, "text": "Read this."}}),
        );
        ours["dashcards"] = dashcards.into();
        let mut filters = list(&ours["parameters"]);
        filters.insert(0, json!({"id": "mine", "name": "Mine", "slug": "mine", "type": "string/=", "default": ["a"]}));
        ours["parameters"] = filters.into();
        (card, state.cards.iter().find(|of| of["id"] == card).cloned())
    };
    place.provision(&flags);
    {
        let mut state = place.metabase.state();
        assert_eq!(state.cards.iter().find(|of| of["id"] == card).cloned(), before);
        assert_eq!(list(&dashboard(&mut state, "Mine")["dashcards"]).len(), 1);
        let ours = dashboard(&mut state, "One").clone();
        assert_eq!(list(&ours["tabs"]).len(), 2);
        let filters: Vec<Value> = list(&ours["parameters"]).iter().map(|of| of["id"].clone()).collect();
        assert_eq!(filters, ["video", "mine"]);
        let dashcards = list(&ours["dashcards"]);
        assert_eq!(dashcards.len(), 6);
        assert_no_overlaps(&dashcards);
        let of = |id: u64| dashcards.iter().find(|of| of["id"] == id).unwrap_or_else(|| panic!("{id} is gone"));
        // What was over ours is below them now, and is else as it was.
        assert_eq!((&of(9_002)["row"], &of(9_002)["col"]), (&json!(6), &json!(3)));
        assert_eq!(of(9_002)["series"].as_array().map(Vec::len), Some(1));
        assert_eq!(of(9_002)["visualization_settings"]["card.title"], "Of mine");
        assert_eq!(list(&of(9_002)["parameter_mappings"]).len(), 1);
        assert_eq!((&of(9_003)["row"], &of(9_003)["dashboard_tab_id"]), (&json!(0), &json!(802)));
        assert_eq!(of(9_004)["visualization_settings"]["text"], "Read this.");
        let count = State::named(&state.cards, "Count")[0]["id"].clone();
        let ours = dashcards.iter().find(|of| of["card_id"] == count).expect("ours");
        assert_eq!(ours["visualization_settings"]["card.title"], "How many?");
    }
    place.assert_settled(&flags);
}

#[test]
fn what_is_renamed_is_theirs_and_what_is_in_the_trash_stays_there() {
    let place = Place::new();
    let folder = few_definitions();
    let flags = ["--definitions", folder.path().to_str().expect("UTF-8")];
    place.provision(&flags);
    let rename = |list: &mut Vec<Value>, from: &str, to: &str| {
        list.iter_mut().find(|of| of["name"] == *from).expect("it is there")["name"] = to.into();
    };
    {
        let mut state = place.metabase.state();
        rename(&mut state.cards, "Count", "Counted");
        dashboard(&mut state, "Two")["archived"] = true.into();
    }
    let finished = place.provision(&flags);
    assert_eq!(finished.json()["done"]["in_trash"], json!(["Two"]));
    assert!(finished.stderr.contains("in the trash, and not made again: Two"), "{}", finished.stderr);
    {
        let mut state = place.metabase.state();
        assert_eq!((State::named(&state.cards, "Count").len(), State::named(&state.cards, "Counted").len()), (1, 1));
        assert_eq!(State::named(&state.dashboards, "Two").len(), 1);
        // The card under its new name is on the dashboard still, below ours.
        let dashcards = list(&dashboard(&mut state, "One")["dashcards"]);
        assert_eq!(dashcards.len(), 4);
        assert_no_overlaps(&dashcards);
        // A card that is thrown away is gone from its dashboards.
        let all = state.cards.iter_mut().find(|of| of["name"] == "All").expect("it is there");
        all["archived"] = true.into();
        let id = all["id"].clone();
        let ours = dashboard(&mut state, "One");
        ours["dashcards"] = list(&ours["dashcards"]).into_iter().filter(|of| of["card_id"] != id).collect();
    }
    let finished = place.assert_settled(&flags);
    assert_eq!(finished.json()["done"]["in_trash"], json!(["Two", "All"]));
    {
        // Out of the trash again.
        let mut state = place.metabase.state();
        for thing in state.cards.iter_mut().filter(|of| of["name"] == "All") {
            thing["archived"] = false.into();
        }
        dashboard(&mut state, "Two")["archived"] = false.into();
        rename(&mut state.dashboards, "One", "One of mine");
    }
    place.provision(&flags);
    {
        let state = place.metabase.state();
        let names: Vec<&Value> = state.dashboards.iter().map(|of| &of["name"]).collect();
        assert_eq!(names, ["One of mine", "Two", "One"]);
        assert_eq!(list(&State::named(&state.dashboards, "One")[0]["dashcards"]).len(), 3);
    }
    place.assert_settled(&flags);
    {
        // All of it thrown away: then it is made again, and what is in the trash stays there.
        let mut state = place.metabase.state();
        state.collections[0]["archived"] = true.into();
    }
    let finished = place.provision(&flags);
    assert_eq!(finished.json()["done"]["cards"]["made"], 3);
    assert_eq!(State::named(&place.metabase.state().collections, "viewtide").len(), 2);
}
