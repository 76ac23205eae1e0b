//! The database that it is told to connect to.

use serde_json::{Value, json};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// A connection by the details of a database.
pub async fn connect(details: &Value) -> Result<Client, String> {
    let text = |key: &str| details[key].as_str().unwrap_or_default();
    let port = details["port"].as_u64().and_then(|port| u16::try_from(port).ok()).ok_or("there is no port")?;
    let mut config = Config::new();
    config.host(text("host")).port(port).dbname(text("dbname")).user(text("user")).password(text("password"));
    let (client, connection) = config.connect(NoTls).await.map_err(|error| words(&error))?;
    tokio::spawn(connection);
    Ok(client)
}

fn words(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |db| format!("{}: {}", db.severity(), db.message()))
}

/// Tables of which something may be read, with the columns that may: schema, table, column.
const TABLES: &str = "
    SELECT table_schema, table_name, column_name FROM information_schema.columns
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY table_schema, table_name, ordinal_position";

/// Schema, table and column of everything that is found.
pub async fn columns(details: &Value) -> Result<Vec<[String; 3]>, String> {
    let client = connect(details).await?;
    let rows = client.query(TABLES, &[]).await.map_err(|error| words(&error))?;
    Ok(rows.iter().map(|row| [0, 1, 2].map(|column| row.get(column))).collect())
}

/// What a query gives: names of the columns, and rows as text.
pub async fn query(details: &Value, sql: &str) -> Result<Value, String> {
    let client = connect(details).await?;
    let mut names: Vec<String> = Vec::new();
    let mut rows: Vec<Value> = Vec::new();
    for message in client.simple_query(sql).await.map_err(|error| words(&error))? {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                names = columns.iter().map(|column| column.name().to_owned()).collect();
            }
            SimpleQueryMessage::Row(row) => rows.push((0..row.len()).map(|column| json!(row.get(column))).collect()),
            _ => {}
        }
    }
    let cols: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    Ok(json!({"rows": rows, "cols": cols}))
}
