//! The role for who only reads: what it sees, what it does not, and where it comes from.

use std::path::Path;

use tokio_postgres::Error;
use viewtide::postgres::managed::ManagedPostgres;

use crate::harness::postgres::{rows, rows_by, with_client};
use crate::harness::process::{Process, viewtide};
use crate::outages::own_server;
use crate::scenario::DEADLINE;

/// The URL of a database of `server` for another role.
fn url_of(server: &ManagedPostgres, role: &str, password: &str, database: &str) -> String {
    format!("postgresql://{role}:{password}@127.0.0.1:{}/{database}", server.port())
}

/// The superuser of a server whose data is in `folder`.
fn superuser(server: &ManagedPostgres, folder: &Path) -> String {
    let passwords = std::fs::read_to_string(folder.join("data/pgpass")).expect("passwords");
    let password =
        passwords.lines().find_map(|line| line.strip_prefix("*:*:*:postgres:")).expect("one of the superuser");
    url_of(server, "postgres", password, "postgres")
}

fn migrate(url: &str) -> Process {
    viewtide(["migrate", "--database-url", url])
}

/// What `sql` says no by.
fn refusal(url: &str, sql: &str) -> String {
    code(sql, &rows(url, sql).expect_err(sql))
}

fn code(sql: &str, error: &Error) -> String {
    error.code().unwrap_or_else(|| panic!("{sql}: {error}")).code().to_owned()
}

const COLUMNS: &str = "
    SELECT c.relname, a.attname, c.relkind::text
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') ORDER BY 1, a.attnum";

/// Sees, as the role at `reader`, all that it is to see, and does nothing else.
fn assert_reads_only(owner: &str, reader: &str) {
    let (insufficient, generated) = ("42501", "428C9");
    let columns = rows(owner, COLUMNS).expect("columns");
    let mut hidden = Vec::new();
    with_client(reader, async |client| {
        for column in columns {
            let [table, column, kind] = <[_; 3]>::try_from(column).expect("three").map(Option::unwrap_or_default);
            let read = format!("SELECT {column} FROM {table} LIMIT 1");
            if let Err(error) = rows_by(client, &read).await {
                assert_eq!(code(&read, &error), insufficient, "{read}");
                hidden.push(format!("{table}.{column}"));
            }
            if kind != "r" {
                continue;
            }
            for write in [
                format!("UPDATE {table} SET {column} = NULL"),
                format!("INSERT INTO {table} ({column}) VALUES (NULL)"),
                format!("DELETE FROM {table}"),
                format!("TRUNCATE {table}"),
                format!("ALTER TABLE {table} ADD COLUMN more int"),
            ] {
                let refusal = code(&write, &rows_by(client, &write).await.expect_err(&write));
                // That nobody may set a number that the server makes is said before it is asked who wants to.
                assert!(
                    refusal == insufficient || refusal == generated && write.contains("NULL"),
                    "{write}: {refusal}"
                );
            }
        }
        Ok(())
    })
    .expect("a connection");
    hidden.retain(|column| !column.starts_with("refinery_schema_history."));
    let expected = ["dead_letters.key", "dead_letters.payload", "forecaster_state.video_id", "forecaster_state.state"];
    assert_eq!(hidden, [&expected[..], &["forecaster_state.updated_at", "models.artifact"]].concat());
    for create in
        ["CREATE TABLE more (x int)", "CREATE TEMP TABLE more (x int)", "CREATE SCHEMA more", "CREATE DATABASE more"]
    {
        assert_eq!(refusal(reader, create), insufficient, "{create}");
    }
}

#[test]
fn it_reads_tables_and_views_and_does_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = own_server(folder.path(), None);
    let owner = server.url();
    migrate(&owner).wait(DEADLINE).expect_code(0);
    // Until it has a password nobody is it.
    assert_eq!(refusal(&url_of(&server, "metabase_ro", "", "viewtide"), "SELECT 1"), "28P01");
    let superuser = superuser(&server, folder.path());
    rows(&superuser, "ALTER ROLE metabase_ro LOGIN PASSWORD 'r3ad'").expect("a password");
    let reader = url_of(&server, "metabase_ro", "r3ad", "viewtide");
    assert_reads_only(&owner, &reader);
    // What it has lost comes back.
    rows(&owner, "REVOKE SELECT ON trends FROM metabase_ro").expect("revoked");
    assert_eq!(refusal(&reader, "SELECT label FROM trends"), "42501");
    migrate(&owner).wait(DEADLINE).expect_code(0);
    assert_reads_only(&owner, &reader);
}

#[test]
fn it_is_made_where_that_may_be_done_also_by_several_at_once_and_else_the_rest_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = own_server(folder.path(), None);
    let superuser = superuser(&server, folder.path());
    rows(&superuser, "DROP ROLE metabase_ro").expect("dropped");
    let without = migrate(&server.url()).wait(DEADLINE).expect_code(0);
    assert!(without.stderr.contains("there is no role metabase_ro"), "{}", without.stderr);
    assert_eq!(rows(&superuser, "SELECT FROM pg_roles WHERE rolname = 'metabase_ro'").expect("roles").len(), 0);

    rows(&superuser, "ALTER ROLE viewtide CREATEROLE").expect("altered");
    let names: Vec<String> = (0..6).map(|number| format!("several_{number}")).collect();
    for name in &names {
        rows(&server.url(), &format!("CREATE DATABASE {name}")).expect("a database");
    }
    let migrating: Vec<Process> = names.iter().map(|name| migrate(&server.url_of(name))).collect();
    for process in migrating {
        let said = process.wait(DEADLINE).expect_code(0).stderr;
        assert!(!said.contains("metabase_ro"), "{said}");
    }
    rows(&superuser, "ALTER ROLE metabase_ro LOGIN PASSWORD 'r3ad'").expect("a password");
    for name in &names {
        assert_reads_only(&server.url_of(name), &url_of(&server, "metabase_ro", "r3ad", name));
    }
}
