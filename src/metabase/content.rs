//! What the collection holds, and what of it lies in the trash.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::metabase::MetabaseError;
use crate::metabase::client::MetabaseClient;
use crate::metabase::tally::{Done, Tally};

const DESCRIPTION: &str = "What viewtide keeps of YouTube videos. Its cards and dashboards are set anew by `viewtide metabase`; \
                           one that you rename or duplicate is yours.";

/// Numbers of cards and dashboards, by name. Where several have one name, the oldest.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) cards: BTreeMap<String, u64>,
    pub(super) dashboards: BTreeMap<String, u64>,
}

/// A collection.
#[derive(Debug)]
pub(super) struct Content {
    /// Its number.
    pub(super) collection: u64,
    /// What is in it.
    pub(super) there: Named,
    /// What was, until somebody threw it away.
    pub(super) in_trash: Named,
}

impl Content {
    /// What is in the collection `name`, which is made where there is none. One in the trash is none: it stays there.
    pub(super) async fn find(client: &MetabaseClient, name: &str, tally: &mut Tally) -> Result<Self, MetabaseError> {
        let collections = client.list_in("GET /api/collection", client.get("/api/collection").await?)?;
        let is_ours = |collection: &&Value| {
            collection["name"] == *name
                && collection["location"] == "/"
                && collection["archived"] != true
                && collection["personal_owner_id"].is_null()
                && collection["namespace"].is_null()
        };
        let found = collections.iter().filter(is_ours).filter_map(|collection| collection["id"].as_u64()).min();
        if let Some(collection) = found {
            tally.count("collection", Done::Left);
            let there = items(client, collection).await?;
            let in_trash = trash(client, collection).await?;
            return Ok(Self { collection, there, in_trash });
        }
        let made = client.post("/api/collection", &json!({"name": name, "description": DESCRIPTION})).await?;
        tally.count("collection", Done::Made);
        let collection = client.id_in("POST /api/collection", &made)?;
        Ok(Self { collection, there: Named::default(), in_trash: Named::default() })
    }

    /// The number of a dashboard, also of one in the trash.
    pub(super) fn dashboard(&self, name: &str) -> Option<u64> {
        self.there.dashboards.get(name).or_else(|| self.in_trash.dashboards.get(name)).copied()
    }

    /// Whether somebody threw the dashboard away.
    pub(super) fn is_dashboard_in_trash(&self, name: &str) -> bool {
        !self.there.dashboards.contains_key(name) && self.in_trash.dashboards.contains_key(name)
    }

    /// Whether somebody threw the card away.
    pub(super) fn is_card_in_trash(&self, name: &str) -> bool {
        !self.there.cards.contains_key(name) && self.in_trash.cards.contains_key(name)
    }
}

async fn items(client: &MetabaseClient, collection: u64) -> Result<Named, MetabaseError> {
    // A card that somebody made a model of goes by that name.
    let path = format!("/api/collection/{collection}/items?models=card&models=dataset&models=dashboard");
    let items = client.list_in("GET /api/collection/ID/items", client.get(&path).await?)?;
    let of = |is_wanted: fn(&str) -> bool| {
        by_name(items.iter().filter(|item| item["model"].as_str().is_some_and(is_wanted)))
    };
    Ok(Named { cards: of(|model| model != "dashboard"), dashboards: of(|model| model == "dashboard") })
}

async fn trash(client: &MetabaseClient, collection: u64) -> Result<Named, MetabaseError> {
    let mut named = Named::default();
    for (what, names) in [("card", &mut named.cards), ("dashboard", &mut named.dashboards)] {
        let path = format!("/api/{what}?f=archived");
        let archived = client.list_in(&path, client.get(&path).await?)?;
        *names =
            by_name(archived.iter().filter(|item| item["collection_id"] == collection && item["archived"] != false));
    }
    Ok(named)
}

fn by_name<'a>(items: impl Iterator<Item = &'a Value>) -> BTreeMap<String, u64> {
    let mut named = BTreeMap::new();
    for item in items {
        if let (Some(name), Some(id)) = (item["name"].as_str(), item["id"].as_u64()) {
            let oldest = named.entry(name.to_owned()).or_insert(id);
            *oldest = id.min(*oldest);
        }
    }
    named
}
