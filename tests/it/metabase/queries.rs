//! Every card's SQL on real data, as the role that Metabase logs in as, with each filter chosen and not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::stand_in::template::{Choices, filled};
use super::{Place, State, list};
use crate::harness::postgres::{rows, rows_by, with_client};
use crate::harness::process::viewtide;
use crate::scenario::{DEADLINE, data_file, rows_of};

/// What real data have not: records that were none, a gap, a retraining, videos that spike, and likes and comments of each.
const MORE: &str = "
    INSERT INTO dead_letters (topic, \"partition\", kafka_offset, item, reason) VALUES ('some', 0, 1, 0, 'it is not JSON');
    INSERT INTO lost_offsets (topic, \"partition\", first_lost, next_read, reason) VALUES ('some', 0, 5, 9, 'deleted');
    INSERT INTO model_metrics (run_id, metric_name, model_name, metric_value) VALUES ('views-2-1', 'mae_1h', 'views', 1.5);
    UPDATE trends SET label = 'spiking' WHERE video_id IN (
        SELECT video_id FROM trends JOIN videos USING (video_id) WHERE category_id IS NOT NULL
        ORDER BY views_gained_24h DESC LIMIT 40);
    UPDATE predictions SET predicted_likes = coalesce(predicted_likes, 10), base_likes = coalesce(base_likes, 8), actual_likes = 11,
        predicted_comments = coalesce(predicted_comments, 5), base_comments = coalesce(base_comments, 4), actual_comments = 6
        WHERE actual_views IS NOT NULL AND (actual_likes IS NULL OR actual_comments IS NULL);";

/// A video, its channel and category, that is in every list.
const CHOSEN: &str = "
    SELECT video_id, channel_title, channel_id, category_id FROM video_trends
    WHERE outlier_score IS NOT NULL AND label = 'spiking' AND channel_title IS NOT NULL
    ORDER BY views_gained_24h DESC LIMIT 1";

/// Titles, channels and categories of the videos of that file, which has none.
fn videos_file(folder: &Path) -> String {
    let videos: BTreeSet<String> = rows_of("tracked_dense.csv.gz").into_iter().map(|row| row.video).collect();
    let mut text = "video_id,title,channel_id,channel_title,category_id,published_at\n".to_owned();
    for (number, video) in videos.iter().enumerate() {
        let (channel, category) = (number / 16, [10, 24, 25, 99][number / 16 % 4]);
        let line = format!("{video},Video {number},UC{channel},It's {channel},{category},2025-06-01T00:00:00Z");
        writeln!(text, "{line}").expect("write to a string");
    }
    let path = folder.join("videos.csv");
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

/// A Metabase over real data.
fn over_real_data() -> Place {
    let place = Place::new();
    let csv = data_file("tracked_dense.csv.gz").display().to_string();
    let videos = videos_file(place.folder.path());
    let url = place.server.url();
    let args =
        ["run", "--database-url", &url, "--csv", &csv, "--videos", &videos, "--forecasts", "all", "--exit-at-end"];
    viewtide(args.into_iter().chain(["-w", "2", "--retrain", "off"])).wait(DEADLINE).expect_code(0);
    rows(&url, MORE).expect("more rows");
    place.provision(&[]);
    place
}

/// What a query gives: columns, and rows as text.
type Table = (Vec<String>, Vec<Vec<Option<String>>>);

/// Asks as Metabase does.
fn ask(reader: &str, sql: &str) -> Result<Table, String> {
    let asked = with_client(reader, async |client| {
        let columns = client.prepare(sql).await?.columns().iter().map(|column| column.name().to_owned()).collect();
        Ok((columns, rows_by(client, sql).await?))
    });
    asked.map_err(|error| format!("{error:?}"))
}

/// Names of columns that the settings of a chart speak of.
fn columns_in(settings: &Value) -> BTreeSet<String> {
    let texts = |key: &str| list(&settings[key]).into_iter().filter_map(|name| name.as_str().map(str::to_owned));
    let mut names: BTreeSet<String> = texts("graph.dimensions").chain(texts("graph.metrics")).collect();
    names.extend(settings["scalar.field"].as_str().map(str::to_owned));
    names.extend(settings["series_settings"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
    for (key, of) in settings["column_settings"].as_object().into_iter().flatten() {
        let key: (String, String) = serde_json::from_str(key).expect("a name in a list");
        names.insert(key.1);
        for text in ["link_url", "link_text"].iter().filter_map(|key| of[key].as_str()) {
            names.extend(text.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0.to_owned())));
        }
    }
    names
}

/// A filter and what may be chosen of it: conditions or texts that leave something, and one that leaves nothing.
struct Choice {
    some: Vec<String>,
    none: Option<String>,
}

fn choices_of(parameter: &Value, chosen: &BTreeMap<&str, String>) -> Choice {
    let id = parameter["id"].as_str().expect("a text");
    let values = list(&parameter["values_source_config"]["values"]);
    if !values.is_empty() {
        let some = values.iter().map(|value| value.as_str().expect("a text").to_owned()).collect();
        return Choice { some, none: None };
    }
    if parameter["type"] == "date/all-options" {
        let some = vec!["COLUMN BETWEEN '2005-05-01' AND '2100-01-01'".to_owned()];
        return Choice { some, none: Some("COLUMN < '2005-05-01'".to_owned()) };
    }
    let value = chosen[id].replace('\'', "''");
    Choice { some: vec![format!("COLUMN IN ('{value}')")], none: Some("COLUMN IN ('none such')".to_owned()) }
}

#[test]
fn every_card_gives_rows_with_each_filter_chosen_and_not() {
    let place = over_real_data();
    let owner = place.server.url();
    let chosen = rows(&owner, CHOSEN).expect("a video").remove(0);
    let names = ["video", "channel", "channel_id", "category"];
    let mut chosen: BTreeMap<&str, String> =
        names.into_iter().zip(chosen.into_iter().map(Option::unwrap_or_default)).collect();
    chosen.insert("topic", "some".to_owned());
    let state = place.metabase.state();
    let password = state.databases[0]["details"]["password"].as_str().expect("a text");
    let reader = format!("postgresql://metabase_ro:{password}@127.0.0.1:{}/viewtide", place.server.port());
    let mut asked = 0;
    let mut wrong = Vec::new();
    for dashboard in &state.dashboards {
        let choices: BTreeMap<String, Choice> = list(&dashboard["parameters"])
            .iter()
            .map(|parameter| (parameter["id"].as_str().expect("a text").to_owned(), choices_of(parameter, &chosen)))
            .collect();
        for dashcard in list(&dashboard["dashcards"]) {
            let card = state.cards.iter().find(|of| of["id"] == dashcard["card_id"]).expect("a card");
            asked += check_card(&state, card, &reader, &choices, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked > 200, "{asked} queries");
}

/// Asks a card with nothing chosen, with each choice, and with all; returns how many times.
fn check_card(
    state: &State,
    card: &Value,
    reader: &str,
    choices: &BTreeMap<String, Choice>,
    wrong: &mut Vec<String>,
) -> usize {
    let (name, native) = (card["name"].as_str().expect("a text"), &card["dataset_query"]["native"]);
    let sql = |choices: &Choices| filled(native, choices, &|field| state.column(field)).expect(name);
    let tags: Vec<&String> = native["template-tags"].as_object().map(|tags| tags.keys().collect()).unwrap_or_default();
    let mut combinations = vec![Choices::new()];
    for tag in &tags {
        combinations.extend(choices[*tag].some.iter().map(|some| Choices::from([((*tag).clone(), some.clone())])));
    }
    combinations.push(tags.iter().map(|tag| ((*tag).clone(), choices[*tag].some[0].clone())).collect());
    let mut plain = None;
    for combination in &combinations {
        match ask(reader, &sql(combination)) {
            Err(error) => wrong.push(format!("{name} with {combination:?}: {error}")),
            Ok((_, rows)) if rows.is_empty() => wrong.push(format!("{name} with {combination:?}: no rows")),
            Ok((columns, rows)) => {
                let missing: Vec<String> = columns_in(&card["visualization_settings"])
                    .into_iter()
                    .filter(|name| !columns.contains(name))
                    .collect();
                if !missing.is_empty() {
                    wrong.push(format!("{name}: {missing:?} are not among {columns:?}"));
                }
                if rows.len() > 2_000 {
                    wrong.push(format!("{name}: {} rows, and Metabase shows 2,000", rows.len()));
                }
                plain.get_or_insert(rows);
            }
        }
    }
    for tag in &tags {
        let Some(none) = &choices[*tag].none else { continue };
        let nothing = ask(reader, &sql(&Choices::from([((*tag).clone(), none.clone())])));
        if nothing.as_ref().map(|(_, rows)| rows).ok() == plain.as_ref() {
            wrong.push(format!("{name}: the filter {tag} changes nothing"));
        }
    }
    check_bound(name, native, &tags, choices, reader, &sql, wrong);
    combinations.len()
}

/// Metabase sends each text apart from the SQL, and once for every place where it stands.
fn check_bound(
    name: &str,
    native: &Value,
    tags: &[&String],
    choices: &BTreeMap<String, Choice>,
    reader: &str,
    sql: &dyn Fn(&Choices) -> String,
    wrong: &mut Vec<String>,
) {
    let texts = tags.iter().filter(|tag| native["template-tags"][**tag]["type"] == "text");
    let marked: Choices = texts.map(|tag| ((*tag).clone(), format!("<{tag}>"))).collect();
    let mut bound = String::new();
    let mut values: Vec<String> = Vec::new();
    let marked_sql = sql(&marked);
    let mut rest = marked_sql.as_str();
    while let Some((before, (tag, after))) =
        rest.split_once("'<").and_then(|(before, rest)| Some((before, rest.split_once(">'")?)))
    {
        values.push(choices[tag].some[0].clone());
        bound += &format!("{before}${}", values.len());
        rest = after;
    }
    bound += rest;
    let asked = with_client(reader, async |client| {
        let types = vec![tokio_postgres::types::Type::VARCHAR; values.len()];
        let statement = client.prepare_typed(&bound, &types).await?;
        let values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        client.query(&statement, &values).await
    });
    match asked {
        Err(error) => wrong.push(format!("{name}, with texts apart: {error:?}")),
        Ok(rows) if rows.is_empty() => wrong.push(format!("{name}, with texts apart: no rows")),
        Ok(_) => {}
    }
}
