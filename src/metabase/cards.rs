//! Cards: each with its SQL, its filters and the settings of its chart.

use serde_json::{Map, Value, json};

use crate::metabase::MetabaseError;
use crate::metabase::client::MetabaseClient;
use crate::metabase::content::Content;
use crate::metabase::definitions::{Card, Dashboard, Definitions};
use crate::metabase::metadata::Found;
use crate::metabase::same::differing;
use crate::metabase::tally::{Done, Tally};

/// Makes the cards that are not there, and changes those that are otherwise. What is on no dashboard but one in the trash is left
/// alone, and so is what is in the trash itself.
pub(super) async fn bring_about(
    client: &MetabaseClient,
    definitions: &Definitions,
    database: u64,
    columns: &Found,
    content: &mut Content,
    tally: &mut Tally,
) -> Result<(), MetabaseError> {
    for (dashboard, card) in definitions.cards() {
        if content.is_dashboard_in_trash(&dashboard.name) {
            continue;
        }
        if content.is_card_in_trash(&card.name) {
            tally.in_trash.push(card.name.clone());
            continue;
        }
        let wanted = json!({
            "name": card.name,
            "description": card.description,
            "display": card.display,
            "dataset_query": query(dashboard, card, database, columns),
            "visualization_settings": card.settings(&|name| content.dashboard(name)),
        });
        let done = match content.there.cards.get(&card.name) {
            Some(&id) => change(client, id, &wanted).await?,
            None => {
                let id = make(client, content.collection, wanted).await?;
                content.there.cards.insert(card.name.clone(), id);
                Done::Made
            }
        };
        tally.count("cards", done);
    }
    Ok(())
}

async fn make(client: &MetabaseClient, collection: u64, mut wanted: Value) -> Result<u64, MetabaseError> {
    wanted["collection_id"] = collection.into();
    client.id_in("POST /api/card", &client.post("/api/card", &wanted).await?)
}

async fn change(client: &MetabaseClient, id: u64, wanted: &Value) -> Result<Done, MetabaseError> {
    // In the form in which it is sent; newer servers have another one for themselves.
    let found = client.get(&format!("/api/card/{id}?legacy-mbql=true")).await?;
    let mut differing = differing(wanted, &found).unwrap_or_else(|| json!({}));
    if tags(&found["dataset_query"]) != tags(&wanted["dataset_query"]) {
        // One that it has no longer.
        differing["dataset_query"] = wanted["dataset_query"].clone();
    }
    if differing == json!({}) {
        return Ok(Done::Left);
    }
    client.put(&format!("/api/card/{id}"), &differing).await?;
    Ok(Done::Changed)
}

fn tags(query: &Value) -> Vec<&String> {
    query["native"]["template-tags"].as_object().map(|tags| tags.keys().collect()).unwrap_or_default()
}

/// The query in the form that every version takes.
fn query(dashboard: &Dashboard, card: &Card, database: u64, columns: &Found) -> Value {
    let tags: Map<_, _> =
        card.tags.iter().map(|tag| (tag.clone(), template_tag(dashboard, card, tag, columns))).collect();
    json!({"database": database, "type": "native", "native": {"query": card.sql, "template-tags": tags}})
}

/// What a name in double braces is: a comparison with a column, which is always true where nothing is chosen, or a choice itself.
fn template_tag(dashboard: &Dashboard, card: &Card, tag: &str, columns: &Found) -> Value {
    let filter = dashboard.filter(tag);
    let mut described = json!({"id": tag, "name": tag, "display-name": filter.map_or(tag, |filter| &filter.name)});
    match card.fields.get(tag).and_then(|place| columns.field(place)) {
        Some(column) => {
            described["type"] = "dimension".into();
            described["dimension"] = json!(["field", column, null]);
            described["widget-type"] = filter.map_or("category", |filter| &filter.kind).into();
        }
        None => {
            described["type"] = "text".into();
            if let Some(default) = filter.and_then(|filter| filter.default.as_deref()) {
                described["default"] = default.into();
                described["required"] = true.into();
            }
        }
    }
    described
}
