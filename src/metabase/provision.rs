//! All of it, in order. Each step asks what is there and sends what is not, so that it may be broken off anywhere.

use std::fmt;
use std::time::Duration;

use crate::metabase::client::MetabaseClient;
use crate::metabase::connection::Connection;
use crate::metabase::content::Content;
use crate::metabase::definitions::Definitions;
use crate::metabase::session::{Login, Session, wait_until_up};
use crate::metabase::tally::Tally;
use crate::metabase::{MetabaseError, cards, dashboards, metadata};
use crate::postgres::reader_login::ReaderLogin;
use crate::web_server::WebServer;

/// Where Metabase finds the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabasePlace {
    /// The host, as Metabase reaches it.
    pub host: String,
    /// The port, likewise.
    pub port: u16,
    /// The name of the database.
    pub database: String,
    /// The schema that the tables are in.
    pub schema: String,
    /// Whether the connection has to be encrypted.
    pub requires_tls: bool,
}

impl fmt::Display for DatabasePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "database {} at {}:{}", self.database, self.host, self.port)
    }
}

/// What is to be provisioned, and by whom.
#[derive(Debug)]
pub struct Plan {
    /// The Metabase.
    pub server: WebServer,
    /// Who logs in there.
    pub login: Login,
    /// How long it may take to be up.
    pub patience: Duration,
    /// Where it finds the tables.
    pub place: DatabasePlace,
    /// The password of the role that it reads them as.
    pub reader: ReaderLogin,
    /// The name of the collection, and of the database there.
    pub collection: String,
    /// What is to be there.
    pub definitions: Definitions,
}

/// What was done.
#[derive(Debug)]
pub struct Provisioned {
    /// The number of the collection.
    pub collection: u64,
    /// What was made, changed, and left.
    pub tally: Tally,
}

/// Brings everything about that the plan says.
///
/// # Errors
/// Where the server is not there, lets nobody in, does not reach the database or refuses something. What was done until then
/// stays, and the next run goes on from it.
pub async fn provision(plan: &Plan) -> Result<Provisioned, MetabaseError> {
    let mut client = MetabaseClient::new(plan.server.clone())?;
    let properties = wait_until_up(&client, plan.patience).await?;
    tracing::info!(version = properties["version"]["tag"].as_str(), "Metabase is up at {}", plan.server);
    let session = Session::begin(&mut client, &properties, &plan.login).await?;
    let provisioned = logged_in(&mut client, plan).await;
    session.end(&client).await;
    provisioned
}

async fn logged_in(client: &mut MetabaseClient, plan: &Plan) -> Result<Provisioned, MetabaseError> {
    let Plan { definitions, place, .. } = plan;
    let mut tally = Tally::default();
    let mut connection = Connection::ensure(client, place, &plan.collection, &plan.reader).await?;
    let columns = metadata::find(client, &mut connection, &place.schema, &definitions.tables).await?;
    metadata::describe(client, &columns, &definitions.tables, &mut tally).await?;
    let mut content = Content::find(client, &plan.collection, &mut tally).await?;
    // Cards link to dashboards and dashboards hold cards: first come dashboards with nothing on them.
    let made = dashboards::make_missing(client, definitions, &mut content, &mut tally).await?;
    cards::bring_about(client, definitions, connection.id, &columns, &mut content, &mut tally).await?;
    dashboards::lay_out(client, definitions, &content, &made, &mut tally).await?;
    let first = definitions.cards().find_map(|(_, card)| content.there.cards.get(&card.name));
    if let Some(&card) = first {
        connection.check(client, card).await?;
    }
    connection.count(&mut tally);
    Ok(Provisioned { collection: content.collection, tally })
}
