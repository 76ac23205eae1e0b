//! `viewtide metabase`, against a stand-in of Metabase that has a state and reads a real Postgres.

mod people;
mod provisioned;
mod queries;
mod stand_in;
mod trouble;

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use viewtide::postgres::managed::ManagedPostgres;

use crate::harness::process::{Finished, Process, viewtide};
use crate::outages::own_server;
use crate::scenario::DEADLINE;

use stand_in::{Request, StandIn, State};

const EMAIL: &str = "ann@example.org";
const PASSWORD: &str = "adm1n-pw";

/// A Postgres of its own, whose roles nobody else changes, with tables of viewtide; and a Metabase.
pub struct Place {
    folder: TempDir,
    server: ManagedPostgres,
    pub metabase: StandIn,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = own_server(folder.path(), None);
        viewtide(["migrate", "--database-url", &server.url()]).wait(DEADLINE).expect_code(0);
        Self { folder, server, metabase: StandIn::start() }
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Arguments that say where the tables are, and the admin's password.
    pub fn database_and_password(&self) -> Vec<String> {
        ["--data-dir", &self.data_dir().display().to_string(), "--password", PASSWORD].map(str::to_owned).into()
    }

    /// The command without anything that says who logs in.
    fn start_without_login(&self, more: &[&str]) -> Process {
        let (data_dir, url) = (self.data_dir().display().to_string(), self.metabase.url());
        let args = ["metabase", "--url", &url, "--data-dir", &data_dir];
        viewtide(args.into_iter().chain(more.iter().copied()))
    }

    /// The command as the admin.
    fn start(&self, more: &[&str]) -> Process {
        self.start_without_login(&[&["--email", EMAIL, "--password", PASSWORD], more].concat())
    }

    /// Runs it, and sees that nothing came that should not have.
    #[track_caller]
    fn provision(&self, more: &[&str]) -> Finished {
        let finished = self.start(more).wait(DEADLINE).expect_code(0);
        self.metabase.assert_no_faults();
        finished
    }

    /// Runs it once more, and panics where it changes anything.
    #[track_caller]
    fn assert_settled(&self, more: &[&str]) -> Finished {
        self.metabase.take_requests();
        let finished = self.provision(more);
        let writes: Vec<Request> = self.metabase.take_requests().into_iter().filter(Request::is_write).collect();
        assert!(writes.is_empty(), "{writes:#?}");
        let done = &finished.json()["done"];
        let kinds = done.as_object().expect("an object").iter().filter(|(kind, _)| *kind != "in_trash");
        for (kind, counts) in kinds {
            assert!(counts["made"] == 0 && counts["changed"] == 0, "{kind}: {counts}");
        }
        finished
    }
}

/// A folder of few definitions, so that much can be tried.
fn few_definitions() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        (
            "tables.toml",
            "[videos]\nname = \"Videos\"\ncolumns = { video_id = { type = \"type/PK\" } }\n[trends]\nname = \"Where to\"\n\
                         columns = { video_id = { type = \"type/FK\", to = \"videos.video_id\", values = \"search\" } }\n",
        ),
        (
            "one.toml",
            "name = \"One\"\ndescription = \"The first.\"\nposition = 1\n[[filters]]\nid = \"video\"\nname = \"Video\"\n\
                      type = \"string/=\"\n[[tiles]]\nheading = \"Above\"\nsize = [24, 1]\n[[tiles]]\nname = \"Count\"\n\
                      sql = \"one/count.sql\"\ndisplay = \"scalar\"\nsize = [12, 3]\nfields = { video = \"trends.video_id\" }\n\
                      [[tiles]]\nname = \"All\"\nsql = \"one/all.sql\"\ndisplay = \"table\"\nsize = [12, 3]\n\
                      columns = { video_id = { view_as = \"link\", link_url = \"/dashboard/{dashboard:Two}\" } }\n",
        ),
        ("one/count.sql", "-- How many.\nSELECT count(*) AS n FROM trends WHERE {{video}}\n"),
        ("one/all.sql", "-- All of them.\nSELECT video_id FROM trends\n"),
        (
            "two.toml",
            "name = \"Two\"\ndescription = \"The second.\"\nposition = 2\n[[tiles]]\nname = \"One\"\nsql = \"two/one.sql\"\n\
                      display = \"scalar\"\nsize = [24, 3]\n",
        ),
        ("two/one.sql", "-- One.\nSELECT 1 AS one\n"),
    ] {
        edit(folder.path(), name, |_| text.to_owned());
    }
    folder
}

/// Changes a file of a folder.
fn edit(folder: &Path, name: &str, change: impl FnOnce(&str) -> String) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    std::fs::write(&path, change(&text)).expect("written");
}

/// A list in what the stand-in holds.
fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}
