//! How Metabase reaches the database.

use serde_json::{Value, json};

use crate::metabase::MetabaseError;
use crate::metabase::client::MetabaseClient;
use crate::metabase::provision::DatabasePlace;
use crate::metabase::tally::{Done, Tally};
use crate::postgres::reader_login::ReaderLogin;
use crate::postgres::reader_role::READER_ROLE;

const KIND: &str = "database";

/// A database as Metabase knows it.
pub(super) struct Connection<'a> {
    /// Its number there.
    pub(super) id: u64,
    place: &'a DatabasePlace,
    reader: &'a ReaderLogin,
    /// What was done for it so far.
    pub(super) done: Done,
}

impl<'a> Connection<'a> {
    /// The connection to `place`, which is made where there is none. One that people made for another user is theirs.
    pub(super) async fn ensure(
        client: &mut MetabaseClient,
        place: &'a DatabasePlace,
        name: &str,
        reader: &'a ReaderLogin,
    ) -> Result<Self, MetabaseError> {
        let call = "/api/database";
        let databases = client.list_in("GET /api/database", client.get(call).await?)?;
        let found = databases.iter().find(|database| is_at(database, place));
        if let Some(found) = found {
            let id = client.id_in("GET /api/database", found)?;
            let mut connection = Self { id, place, reader, done: Done::Left };
            if reader.has_other_password().await {
                connection.set_password(client).await?;
            }
            return Ok(connection);
        }
        let password = reader.password().await?;
        client.keep_out(&password);
        let body = json!({
            "name": name,
            "engine": "postgres",
            "details": details(place, password.reveal()),
            "is_full_sync": true,
            "is_on_demand": false,
            "connection_source": "admin",
        });
        let made = client.post(call, &body).await.map_err(|error| not_reached(error, place))?;
        let id = client.id_in("POST /api/database", &made)?;
        tracing::info!("Metabase connects to {place} as {READER_ROLE}");
        Ok(Self { id, place, reader, done: Done::Made })
    }

    /// Gives Metabase a password that works, where the one that it has does not.
    pub(super) async fn set_password(&mut self, client: &mut MetabaseClient) -> Result<(), MetabaseError> {
        let password = self.reader.password().await?;
        client.keep_out(&password);
        let body = json!({"details": details(self.place, password.reveal())});
        let path = format!("/api/database/{}", self.id);
        client.put(&path, &body).await.map_err(|error| not_reached(error, self.place))?;
        if self.done == Done::Left {
            self.done = Done::Changed;
        }
        Ok(())
    }

    /// Has Metabase look at the tables again. Where it cannot connect it gets another password first.
    pub(super) async fn sync(&mut self, client: &mut MetabaseClient) -> Result<(), MetabaseError> {
        let path = format!("/api/database/{}/sync_schema", self.id);
        let nothing = json!({});
        match client.post(&path, &nothing).await {
            Err(error) if error.has_status(&[400, 422]) => {
                tracing::info!("Metabase cannot connect with the password that it has");
                self.set_password(client).await?;
                client.post(&path, &nothing).await.map_err(|error| not_reached(error, self.place)).map(drop)
            }
            synced => synced.map(drop),
        }
    }

    /// Asks a card, to see that Metabase reads the tables. Only asking shows: what it keeps of a password it does not say.
    pub(super) async fn check(&mut self, client: &mut MetabaseClient, card: u64) -> Result<(), MetabaseError> {
        if let Err(first) = ask(client, card).await? {
            tracing::info!("Metabase cannot read the tables: {first}");
            self.sync(client).await?;
            ask(client, card).await?.map_err(MetabaseError::Query)?;
        }
        Ok(())
    }

    pub(super) fn count(&self, tally: &mut Tally) {
        tally.count(KIND, self.done);
    }
}

/// What comes of a card's query, which is told in the body: the status says only that it was begun.
async fn ask(client: &MetabaseClient, card: u64) -> Result<Result<(), String>, MetabaseError> {
    let answer = client.post(&format!("/api/card/{card}/query"), &json!({"ignore_cache": true})).await?;
    Ok(match answer["status"].as_str() {
        Some("completed") => Ok(()),
        _ => Err(client.shown(answer["error"].as_str().unwrap_or("it does not say why"))),
    })
}

fn not_reached(error: MetabaseError, place: &DatabasePlace) -> MetabaseError {
    match error {
        MetabaseError::Refused { status: 400 | 422, message, .. } => {
            MetabaseError::NoDatabase { place: place.to_string(), message }
        }
        error => error,
    }
}

/// Whether Metabase connects to `place` as the role that reads. A port is a number, or its digits.
fn is_at(database: &Value, place: &DatabasePlace) -> bool {
    let details = &database["details"];
    let port = details["port"].as_u64().or_else(|| details["port"].as_str()?.parse().ok());
    database["engine"] == "postgres"
        && details["host"] == *place.host
        && port == Some(u64::from(place.port))
        && details["dbname"] == *place.database
        && details["user"] == READER_ROLE
}

fn details(place: &DatabasePlace, password: &str) -> Value {
    let mut details = json!({
        "host": place.host,
        "port": place.port,
        "dbname": place.database,
        "user": READER_ROLE,
        "password": password,
        "schema-filters-type": "inclusion",
        "schema-filters-patterns": place.schema,
    });
    if place.requires_tls {
        details["ssl"] = true.into();
        details["ssl-mode"] = "require".into();
    }
    details
}
