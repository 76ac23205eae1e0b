//! Names of tables for people, and what their columns are.
//!
//! Under a role that owns nothing Metabase finds no primary keys, and of views no keys at all.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::limits::{METABASE_POLL_MS, METABASE_SYNC_SECONDS_MAX};
use crate::metabase::MetabaseError;
use crate::metabase::client::MetabaseClient;
use crate::metabase::connection::Connection;
use crate::metabase::definitions::{Place, Table, Tables};
use crate::metabase::same::differing;
use crate::metabase::tally::{Done, Tally};

/// Tables as Metabase knows them, by name.
pub(super) struct Found(BTreeMap<String, FoundTable>);

struct FoundTable {
    table: Value,
    columns: BTreeMap<String, Value>,
}

impl Found {
    /// The number of a column.
    pub(super) fn field(&self, place: &Place) -> Option<u64> {
        self.0.get(&place.table)?.columns.get(&place.column)?["id"].as_u64()
    }

    /// The first table or column that is to be there and is not.
    fn lacks(&self, tables: &Tables) -> Option<String> {
        tables.0.iter().find_map(|(name, table)| match self.0.get(name) {
            None => (!table.optional).then(|| name.clone()),
            Some(found) => {
                let column = table.columns.keys().find(|column| !found.columns.contains_key(*column))?;
                Some(format!("{name}.{column}"))
            }
        })
    }
}

/// Waits until Metabase has found all tables of `schema`.
pub(super) async fn find(
    client: &mut MetabaseClient,
    connection: &mut Connection<'_>,
    schema: &str,
    tables: &Tables,
) -> Result<Found, MetabaseError> {
    let begin = Instant::now();
    // It looks by itself at a database that is new to it.
    let mut is_told = connection.done == Done::Made;
    loop {
        let found = look(client, connection.id, schema).await?;
        let Some(missing) = found.lacks(tables) else { return Ok(found) };
        if begin.elapsed() >= Duration::from_secs(METABASE_SYNC_SECONDS_MAX) {
            return Err(MetabaseError::NotSynced { missing, seconds: METABASE_SYNC_SECONDS_MAX });
        }
        if !is_told {
            tracing::info!("Metabase looks at the tables: it does not know {missing} yet");
            connection.sync(client).await?;
            is_told = true;
        }
        tokio::time::sleep(Duration::from_millis(METABASE_POLL_MS)).await;
    }
}

async fn look(client: &MetabaseClient, database: u64, schema: &str) -> Result<Found, MetabaseError> {
    let mut metadata = client.get(&format!("/api/database/{database}/metadata?include_hidden=true")).await?;
    let Value::Array(tables) = metadata["tables"].take() else {
        return Err(client.not_understood("GET /api/database/ID/metadata", &metadata));
    };
    let named = |value: &Value| value["name"].as_str().map(str::to_owned);
    let tables = tables.into_iter().filter(|table| table["schema"] == *schema).filter_map(|mut table| {
        let fields = table["fields"].take().as_array().cloned().unwrap_or_default();
        let columns = fields.into_iter().filter_map(|field| Some((named(&field)?, field))).collect();
        Some((named(&table)?, FoundTable { table, columns }))
    });
    Ok(Found(tables.collect()))
}

/// Sets what is otherwise than `tables` say. Of what they do not speak nothing is touched.
pub(super) async fn describe(
    client: &MetabaseClient,
    found: &Found,
    tables: &Tables,
    tally: &mut Tally,
) -> Result<(), MetabaseError> {
    for (name, table) in &tables.0 {
        let Some(there) = found.0.get(name) else { continue };
        tally.count("tables", set(client, "table", &of_table(table), &there.table).await?);
        for (column, of) in &table.columns {
            let mut wanted = json!({});
            if let Some(semantic_type) = &of.semantic_type {
                wanted["semantic_type"] = semantic_type.as_str().into();
            }
            if let Some(number) = of.to.as_ref().and_then(|to| found.field(to)) {
                wanted["fk_target_field_id"] = number.into();
            }
            if let Some(values) = &of.values {
                wanted["has_field_values"] = values.as_str().into();
            }
            tally.count("columns", set(client, "field", &wanted, &there.columns[column]).await?);
        }
    }
    Ok(())
}

fn of_table(table: &Table) -> Value {
    let mut wanted = json!({"display_name": table.name});
    if let Some(visibility) = &table.visibility {
        wanted["visibility_type"] = visibility.as_str().into();
    }
    wanted
}

/// Sends what of `wanted` is not in `found`, which is a table or a field.
async fn set(client: &MetabaseClient, what: &str, wanted: &Value, found: &Value) -> Result<Done, MetabaseError> {
    let Some(mut differing) = differing(wanted, found) else { return Ok(Done::Left) };
    if !differing["fk_target_field_id"].is_null() {
        // A target is only of a key.
        differing["semantic_type"] = wanted["semantic_type"].clone();
    }
    let id = client.id_in("GET /api/database/ID/metadata", found)?;
    client.put(&format!("/api/{what}/{id}"), &differing).await?;
    Ok(Done::Changed)
}
