//! What the stand-in answers.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::template::{Choices, filled};
use super::{Answer, Request, State, postgres};

pub const SETUP_TOKEN: &str = "setup-t0ken";

/// After so many wrong passwords nobody is let in for a while.
const WRONG_LOGINS_MAX: u32 = 4;

/// Answers a request, which the description knows.
pub async fn answer(state: &Mutex<State>, request: &Request) -> Answer {
    let parts = request.parts();
    let method = request.method.as_str();
    {
        let mut state = state.lock().expect("nobody panics while holding it");
        if state.starting > 0 {
            state.starting -= 1;
            return Answer::no(503, json!({"status": "initializing", "progress": 0.4}));
        }
        if let Some(answer) = before_login(&mut state, method, &parts, request) {
            return answer;
        }
        match state.who(request.key.as_deref()) {
            None => return Answer::no(401, "Unauthenticated"),
            Some(is_admin) if parts == ["user", "current"] => {
                return Answer::ok(json!({"id": 1, "email": "ann@example.org", "is_superuser": is_admin}));
            }
            Some(false) => return Answer::no(403, "You don't have permissions to do that."),
            Some(true) => {}
        }
    }
    match (method, parts.as_slice()) {
        ("POST", ["database"]) => add_database(state, &request.body).await,
        ("PUT", ["database", id]) => change_database(state, number(id), &request.body).await,
        ("POST", ["database", id, "sync_schema"]) => sync(state, number(id)).await,
        ("GET", ["database", id, "metadata"]) => metadata(state, number(id), request).await,
        ("POST", ["card", id, "query"]) => query(state, number(id)).await,
        _ => {
            let mut state = state.lock().expect("nobody panics while holding it");
            of_state(&mut state, method, &parts, request)
        }
    }
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_default()
}

fn before_login(state: &mut State, method: &str, parts: &[&str], request: &Request) -> Option<Answer> {
    let is_set_up = !state.people.is_empty();
    let body = &request.body;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Some(match (method, parts) {
        ("GET", ["health"]) => Answer::ok(json!({"status": "ok"})),
        ("GET", ["session", "properties"]) => Answer::ok(json!({
            "has-user-setup": is_set_up, "setup-token": SETUP_TOKEN, "version": {"tag": "v0.61.3"},
        })),
        ("POST", ["setup"]) if is_set_up => {
            Answer::no(403, "The /api/setup route can only be used to create the first user")
        }
        ("POST", ["setup"]) if body["token"] != SETUP_TOKEN => {
            Answer::no(400, json!({"errors": {"token": "Token does not match the setup token."}}))
        }
        ("POST", ["setup"]) if text(&body["user"]["password"]).len() < 6 => {
            Answer::no(400, json!({"errors": {"user": {"password": "password is too common."}}}))
        }
        ("POST", ["setup"]) => {
            state.people.insert(text(&body["user"]["email"]), text(&body["user"]["password"]));
            state.settings.insert("anon-tracking-enabled".to_owned(), json!(true));
            state.settings.insert("site-name".to_owned(), body["prefs"]["site_name"].clone());
            Answer::ok(json!({"id": session(state)}))
        }
        ("POST", ["session"]) if state.wrong_logins >= WRONG_LOGINS_MAX => {
            let said = "Too many attempts! You must wait 15 seconds before trying again.";
            Answer::no(400, json!({"errors": {"username": said}}))
        }
        ("POST", ["session"]) if state.people.get(&text(&body["username"])) == Some(&text(&body["password"])) => {
            Answer::ok(json!({"id": session(state)}))
        }
        ("POST", ["session"]) => {
            state.wrong_logins += 1;
            Answer::no(401, json!({"errors": {"password": "did not match stored password"}}))
        }
        ("DELETE", ["session"]) => {
            let was_there = request.key.as_ref().is_some_and(|key| state.sessions.remove(key));
            if was_there { Answer::no(204, Value::Null) } else { Answer::no(404, "Not found.") }
        }
        _ => return None,
    })
}

fn session(state: &mut State) -> String {
    let session = format!("sess10n-{}", state.new_id());
    state.sessions.insert(session.clone());
    session
}

async fn add_database(state: &Mutex<State>, body: &Value) -> Answer {
    if let Err(error) = postgres::connect(&body["details"]).await {
        return Answer::no(400, json!({"message": error}));
    }
    let mut state = state.lock().expect("nobody panics while holding it");
    let id = state.new_id();
    let mut database = body.clone();
    database["id"] = id.into();
    state.databases.push(database);
    state.looks.insert(id, 2);
    Answer::ok(json!({"id": id}))
}

fn details(state: &Mutex<State>, id: u64) -> Value {
    let state = state.lock().expect("nobody panics while holding it");
    state.databases.iter().find(|of| of["id"] == id).map_or(Value::Null, |of| of["details"].clone())
}

async fn change_database(state: &Mutex<State>, id: u64, body: &Value) -> Answer {
    let mut details = details(state, id);
    for (key, value) in body["details"].as_object().into_iter().flatten() {
        if value != "**MetabasePass**" {
            details[key] = value.clone();
        }
    }
    if let Err(error) = postgres::connect(&details).await {
        return Answer::no(400, json!({"message": error}));
    }
    let mut state = state.lock().expect("nobody panics while holding it");
    let Some(database) = state.databases.iter_mut().find(|of| of["id"] == id) else {
        return Answer::no(404, "Not found.");
    };
    database["details"] = details;
    Answer::ok(json!({"id": id}))
}

async fn sync(state: &Mutex<State>, id: u64) -> Answer {
    match postgres::connect(&details(state, id)).await {
        Err(error) => Answer::no(422, error),
        Ok(_) => {
            state.lock().expect("nobody panics while holding it").looks.insert(id, 2);
            Answer::ok(json!({"status": "ok"}))
        }
    }
}

async fn metadata(state: &Mutex<State>, id: u64, request: &Request) -> Answer {
    let found = postgres::columns(&details(state, id)).await;
    let mut state = state.lock().expect("nobody panics while holding it");
    // First there is nothing, then some of it, then all.
    if let Some(looks) = state.looks.get_mut(&id) {
        *looks = looks.saturating_sub(1);
        let looks = *looks;
        if let Ok(found) = found {
            let some = if looks > 0 { 0 } else { found.len() };
            state.take_in(id, &found[..some.max(found.len() / 2 * usize::from(looks == 1))]);
            if looks == 0 {
                state.looks.remove(&id);
            }
        }
    }
    let is_shown = |of: &&Value| {
        request.query.get("include_hidden").is_some_and(|value| value == "true") || of["visibility_type"].is_null()
    };
    let tables = state.tables.iter().filter(|of| of["db_id"] == id).filter(is_shown).map(|table| {
        let mut table = table.clone();
        table["fields"] = state.fields.iter().filter(|of| of["table_id"] == table["id"]).cloned().collect();
        table
    });
    Answer::ok(json!({"id": id, "tables": tables.collect::<Vec<_>>()}))
}

async fn query(state: &Mutex<State>, id: u64) -> Answer {
    let filled = {
        let state = state.lock().expect("nobody panics while holding it");
        let Some(card) = state.cards.iter().find(|of| of["id"] == id) else { return Answer::no(404, "Not found.") };
        let query = &card["dataset_query"];
        let database = query["database"].as_u64().unwrap_or_default();
        filled(&query["native"], &Choices::new(), &|field| state.column(field)).map(|sql| (database, sql))
    };
    let data = match filled {
        Ok((database, sql)) => postgres::query(&details(state, database), &sql).await,
        Err(error) => Err(error),
    };
    let body = match data {
        Ok(data) => json!({"status": "completed", "data": data}),
        Err(error) => json!({"status": "failed", "error": error}),
    };
    Answer { status: 202, body }
}

/// What needs nothing but what the stand-in holds.
fn of_state(state: &mut State, method: &str, parts: &[&str], request: &Request) -> Answer {
    let body = &request.body;
    let is_archived = |of: &&Value| of["archived"] == true;
    match (method, parts) {
        ("GET", ["setting"]) => {
            Answer::ok(state.settings.iter().map(|(key, value)| json!({"key": key, "value": value})).collect())
        }
        ("PUT", ["setting", key]) => {
            state.settings.insert((*key).to_owned(), body["value"].clone());
            Answer::no(204, Value::Null)
        }
        ("GET", ["database"]) => {
            // What it keeps of a password it does not say.
            let shown = state.databases.iter().cloned().map(|mut database| {
                database["details"]["password"] = "**MetabasePass**".into();
                database
            });
            Answer::ok(json!({"data": shown.collect::<Vec<_>>(), "total": state.databases.len()}))
        }
        ("PUT", ["table", id]) => patch(&mut state.tables, number(id), body),
        ("PUT", ["field", id]) => {
            let target = &body["fk_target_field_id"];
            if !target.is_null() && !state.fields.iter().any(|of| of["id"] == *target) {
                state.fault(format!("{target} is no field"));
            }
            patch(&mut state.fields, number(id), body)
        }
        ("GET", ["collection"]) => {
            let mut all = vec![json!({"id": "root", "name": "Our analytics"})];
            all.extend(state.collections.iter().filter(|of| !is_archived(of)).cloned());
            Answer::ok(all.into())
        }
        ("POST", ["collection"]) => {
            let id = state.new_id();
            let mut collection =
                json!({"id": id, "location": "/", "archived": false, "namespace": null, "personal_owner_id": null});
            merge(&mut collection, body);
            state.collections.push(collection.clone());
            Answer::ok(collection)
        }
        ("GET", ["collection", id, "items"]) => items(state, number(id), request),
        ("GET", ["card"]) => Answer::ok(state.cards.iter().filter(is_archived).cloned().collect()),
        ("GET", ["dashboard"]) => Answer::ok(state.dashboards.iter().filter(is_archived).cloned().collect()),
        ("POST", ["card"]) => add_card(state, body),
        ("GET", ["card", id]) => card(state, number(id), request),
        ("PUT", ["card", id]) => {
            check_query(state, &body["dataset_query"]);
            patch(&mut state.cards, number(id), body)
        }
        ("POST", ["dashboard"]) => {
            let id = state.new_id();
            let mut dashboard = json!({
                "id": id, "archived": false, "width": "fixed", "parameters": [], "dashcards": [], "tabs": [], "description": null,
            });
            merge(&mut dashboard, body);
            state.dashboards.push(dashboard.clone());
            Answer::ok(dashboard)
        }
        ("GET", ["dashboard", id]) => dashboard(state, number(id)),
        ("PUT", ["dashboard", id]) => change_dashboard(state, number(id), body),
        _ => {
            state.fault(format!("{method} {} is not answered", request.path));
            Answer::no(404, "API endpoint does not exist.")
        }
    }
}

fn merge(into: &mut Value, body: &Value) {
    for (key, value) in body.as_object().into_iter().flatten() {
        into[key] = value.clone();
    }
}

fn patch(list: &mut [Value], id: u64, body: &Value) -> Answer {
    match list.iter_mut().find(|of| of["id"] == id) {
        Some(found) => {
            merge(found, body);
            Answer::ok(found.clone())
        }
        None => Answer::no(404, "Not found."),
    }
}

fn items(state: &State, collection: u64, request: &Request) -> Answer {
    let wanted: Vec<&str> = request.query.get("models").map(|models| models.split(',').collect()).unwrap_or_default();
    let of = |list: &[Value], model: &str| -> Vec<Value> {
        let here = list.iter().filter(|of| of["collection_id"] == collection && of["archived"] != true);
        here.map(|of| json!({"id": of["id"], "name": of["name"], "model": model})).collect()
    };
    let mut data = if wanted.contains(&"card") { of(&state.cards, "card") } else { Vec::new() };
    data.extend(if wanted.contains(&"dashboard") { of(&state.dashboards, "dashboard") } else { Vec::new() });
    Answer::ok(json!({"total": data.len(), "data": data}))
}

/// What Metabase would find out only when the card is asked.
fn check_query(state: &mut State, query: &Value) {
    if query.is_null() {
        return;
    }
    let mut faults = Vec::new();
    if !state.databases.iter().any(|of| of["id"] == query["database"]) {
        faults.push(format!("{} is no database", query["database"]));
    }
    if let Err(error) = filled(&query["native"], &Choices::new(), &|field| state.column(field)) {
        faults.push(format!("{error}: {query}"));
    }
    state.faults.extend(faults);
}

fn add_card(state: &mut State, body: &Value) -> Answer {
    check_query(state, &body["dataset_query"]);
    let id = state.new_id();
    let mut card = json!({"id": id, "archived": false, "type": "question", "description": null});
    merge(&mut card, body);
    state.cards.push(card.clone());
    Answer::ok(card)
}

fn card(state: &State, id: u64, request: &Request) -> Answer {
    let Some(mut card) = state.cards.iter().find(|of| of["id"] == id).cloned() else {
        return Answer::no(404, "Not found.");
    };
    if request.query.get("legacy-mbql").is_none_or(|value| value != "true") {
        let native = &card["dataset_query"]["native"];
        let stage = json!({"lib/type": "mbql.stage/native", "native": native["query"], "template-tags": native["template-tags"]});
        card["dataset_query"] =
            json!({"lib/type": "mbql/query", "database": card["dataset_query"]["database"], "stages": [stage]});
    }
    Answer::ok(card)
}

fn dashboard(state: &State, id: u64) -> Answer {
    let Some(mut dashboard) = state.dashboards.iter().find(|of| of["id"] == id).cloned() else {
        return Answer::no(404, "Not found.");
    };
    for dashcard in dashboard["dashcards"].as_array_mut().into_iter().flatten() {
        let card = state.cards.iter().find(|of| of["id"] == dashcard["card_id"]);
        dashcard["card"] = card.cloned().unwrap_or_default();
        dashcard["created_at"] = "2026-01-01T00:00:00Z".into();
    }
    Answer::ok(dashboard)
}

/// Cards, filters and tabs are whole lists: what is not in them is gone.
fn change_dashboard(state: &mut State, id: u64, body: &Value) -> Answer {
    let Some(place) = state.dashboards.iter().position(|of| of["id"] == id) else {
        return Answer::no(404, "Not found.");
    };
    let mut dashboard = state.dashboards[place].clone();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut body = body.clone();
    let before = dashboard.clone();
    let mut new_tabs = Vec::new();
    if body["tabs"].is_array() {
        let mut tabs = list(&body["tabs"]);
        for tab in &mut tabs {
            if !list(&before["tabs"]).iter().any(|there| there["id"] == tab["id"]) {
                let new = state.new_id();
                new_tabs.push((tab["id"].clone(), new));
                tab["id"] = new.into();
            }
        }
        body["tabs"] = tabs.into();
    }
    if body["dashcards"].is_array() {
        let tabs = list(if body["tabs"].is_array() { &body["tabs"] } else { &before["tabs"] });
        let mut dashcards = list(&body["dashcards"]);
        for dashcard in &mut dashcards {
            if let Some((_, new)) = new_tabs.iter().find(|(old, _)| *old == dashcard["dashboard_tab_id"]) {
                dashcard["dashboard_tab_id"] = (*new).into();
            }
            if tabs.len() >= 2 && !tabs.iter().any(|tab| tab["id"] == dashcard["dashboard_tab_id"]) {
                return Answer::no(400, "This dashboard has tab, makes sure every card has a tab");
            }
            check_dashcard(state, &body["parameters"], &before["parameters"], dashcard);
            if !list(&before["dashcards"]).iter().any(|there| there["id"] == dashcard["id"]) {
                dashcard["id"] = state.new_id().into();
            }
        }
        body["dashcards"] = dashcards.into();
    }
    merge(&mut dashboard, &body);
    state.dashboards[place] = dashboard;
    Answer::ok(json!({"id": id}))
}

/// What Metabase would keep, and pass over when it is shown.
fn check_dashcard(state: &mut State, new: &Value, old: &Value, dashcard: &Value) {
    let mut faults = Vec::new();
    let parameters = if new.is_array() { new } else { old };
    if dashcard["col"].as_u64().zip(dashcard["size_x"].as_u64()).is_none_or(|(col, width)| col + width > 24) {
        faults.push(format!("beyond 24 columns: {dashcard}"));
    }
    let card = state.cards.iter().find(|of| of["id"] == dashcard["card_id"]);
    if card.is_none() && dashcard["visualization_settings"]["virtual_card"].is_null() {
        faults.push(format!("there is no card: {dashcard}"));
    }
    for mapping in dashcard["parameter_mappings"].as_array().into_iter().flatten() {
        let id = &mapping["parameter_id"];
        let parameter = parameters.as_array().into_iter().flatten().find(|of| of["id"] == *id);
        let tag = mapping["target"][1][1].as_str().unwrap_or_default();
        let of = card.map_or(&Value::Null, |card| &card["dataset_query"]["native"]["template-tags"][tag]["type"]);
        let kind = if *of == "dimension" || *of == "temporal-unit" { "dimension" } else { "variable" };
        if mapping["card_id"] != dashcard["card_id"]
            || parameter.is_none()
            || of.is_null()
            || mapping["target"][0] != kind
        {
            faults.push(format!("it links nothing: {mapping} of {dashcard}"));
        }
    }
    state.faults.extend(faults);
}
