//! The Dockerfile and the compose file: as their linters and schema want them, and true to the program.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use clap::CommandFactory;
use serde_json::Value;
use viewtide::cli::Cli;
use viewtide::postgres::managed::{ManagedConfig, ManagedPostgres};

use crate::harness::folder::Folder;
use crate::harness::postgres::{Database, rows as rows_at};
use crate::harness::process::Process;
use crate::harness::{checks, free_ports, kafka, wait_for};
use crate::scenario::{DEADLINE, rows_of, topic_of};

const DOCKERFILES: [&str; 2] = ["Dockerfile", "cluster/compose/mlflow.Dockerfile"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text_of(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The compose file, with what its anchors stand for.
fn compose() -> Value {
    const TO_JSON: &str = "import json, sys; from ruamel.yaml import YAML; \
                           json.dump(YAML(typ='safe').load(open(sys.argv[1])), sys.stdout)";
    let output = checks::run("python", &["-c", TO_JSON, "cluster/compose.yml"]);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn services(compose: &Value) -> impl Iterator<Item = (&String, &Value)> {
    compose["services"].as_object().expect("services").iter()
}

/// The texts of a list, of which there may be none.
fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn keys(map: &Value) -> BTreeSet<&str> {
    map.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

/// The instructions of a Dockerfile, each on one line.
fn instructions(name: &str) -> Vec<String> {
    let text = text_of(name);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    lines.join("\n").replace("\\\n", " ").lines().map(str::to_owned).collect()
}

#[test]
fn both_are_as_their_linters_and_schema_want_them() {
    checks::expect_clean("hadolint", &DOCKERFILES);
    let against_schema = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"];
    checks::expect_clean("python", &[against_schema.as_slice(), &["cluster/compose.yml"]].concat());
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = folder.path().join("compose.yml");
    fs::write(&wrong, text_of("cluster/compose.yml").replace("  topics:\n    image:", "  topics:\n    picture:"))
        .expect("write a file");
    let refused = checks::run("python", &[against_schema.as_slice(), &[wrong.to_str().expect("UTF-8")]].concat());
    assert!(String::from_utf8_lossy(&refused.stdout).contains("picture"), "{refused:?}");
}

#[test]
fn what_the_compose_file_names_is_there() {
    let compose = compose();
    let of_volumes = keys(&compose["volumes"]);
    let of_secrets = keys(&compose["secrets"]);
    let readme = text_of("cluster/README.md");
    let (mut ports, mut used) = (0, BTreeSet::new());
    for (name, service) in services(&compose) {
        for port in texts(&service["ports"]) {
            let published =
                port.strip_prefix("127.0.0.1:").unwrap_or_else(|| panic!("{name}: {port} is for everybody"));
            let (outside, inside) = published.split_once(':').expect("two ports");
            assert_eq!(outside, inside, "{name}");
            assert!(readme.contains(&format!(":{outside}")), "cluster/README.md says nothing of port {outside}");
            ports += 1;
        }
        for volume in texts(&service["volumes"]) {
            let (from, _) = volume.split_once(':').expect("where to");
            let is_file = from.starts_with("./") && root().join("cluster").join(from).is_file();
            assert!(is_file || of_volumes.contains(from), "{name}: {from}");
            used.insert(from);
        }
        for secret in texts(&service["secrets"]) {
            assert!(of_secrets.contains(secret), "{name}: {secret}");
            used.insert(secret);
        }
        let names_secrets = service.to_string();
        for path in names_secrets.split("/run/secrets/").skip(1) {
            let secret = path.split('"').next().expect("a name");
            assert!(texts(&service["secrets"]).contains(&secret), "{name} is not given {secret}");
        }
        for (other, how) in service["depends_on"].as_object().into_iter().flatten() {
            let other = &compose["services"][other];
            let of_image = other["build"].is_string() || other["build"].is_object();
            let is_healthy = how["condition"] != "service_healthy" || other["healthcheck"].is_object() || of_image;
            assert!(other.is_object() && is_healthy, "{name} waits for {how} in vain");
        }
    }
    // Where nobody waits for its end, `up --wait` takes a container that has ended for one that failed.
    let is_of_up = |service: &Value| service["restart"] == "no" && service["profiles"].is_null();
    for (name, _) in services(&compose).filter(|(_, service)| is_of_up(service)) {
        let ends = |(_, service): (&String, &Value)| {
            service["depends_on"][name]["condition"] == "service_completed_successfully"
        };
        assert!(services(&compose).any(ends), "nobody waits for {name}");
    }
    assert_eq!(ports, 5);
    assert!(of_volumes.union(&of_secrets).all(|name| used.contains(name)), "one is not used");
    for dockerfile in DOCKERFILES {
        assert!(instructions(dockerfile).iter().any(|line| line.starts_with("HEALTHCHECK ")), "{dockerfile}");
        let user = instructions(dockerfile).into_iter().rfind(|line| line.starts_with("USER "));
        assert!(user.is_some_and(|user| user != "USER root" && user != "USER 0"), "{dockerfile}");
    }
}

/// Every environment variable of `command` and of all below it.
fn variables(command: &clap::Command, into: &mut BTreeSet<String>) {
    into.extend(command.get_arguments().filter_map(|flag| Some(flag.get_env()?.to_string_lossy().into_owned())));
    command.get_subcommands().for_each(|below| variables(below, into));
}

#[test]
fn its_settings_and_versions_are_those_of_the_project() {
    let compose = compose();
    let mut command = Cli::command();
    command.build();
    let mut known = BTreeSet::new();
    variables(&command, &mut known);
    let mut found = 0;
    for (name, service) in services(&compose).filter(|(_, service)| service["build"] == "..") {
        let word = texts(&service["command"])[0];
        assert!(command.find_subcommand(word).is_some(), "{name}: there is no `viewtide {word}`");
        for variable in keys(&service["environment"]) {
            assert!(known.contains(variable), "{name}: {variable}");
            found += 1;
        }
    }
    assert!(found >= 5, "{found} settings were looked at");

    let after = |text: &str, before: &str| {
        let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before}")).1;
        rest.split(['<', '"', '\n', ' ']).next().expect("a word").to_owned()
    };
    let kafka = after(&text_of("tests/kafka/pom.xml"), "<artifactId>kafka_2.13</artifactId>\n      <version>");
    for service in ["kafka", "topics"] {
        assert_eq!(compose["services"][service]["image"], format!("apache/kafka:{kafka}"));
    }
    let rust = after(&text_of("rust-toolchain.toml"), "channel = \"");
    assert_eq!(instructions("Dockerfile")[0], format!("FROM rust:{rust}-bookworm AS build"));
    let postgres = after(&text_of("README.md"), "with PostgreSQL ");
    assert_eq!(compose["services"]["postgres"]["image"], format!("postgres:{postgres}-bookworm"));
    let advertised = compose["services"]["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].as_str();
    let brokers = compose["services"]["viewtide"]["environment"]["VIEWTIDE_BROKERS"].as_str().expect("brokers");
    assert!(advertised.is_some_and(|listeners| listeners.contains(&format!("INSIDE://{brokers},"))), "{advertised:?}");
    let mlflow = compose["services"]["viewtide"]["environment"]["VIEWTIDE_MLFLOW"].as_str().expect("a URI");
    assert!(text_of(DOCKERFILES[1]).contains(&format!("\"{},", mlflow.replace("http://", ""))), "{mlflow} is refused");
}

/// The command by which the image says whether it is healthy.
fn health_check() -> Vec<String> {
    let instruction =
        instructions("Dockerfile").into_iter().find(|line| line.starts_with("HEALTHCHECK ")).expect("one");
    serde_json::from_str(instruction.split_once(" CMD ").expect("a command").1).expect("a list")
}

#[test]
fn the_engine_runs_and_is_healthy_as_they_have_it() {
    let compose = compose();
    let service = &compose["services"]["viewtide"];
    let (database, [port]) = (Database::fresh(), free_ports());
    let folder = tempfile::tempdir().expect("a folder");
    let url = folder.path().join("database-url");
    fs::write(&url, database.url()).expect("write the URL");
    let here = |name: &str, value: String| match name {
        "VIEWTIDE_BROKERS" => kafka::shared().brokers(),
        "VIEWTIDE_TOPIC" => topic_of("compose", 4, &rows_of("sample_10min.csv")[..100]),
        "VIEWTIDE_DATABASE_URL_FILE" => url.display().to_string(),
        "VIEWTIDE_HTTP" => value.replace("0.0.0.0:8088", &format!("127.0.0.1:{port}")),
        // Nobody is there, which a run bears.
        "VIEWTIDE_MLFLOW" => value.replace("mlflow:5001", "127.0.0.1:1"),
        _ => value,
    };
    let settings = service["environment"].as_object().expect("settings").iter().map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name}={}", here(name, value)).into()
    });
    let command = texts(&service["command"]).into_iter().map(Into::into);
    let args: Vec<_> = settings.chain([env!("CARGO_BIN_EXE_viewtide").into()]).chain(command).collect();
    let is_healthy = || {
        let check: Vec<String> = health_check().iter().map(|word| word.replace("/8088", &format!("/{port}"))).collect();
        Command::new(&check[0]).args(&check[1..]).output().expect("bash").status.success()
    };
    assert!(!is_healthy(), "nobody is there yet");
    let mut run = Process::start("env", &args);
    wait_for("the health check to pass", DEADLINE, || {
        run.expect_running();
        is_healthy().then_some(())
    });
    wait_for("all rows", DEADLINE, || {
        (database.value("SELECT count(*) FROM video_stats_processed") == "100").then_some(())
    });
}

/// `path` without `.` and `..`, by its letters alone.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
        plain
    })
}

/// Sources below a folder but for those of tests.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let is_of_tests = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"));
    let of = |path: PathBuf| match path {
        path if path.is_dir() => rust_files(&path),
        path if path.extension().is_some_and(|extension| extension == "rs") => vec![path],
        _ => Vec::new(),
    };
    entries.filter(|path| !is_of_tests(path)).flat_map(of).collect()
}

#[test]
fn the_image_is_built_of_all_that_the_program_is_made_of() {
    let copied: Vec<String> = instructions("Dockerfile")
        .iter()
        .filter_map(|line| line.strip_prefix("COPY ").filter(|rest| !rest.starts_with("--from")))
        .flat_map(|rest| {
            let words: Vec<&str> = rest.split_whitespace().collect();
            words[..words.len() - 1].iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()
        })
        .collect();
    let ignored = text_of(".dockerignore");
    assert!(ignored.lines().any(|line| line == "*"), "everything is sent to the builder");
    for source in copied.iter().map(String::as_str).chain(["tests/mlflow/requirements.txt"]) {
        assert!(ignored.lines().any(|line| line == format!("!{source}")), "{source} is not sent to the builder");
    }
    // What is compiled in.
    let is_copied = |path: &Path| copied.iter().any(|source| path.starts_with(root().join(source)));
    let mut found = 0;
    for file in ["src", "models/src", "dataflows/src"].iter().flat_map(|folder| rust_files(&root().join(folder))) {
        let text = fs::read_to_string(&file).expect("a source");
        // What only tests are compiled with is not of the program.
        let text = text.split("#[cfg(test)]\nmod tests {").next().expect("a part");
        for rest in
            ["include_bytes!(", "include_str!(", "include_dir!("].iter().flat_map(|name| text.split(name).skip(1))
        {
            let Some(named) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                continue;
            };
            let named = named.replace("$CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"));
            let path = plain(&file.parent().expect("a folder").join(named));
            assert!(is_copied(&path), "{} names {}, which the image is built without", file.display(), path.display());
            found += 1;
        }
    }
    assert!(found >= 15, "{found} files are compiled in");
    // What cargo wants to see, also where it is not built.
    let folder = tempfile::tempdir().expect("a folder");
    let sources = copied.iter().map(|source| root().join(source));
    let output = Command::new("cp").arg("-r").args(sources).arg(folder.path()).output().expect("cp");
    assert!(output.status.success(), "{output:?}");
    let metadata = ["metadata", "--no-deps", "--locked", "--offline", "--format-version", "1"];
    let output = Command::new(env!("CARGO")).args(metadata).current_dir(folder.path()).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for package in metadata["packages"].as_array().expect("packages") {
        for target in package["targets"].as_array().expect("targets") {
            let path = target["src_path"].as_str().expect("a path");
            assert!(Path::new(path).is_file(), "{path} is not there");
        }
    }
}

#[test]
fn passwords_are_made_once_and_metabase_gets_a_database_of_its_own() {
    let dir = Folder::new();
    let secrets = dir.path().join("secrets");
    let make = || {
        let script = root().join("cluster/compose/secrets.sh");
        let output = Command::new(script).arg(&secrets).output().expect("bash");
        assert!(output.status.success(), "{output:?}");
        let names: BTreeSet<String> = keys(&compose()["secrets"]).into_iter().map(str::to_owned).collect();
        names.into_iter().map(|name| fs::read_to_string(secrets.join(name)).expect("a secret")).collect::<Vec<_>>()
    };
    let made = make();
    assert_eq!(make(), made);
    assert_eq!(fs::metadata(&secrets).expect("the folder").permissions().mode() & 0o777, 0o700);
    let secret = |name: &str| fs::read_to_string(secrets.join(name)).expect("a secret");
    let (password, of_metabase) = (secret("postgres-password"), secret("metabase-database-password"));
    assert_eq!(secret("metabase-admin-password").len(), 48);
    assert!(password.len() == 48 && of_metabase.len() == 48 && password != of_metabase);
    assert_eq!(secret("database-url"), format!("postgresql://viewtide:{password}@postgres/viewtide"));

    let data_dir = dir.path().join("data");
    let postgres =
        ManagedPostgres::start(ManagedConfig { data_dir: Some(data_dir.clone()), port: None }).expect("a server");
    let sql = dir.path().join("metabase-database.sql");
    let place = format!("{}/", secrets.display());
    fs::write(&sql, text_of("cluster/compose/metabase-database.sql").replace("/run/secrets/", &place)).expect("write");
    let output = Command::new("psql")
        .args(["-X", "-h", "127.0.0.1", "-p", &postgres.port().to_string(), "-U", "postgres", "-f"])
        .arg(&sql)
        .env("PGPASSFILE", data_dir.join("pgpass"))
        .output()
        .expect("psql");
    assert!(output.status.success(), "{output:?}");
    let url = format!("postgresql://metabase:{of_metabase}@127.0.0.1:{}/metabase", postgres.port());
    rows_at(&url, "CREATE TABLE kept (x int)").expect("its own tables");
    postgres.stop().expect("stop");
}
