//! What came of a retraining, into the tables.

use tokio_postgres::{Client, Transaction};
use viewtide_models::contest::Judgement;
use viewtide_models::task::HORIZONS_HOURS;

use crate::limits::MODELS_KEPT_MAX;
use crate::registry::RegistryError;
use crate::registry::change::{self, Status, Switched};
use crate::retrain::round::Challenger;

/// What became of a challenger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registered {
    /// It is in use.
    Promoted(Switched),
    /// It is not better, and has this version.
    Rejected(i32),
    /// Somebody put another model into use meanwhile, which it was not compared with; it has this version.
    Added(i32),
}

const METRICS: &str = "
    INSERT INTO model_metrics (run_id, metric_name, model_name, metric_value)
    SELECT $1, name, $2, value FROM unnest($3::text[], $4::double precision[]) AS metric (name, value)";

/// Old versions that nothing goes back to.
const PRUNE: &str = "
    DELETE FROM models m
    WHERE model_name = $1 AND status IN ('retired', 'rejected') AND version <= $2
          AND NOT EXISTS (SELECT FROM models a WHERE a.model_name = m.model_name AND a.status = 'active'
                          AND a.replaces = m.version)";

/// Held to the end of the transaction, so that nobody takes over between this and its commit.
const INCARNATION: &str = "SELECT incarnation FROM viewtide_progress FOR SHARE";

/// Writes it, and puts it into use where it is better than version `judged`, which it was compared with. `began` names the run.
///
/// # Errors
/// The server's; another process that has taken over. Nothing is written then.
pub(super) async fn register(
    client: &mut Client,
    incarnation: i64,
    challenger: &Challenger,
    judged: Option<i32>,
    began: &str,
) -> Result<Registered, RegistryError> {
    let db = RegistryError::while_doing("registering a retraining");
    let metric = challenger.artifact.manifest.metric;
    let transaction = change::begin(client).await?;
    let is_as_judged = change::in_use(&transaction, metric).await? == judged;
    let is_promoted = is_as_judged && challenger.is_better();
    let status = if is_as_judged && !is_promoted { Status::Rejected } else { Status::Candidate };
    let version = change::add(&transaction, &challenger.artifact, &challenger.bytes, status, true).await?;
    let registered = match (is_promoted, status) {
        (true, _) => Registered::Promoted(change::promote(&transaction, metric, version).await?),
        (false, Status::Rejected) => Registered::Rejected(version),
        (false, Status::Candidate) => Registered::Added(version),
    };
    let figures = figures(challenger, is_promoted, version);
    let (names, values): (Vec<&String>, Vec<f64>) = figures.iter().map(|(name, value)| (name, *value)).unzip();
    let run_id = format!("{}-{version}-{began}", metric.name());
    transaction.execute(METRICS, &[&run_id, &metric.name(), &names, &values]).await.map_err(&db)?;
    let oldest = version.saturating_sub(MODELS_KEPT_MAX);
    let pruned = transaction.execute(PRUNE, &[&metric.name(), &oldest]).await.map_err(&db)?;
    fence(&transaction, incarnation).await?;
    change::commit(transaction).await?;
    if pruned > 0 {
        tracing::info!(model = metric.name(), pruned, "old versions are deleted: {MODELS_KEPT_MAX} are kept");
    }
    Ok(registered)
}

async fn fence(transaction: &Transaction<'_>, incarnation: i64) -> Result<(), RegistryError> {
    let db = RegistryError::while_doing("looking who has the tables");
    let stored = transaction.query_opt(INCARNATION, &[]).await.map_err(db)?.map(|row| row.get::<_, i64>(0));
    if stored == Some(incarnation) { Ok(()) } else { Err(RegistryError::Fenced) }
}

/// All that is known of it, by name; what is not known is left out.
fn figures(challenger: &Challenger, is_promoted: bool, version: i32) -> Vec<(String, f64)> {
    let Challenger { videos, samples: [trained, judged], elapsed, .. } = challenger;
    let mut figures = vec![
        ("version".to_owned(), f64::from(version)),
        ("promoted".to_owned(), f64::from(u8::from(is_promoted))),
        ("seconds".to_owned(), elapsed.as_secs_f64()),
        ("videos".to_owned(), *videos as f64),
        ("rows_trained".to_owned(), *trained as f64),
        ("rows_judged".to_owned(), *judged as f64),
    ];
    of_judgement(&mut figures, "", &challenger.judgement);
    if let Some(incumbent) = &challenger.incumbent {
        of_judgement(&mut figures, "incumbent_", incumbent);
    }
    figures.retain(|(_, value)| value.is_finite());
    figures
}

fn of_judgement(figures: &mut Vec<(String, f64)>, whose: &str, judgement: &Judgement) {
    figures.push((format!("{whose}loss"), judgement.loss));
    for (hours, of_horizon) in HORIZONS_HOURS.into_iter().zip(&judgement.horizons) {
        let Some(of_horizon) = of_horizon else { continue };
        let named = [
            ("rows", Some(of_horizon.origins as f64)),
            ("loss", Some(of_horizon.loss)),
            ("mae", Some(of_horizon.mae)),
            ("mse", Some(of_horizon.mse)),
            ("rmse", Some(of_horizon.mse.sqrt())),
            ("r2", of_horizon.r2),
            ("relative_error", of_horizon.relative_error),
            ("coverage", Some(of_horizon.coverage)),
        ];
        figures.extend(named.iter().filter_map(|(name, value)| Some((format!("{whose}{name}_{hours}h"), (*value)?))));
    }
}
