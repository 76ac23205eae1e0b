//! How good the forecasts were, beside every naive one, and which models make them.

use std::time::Duration;

use jiff::Timestamp;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use viewtide_models::task::{HORIZONS_HOURS, Metric};

use crate::http::parts::{self, Tile, head, number, rate, text, time_and_age, wide};
use crate::http::view::{Kept, Question, View, Views};
use crate::http::{figures, metric};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(super) struct Asked {
    #[serde(default = "metric::usual")]
    metric: Metric,
    #[serde(default)]
    basis: Basis,
    #[serde(default)]
    span: Span,
}

/// Forecasts of videos with the last 20 hourly steps, or without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Basis {
    #[default]
    Full,
    Short,
}

/// Of how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Span {
    #[default]
    Total,
    #[serde(rename = "7d")]
    Days7,
}

impl Basis {
    const ALL: [(Self, &'static str); 2] = [(Self::Full, "20 hours known"), (Self::Short, "fewer known")];

    fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Short => "short",
        }
    }
}

impl Span {
    const ALL: [(Self, &'static str); 2] = [(Self::Total, "all"), (Self::Days7, "last 7 days")];

    fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Days7 => "7d",
        }
    }
}

/// What a method of `forecast_scores` or a member is called.
pub(super) fn method_name(method: &str) -> String {
    let (name, version) = method.split_once(':').unwrap_or((method, ""));
    match (name, version) {
        ("member", member) => method_name(member),
        ("blend", version) => format!("Blend, model version {version}"),
        ("issued", _) => "Issued".to_owned(),
        ("trend", _) => "Issued without a network".to_owned(),
        ("lstm", _) => "LSTM".to_owned(),
        ("last_value", _) => "No change".to_owned(),
        ("last_increment", _) => "As many as before".to_owned(),
        ("ewma_3", _) => "Weighted mean, 3 h".to_owned(),
        ("ewma_6", _) => "Weighted mean, 6 h".to_owned(),
        ("mean_24", _) => "Mean of 24 h".to_owned(),
        ("median_24", _) => "Median of 24 h".to_owned(),
        ("same_hours_yesterday", _) => "Same hours yesterday".to_owned(),
        ("power_law", _) => "Power law of age".to_owned(),
        ("blend_of_all", _) => "Blend of all".to_owned(),
        ("blend_of_naives", _) => "Blend of the naive ones".to_owned(),
        (other, _) => other.replace('_', " "),
    }
}

/// The page.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Forecasts {
    /// By horizon, then the best first.
    scores: Vec<Score>,
    newest_target_hour: Option<Timestamp>,
    models: Vec<Model>,
}

/// As in `forecast_scores`.
#[derive(Debug, Serialize, Deserialize)]
struct Score {
    method: String,
    horizon_hours: u32,
    forecasts: i64,
    mae: Option<f64>,
    rmse: Option<f64>,
    mase: Option<f64>,
    mape: Option<f64>,
    r2: Option<f64>,
    directional_accuracy: Option<f64>,
    interval_coverage: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Model {
    model_name: String,
    version: i32,
    status: String,
    trained_at: Option<Timestamp>,
    created_at: Timestamp,
    replaces: Option<i32>,
}

impl View for Forecasts {
    const NAME: &'static str = "forecasts";
    const NONE: &'static str = "There are no forecasts.";
    /// Sums over every hour that was forecast, which move slowly.
    const AGE_MAX: Duration = Duration::from_secs(30);
    type Asked = Asked;

    fn kept(views: &Views) -> &Kept<Self> {
        &views.forecasts
    }

    fn question(asked: &Asked) -> Question {
        Question {
            sql: include_str!("forecasts/forecasts.sql").to_owned(),
            params: [asked.metric.name(), asked.basis.name(), asked.span.name()].map(Question::param).into(),
        }
    }

    fn title(&self, _: &Asked) -> String {
        "Forecasts".to_owned()
    }

    fn main(&self, asked: &Asked) -> Markup {
        html! {
            p {
                "What was forecast beside what came: scored in the open, the network beside every naive forecast, all on the "
                "same videos and hours."
                @if let Some(hour) = self.newest_target_hour { " The newest scored target is of the hour of " (time_and_age(hour)) "." }
            }
            (choices(asked))
            @if self.scores.is_empty() {
                p { "No such forecast's outcome is known yet." }
            } @else {
                (self.coverage())
                @for hours in HORIZONS_HOURS { (self.of_horizon(hours, asked.metric)) }
            }
            (self.models())
        }
    }
}

/// Of which counter, from how much, over how long.
fn choices(asked: &Asked) -> Markup {
    let address = |metric: &str, basis: Basis, span: Span| {
        format!("/forecasts?basis={}&span={}&metric={metric}", basis.name(), span.name())
    };
    html! {
        (metric::choices(asked.metric, &address("", asked.basis, asked.span)))
        nav.choices aria-label="What is known of a video" {
            @for (basis, name) in Basis::ALL {
                a href=(address(asked.metric.name(), basis, asked.span)) aria-current=[(basis == asked.basis).then_some("true")] {
                    (name)
                }
            }
        }
        nav.choices aria-label="Time span" {
            @for (span, name) in Span::ALL {
                a href=(address(asked.metric.name(), asked.basis, span)) aria-current=[(span == asked.span).then_some("true")] {
                    (name)
                }
            }
        }
    }
}

impl Forecasts {
    fn of(&self, horizon_hours: u32) -> impl Iterator<Item = &Score> {
        self.scores.iter().filter(move |score| score.horizon_hours == horizon_hours)
    }

    /// How often what came lay in the interval.
    fn coverage(&self) -> Markup {
        let tiles: Vec<Tile> = HORIZONS_HOURS
            .into_iter()
            .filter_map(|hours| {
                let issued = self.of(hours).find(|score| score.method == "issued")?;
                let covered = issued.interval_coverage.map(|share| format!("{:.1} %", 100.0 * share));
                let note = format!("of {} outcomes in the 80 % interval", figures::count(issued.forecasts));
                Some(Tile::new(format!("{hours} h ahead"), covered, note))
            })
            .collect();
        html! {
            section aria-labelledby="coverage" {
                h2 #coverage { "Coverage" }
                (parts::tiles(&tiles))
            }
        }
    }

    fn of_horizon(&self, hours: u32, metric: Metric) -> Markup {
        let id = format!("horizon-{hours}");
        // That nothing changes is so far off that the others would look the same beside it.
        let others = self.of(hours).filter(|score| !score.method.ends_with("last_value"));
        let worst = others.filter_map(|score| score.mae).fold(f64::MIN_POSITIVE, f64::max);
        let [n, mae] = ["Forecasts".to_owned(), format!("Mean error, {}", metric.name())].map(number);
        let more = ["By that of no change", "Root mean square", "Percent", "R²", "Right direction"].map(number);
        let columns = [text("Method"), n, mae, text("As a bar")].into_iter().chain(more);
        html! {
            section aria-labelledby=(id) {
                h2 id=(id) { (hours) @if hours == 1 { " hour ahead" } @else { " hours ahead" } }
                (wide(&id, &html! {
                    table.scores {
                        (head(columns))
                        tbody { @for score in self.of(hours) { (score.row(worst)) } }
                    }
                }))
            }
        }
    }

    fn models(&self) -> Markup {
        let [status, trained, added] = ["Status", "Trained", "Added"].map(text);
        let columns = [text("Model"), number("Version"), status, trained, added, number("In place of")];
        let or_else = |text: Option<String>, other: &str| text.unwrap_or_else(|| other.to_owned());
        html! {
            section aria-labelledby="models" {
                h2 #models { "Models" }
                @if self.models.is_empty() {
                    p { "There is none: forecasts are made by the naive methods." }
                } @else {
                    (wide("models", &html! {
                        table {
                            (head(columns))
                            tbody {
                                @for model in &self.models {
                                    tr {
                                        td { (model.model_name) }
                                        td.number { (model.version) }
                                        td { (model.status) }
                                        td { (or_else(model.trained_at.map(time_and_age), "came with viewtide")) }
                                        td { (time_and_age(model.created_at)) }
                                        td.number { (or_else(model.replaces.map(|version| version.to_string()), "-")) }
                                    }
                                }
                            }
                        }
                    }))
                }
            }
        }
    }
}

impl Score {
    fn row(&self, worst: f64) -> Markup {
        let ratio = |ratio: Option<f64>| ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"));
        let percent =
            |percent: Option<f64>| percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.1} %"));
        let is_issued = self.method == "issued";
        html! {
            tr class=[is_issued.then_some("issued")] {
                td { (method_name(&self.method)) }
                td.number { (figures::count(self.forecasts)) }
                td.number { (rate(self.mae)) }
                td { (bar(self.mae.unwrap_or_default() / worst)) }
                td.number { (ratio(self.mase)) }
                td.number { (rate(self.rmse)) }
                td.number { (percent(self.mape)) }
                td.number { (ratio(self.r2)) }
                td.number { (percent(self.directional_accuracy.map(|share| 100.0 * share))) }
            }
        }
    }
}

/// A share of the longest one, cut off there; it says nothing that does not stand beside it.
fn bar(share: f64) -> Markup {
    html! {
        svg.share viewBox="0 0 100 10" width="100" height="10" aria-hidden="true" {
            rect.bar y="1" height="8" width=(format!("{:.1}", 100.0 * share.min(1.0))) {}
        }
    }
}

#[cfg(test)]
mod tests {
    use viewtide_models::forecasting::terms::member_names;

    use super::*;

    #[test]
    fn every_member_has_a_name_that_people_read() {
        for member in member_names() {
            let name = method_name(&format!("member:{member}"));
            assert!(!name.contains('_') && name != member, "{member}: {name}");
        }
        assert_eq!(method_name("blend:3"), "Blend, model version 3");
    }
}
