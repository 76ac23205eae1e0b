//! Pages of `docs/` are what the program and the database say of themselves; `make docs` writes them anew. And what shells and
//! `man` get.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::CommandFactory;
use viewtide::cli::Cli;

use crate::harness::postgres::Database;
use crate::harness::process::viewtide;
use crate::scenario::DEADLINE;

/// Compares a page with `text`, or writes it where that is wanted.
fn assert_page(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os("VIEWTIDE_WRITE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("written");
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == text, "docs/{name} is not what the program says: run `make docs`");
}

/// The help of `command` and of all below it.
fn help_of(command: &mut clap::Command, path: &str, text: &mut String) {
    // Whatever is set where the tests run.
    let mut shown = command.clone().mut_args(|arg| arg.hide_env_values(true)).bin_name(path).term_width(110);
    let help = shown.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    *text += &format!("\n## {path}\n\n```text\n{}\n```\n", lines.join("\n").trim());
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    for name in names.iter().filter(|name| *name != "help") {
        let below = command.find_subcommand_mut(name).expect("it is there");
        help_of(below, &format!("{path} {name}"), text);
    }
}

#[test]
fn the_page_of_commands_is_their_help() {
    let mut text = "# Commands\n\nWhat `viewtide --help` and `viewtide COMMAND --help` say.\n".to_owned();
    let mut command = Cli::command();
    command.build();
    help_of(&mut command, "viewtide", &mut text);
    assert_page("commands.md", &text);
}

const TABLES: &str = "
    SELECT c.relname, c.relkind::text, obj_description(c.oid),
           (SELECT string_agg(a.attname, ', ' ORDER BY k.place)
            FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (number, place)
            JOIN pg_attribute a ON a.attnum = k.number
            WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid)
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname <> 'refinery_schema_history'
    ORDER BY c.relname";

const COLUMNS: &str = "
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), (a.attnotnull)::text, col_description(c.oid, a.attnum)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY c.relname, a.attnum";

#[test]
fn the_page_of_tables_is_their_comments() {
    let database = Database::fresh();
    viewtide(["migrate", "--database-url", &database.url()]).wait(DEADLINE).expect_code(0);
    let mut text =
        "# Tables\n\nWhat the comments in the database say (`\\d+ TABLE` in psql). All times are UTC.\n".to_owned();
    let columns = database.rows(COLUMNS);
    let cell = |value: &Option<String>| value.clone().unwrap_or_default().replace('|', "\\|");
    for table in database.rows(TABLES) {
        let [name, kind, comment, key] = <[_; 4]>::try_from(table).expect("four columns");
        let name = name.expect("a name");
        let comment = comment.unwrap_or_else(|| panic!("{name} has no comment"));
        let kind = if kind.as_deref() == Some("v") { " (view)" } else { "" };
        text += &format!("\n## {name}{kind}\n\n{comment}\n");
        if let Some(key) = key {
            text += &format!("\nKey: {key}.\n");
        }
        text += "\n| column | type | may be NULL | is |\n|---|---|---|---|\n";
        for column in columns.iter().filter(|column| column[0].as_ref() == Some(&name)) {
            assert!(column[4].is_some(), "{name}.{:?} has no comment", column[1]);
            // Whether a column of a view may be NULL is not known.
            let null = if column[3].as_deref() == Some("true") { "" } else { "yes" };
            text += &format!("| {} | {} | {null} | {} |\n", cell(&column[1]), cell(&column[2]), cell(&column[4]));
        }
    }
    assert_page("tables.md", &text);
}

#[test]
fn shells_take_the_completions_and_man_takes_the_pages() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = viewtide(["completions", shell]).wait(DEADLINE).expect_code(0).stdout;
        assert!(script.contains("dead-letters") && script.contains("retention"), "{shell}");
    }
    let bash = viewtide(["completions", "bash"]).wait(DEADLINE).expect_code(0).stdout;
    let complete = format!(
        "{bash}\nCOMP_WORDS=(viewtide re); COMP_CWORD=1; _viewtide viewtide re viewtide; echo \"${{COMPREPLY[@]}}\""
    );
    let output = Command::new("bash").args(["-c", &complete]).output().expect("bash");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "replay rebuild", "{output:?}");
    let refused = viewtide(["completions", "cmd"]).wait(DEADLINE).expect_code(2);
    assert!(refused.stderr.contains("bash, elvish, fish, powershell, zsh"), "{}", refused.stderr);

    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("man/man1");
    viewtide(["man", &dir.display().to_string()]).wait(DEADLINE).expect_code(0);
    let page = |name: &str| -> PathBuf { dir.join(name) };
    for name in ["viewtide.1", "viewtide-run.1", "viewtide-dead-letters-export.1", "viewtide-models-promote.1"] {
        let text = std::fs::read_to_string(page(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.contains(".SH SYNOPSIS") && text.contains("viewtide"), "{name}:\n{text}");
    }
    let file = page("viewtide.1").display().to_string();
    let refused = viewtide(["man", &file]).wait(DEADLINE).expect_code(1);
    assert!(refused.stderr.contains(&format!("cannot make the folder {file}")), "{}", refused.stderr);
}
