//! What goes wrong is said with what to do, and no secret is ever shown.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};

use super::stand_in::{StandIn, State};
use super::{EMAIL, PASSWORD, Place, few_definitions};
use crate::harness::free_ports;
use crate::harness::postgres::rows;
use crate::harness::process::{Finished, viewtide};
use crate::scenario::DEADLINE;

/// Panics where anything that it wrote holds a secret.
#[track_caller]
fn assert_silent(finished: Finished, secrets: &[&str]) -> Finished {
    for secret in secrets {
        assert!(
            !finished.stderr.contains(secret) && !finished.stdout.contains(secret),
            "{secret}:\n{}",
            finished.stderr
        );
    }
    finished
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let place = Place::new();
    let few = few_definitions();
    let flags = ["--definitions", few.path().to_str().expect("UTF-8")];
    let run = |login: &[&str], code: i32, said: &str| {
        let finished = place.start_without_login(&[login, &flags].concat()).wait(DEADLINE).expect_code(code);
        assert!(finished.stderr.contains(said), "{said} is not in\n{}", finished.stderr);
        assert_silent(finished, &["wr0ng-pw", "mb_wr0ng", "mb_us3r", PASSWORD])
    };
    run(&["--api-key", "mb_wr0ng"], 1, "it is not set up yet");
    run(
        &["--email", EMAIL, "--password", "short"],
        1,
        "POST /api/setup with status 400: user: {\"password\":\"password is too common.\"}",
    );
    place.provision(&flags);
    place.metabase.state().keys.insert("mb_us3r".to_owned(), false);
    run(&["--api-key", "mb_wr0ng"], 1, "it does not take the key (status 401)");
    run(&["--api-key", "mb_us3r"], 1, "ann@example.org is no admin there");
    for _ in 0..4 {
        run(
            &["--email", EMAIL, "--password", "wr0ng-pw"],
            1,
            "it does not log in ann@example.org (status 401): password: did not match",
        );
    }
    run(
        &["--email", EMAIL, "--password", PASSWORD],
        1,
        "no more attempts to log in for now: username: Too many attempts! You must wait 15 seconds",
    );
    for login in [&["--email", EMAIL][..], &["--api-key", "mb_us3r", "--email", EMAIL], &[]] {
        run(login, 2, "give --email and --password");
    }
    run(&["--email", EMAIL, "--password", ""], 2, "--password: it is empty");
    let requests = place.metabase.take_requests();
    let logins = requests.iter().filter(|of| of.path == "/api/session" && of.method == "POST").count();
    assert_eq!(logins, 5, "a login that is refused is not tried again");
    place.metabase.assert_no_faults();
}

#[test]
fn a_server_that_is_still_starting_is_waited_for() {
    let place = Place::new();
    let few = few_definitions();
    let [port] = free_ports();
    let url = format!("http://127.0.0.1:{port}");
    let data_dir = place.data_dir().display().to_string();
    let args = ["metabase", "--url", &url, "--data-dir", &data_dir, "--email", EMAIL, "--password", PASSWORD];
    let args: Vec<&str> = args.into_iter().chain(["--definitions", few.path().to_str().expect("UTF-8")]).collect();
    let mut waiting = viewtide(args.clone());
    waiting.wait_for_output("waiting for Metabase at http://127.0.0.1:", DEADLINE);
    let metabase = StandIn::start_at(port);
    metabase.state().starting = 3;
    waiting.wait(DEADLINE).expect_code(0);
    assert_eq!(metabase.state().dashboards.len(), 2);
    // Once it is up: whoever asks again and again while it is in trouble gets an answer in the end.
    metabase.state().starting = 0;
    metabase.assert_no_faults();
    *metabase.state() = State { starting: u32::MAX, ..State::default() };
    let given_up = viewtide(args.iter().copied().chain(["--wait", "1s"])).wait(DEADLINE).expect_code(1);
    assert!(
        given_up.stderr.contains("it was not up after 1 s") && given_up.stderr.contains("503"),
        "{}",
        given_up.stderr
    );
}

/// A server that says back what it is told, with a status that says no; it is up, and not set up.
fn parrot() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 65_536];
            let mut asked = String::new();
            // Head and body may come apart.
            while !(asked.contains("\r\n\r\n") && (asked.starts_with("GET") || asked.ends_with('}'))) {
                match stream.read(&mut buffer) {
                    Ok(count @ 1..) => asked += &String::from_utf8_lossy(&buffer[..count]),
                    _ => break,
                }
            }
            let (status, body) = match asked.split(' ').nth(1) {
                Some("/api/health") => ("200 OK", "{\"status\": \"ok\"}".to_owned()),
                Some("/api/session/properties") => {
                    let is_set_up = asked.contains("x-api-key") || asked.contains("set=up");
                    ("200 OK", format!("{{\"has-user-setup\": {is_set_up}, \"setup-token\": \"t0ken-0\"}}"))
                }
                _ => ("400 Bad Request", asked),
            };
            let length = body.len();
            drop(stream.write_all(
                format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").as_bytes(),
            ));
        }
    });
    port
}

#[test]
fn a_server_that_says_back_what_it_is_told_makes_nobody_say_a_secret() {
    let place = Place::new();
    let url = format!("http://eve:url-pw0@127.0.0.1:{}/at", parrot());
    let said_back = format!("http://eve:url-pw0@127.0.0.1:{}", parrot());
    let data_dir = place.data_dir().display().to_string();
    for url in [url, said_back] {
        let args = ["metabase", "--url", &url, "--data-dir", &data_dir, "--wait", "1s", "--log-level", "trace"];
        let login = ["--email", EMAIL, "--password", "adm1n\"pw", "--reader-password", "r3ad-pw"];
        let finished = viewtide(args.into_iter().chain(login)).wait(DEADLINE).expect_code(1);
        let finished = assert_silent(finished, &["adm1n\"pw", "adm1n\\\"pw", "url-pw0", "r3ad-pw", "t0ken-0"]);
        assert!(finished.stderr.contains("Metabase at http://127.0.0.1:"), "{}", finished.stderr);
    }
    for wrong in ["eve:url-pw0@host", "ftp://eve:url-pw0@host"] {
        let refused = viewtide(["metabase", "--url", wrong, "--api-key", "mb_k3y"]).wait(DEADLINE).expect_code(2);
        let refused = assert_silent(refused, &["url-pw0", "mb_k3y"]);
        assert!(refused.stderr.contains("--url: "), "{}", refused.stderr);
    }
}

#[test]
fn the_password_of_the_reader_is_kept_given_or_mended() {
    let place = Place::new();
    let few = few_definitions();
    let flags = ["--definitions", few.path().to_str().expect("UTF-8"), "--log-level", "trace"];
    let stored = || {
        let state = place.metabase.state();
        state.databases[0]["details"]["password"].as_str().expect("a text").to_owned()
    };
    let log = place.data_dir().join("log/server.log");
    let as_superuser = |sql: &str| rows(&place.server.superuser_url().expect("a URL"), sql).expect(sql);
    // A server that logs all that it is told.
    as_superuser("ALTER SYSTEM SET log_statement = 'all'");
    as_superuser("SELECT pg_reload_conf()");
    let first = place.provision(&flags);
    let made = stored();
    assert_eq!(made.len(), 48);
    assert_silent(first, &[&made, PASSWORD]);
    assert_silent(place.assert_settled(&flags), &[&made]);
    assert_eq!(stored(), made, "it is kept");

    // Somebody gives the role another one: Metabase gets a new one, and who has the other is told.
    as_superuser("ALTER ROLE metabase_ro PASSWORD 'other'");
    let mended = place.provision(&flags);
    assert!(mended.stderr.contains("metabase_ro has a new password, which Metabase alone knows"), "{}", mended.stderr);
    assert_ne!(stored(), made);
    assert_eq!(mended.json()["done"]["database"]["changed"], 1);
    place.assert_settled(&flags);

    // One that is given is taken by both, and is left where both have it.
    let given = [&flags[..], &["--reader-password", "r3ad 'it'"]].concat();
    assert_silent(place.provision(&given), &["r3ad 'it'"]);
    assert_eq!(stored(), "r3ad 'it'");
    place.assert_settled(&given);
    place.assert_settled(&flags);
    // The role has it, Metabase has not.
    as_superuser("ALTER ROLE metabase_ro PASSWORD 'fourth'");
    let file = place.folder.path().join("reader");
    std::fs::write(&file, "fourth\n").expect("written");
    let given = [&flags[..], &["--reader-password-file", file.to_str().expect("UTF-8")]].concat();
    place.provision(&given);
    assert_eq!(stored(), "fourth");
    place.assert_settled(&given);

    let logged = std::fs::read_to_string(log).expect("the server's log");
    assert!(logged.contains("ALTER ROLE metabase_ro LOGIN PASSWORD 'SCRAM-SHA-256$"), "it logs what it is told");
    assert!(![&made, "r3ad 'it'", "r3ad ''it''"].iter().any(|secret| logged.contains(*secret)));
}

#[test]
fn who_may_not_set_the_password_is_told_what_to_type_and_a_place_that_metabase_does_not_reach_is_named() {
    let place = Place::new();
    let few = few_definitions();
    let definitions = few.path().to_str().expect("UTF-8").to_owned();
    let url = place.metabase.url();
    // The ordinary user of the server, over TCP as any other program.
    let password = std::fs::read_to_string(place.server.password_file()).expect("a password");
    let database = format!("postgresql://viewtide:{}@127.0.0.1:{}/viewtide", password.trim(), place.server.port());
    let run = |more: &[&str]| {
        let args = ["metabase", "--url", &url, "--database-url", &database, "--email", EMAIL, "--password", PASSWORD];
        viewtide(args.into_iter().chain(["--definitions", &definitions]).chain(more.iter().copied())).wait(DEADLINE)
    };
    let refused = run(&["--reader-password", "r3ad"]).expect_code(1);
    assert!(
        refused.stderr.contains("As a superuser: ALTER ROLE metabase_ro LOGIN PASSWORD '..'"),
        "{}",
        refused.stderr
    );
    let superuser = place.server.superuser_url().expect("a URL");
    rows(&superuser, "ALTER ROLE metabase_ro LOGIN PASSWORD 'r3ad'").expect("altered");
    let [port] = free_ports();
    let refused = run(&["--reader-password", "r3ad", "--database-port", &port.to_string()]).expect_code(1);
    let said = format!("it cannot connect to database viewtide at 127.0.0.1:{port} as metabase_ro");
    assert!(refused.stderr.contains(&said) && refused.stderr.contains("give --database-host"), "{}", refused.stderr);
    run(&["--reader-password", "r3ad", "--database-host", "localhost"]).expect_code(0);
    assert_eq!(place.metabase.state().databases[0]["details"]["host"], "localhost");
    place.metabase.assert_no_faults();

    // By a socket Metabase comes nowhere.
    let socket = viewtide(["metabase", "--url", &url, "--database-url", &place.server.url(), "--api-key", "k"]);
    let refused = socket.wait(DEADLINE).expect_code(2);
    assert!(refused.stderr.contains("Metabase cannot: give --database-host"), "{}", refused.stderr);
    rows(&superuser, "CREATE DATABASE empty").expect("created");
    let empty = superuser.replace("/viewtide", "/empty");
    let args = ["metabase", "--url", &url, "--database-url", &empty, "--api-key", "k", "--database-host", "db"];
    let refused = viewtide(args).wait(DEADLINE).expect_code(1);
    assert!(refused.stderr.contains("`viewtide migrate` or `viewtide run` makes them"), "{}", refused.stderr);
}
