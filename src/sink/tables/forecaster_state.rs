//! `forecaster_state`: what was learned of each video's forecasts.

use tokio_postgres::{Client, Statement, Transaction};
use viewtide_models::forecasting::LearnedState;

use crate::limits::MERGE_ROWS_MAX;
use crate::sink::SinkError;
use crate::sink::encode::IdParam;

/// Its statement.
pub struct ForecasterStateTable {
    upsert: Statement,
}

impl ForecasterStateTable {
    /// Prepares it.
    pub async fn prepare(client: &Client) -> Result<Self, SinkError> {
        let upsert = "INSERT INTO forecaster_state (video_id, state) SELECT * FROM unnest($1::text[], $2::bytea[])
                      ON CONFLICT (video_id) DO UPDATE SET state = EXCLUDED.state, updated_at = now()";
        let db = SinkError::while_doing("preparing the statement of forecaster_state");
        Ok(Self { upsert: client.prepare(upsert).await.map_err(&db)? })
    }

    /// Writes `states`, each video at most once.
    pub async fn write(&self, transaction: &Transaction<'_>, states: &[LearnedState]) -> Result<(), SinkError> {
        let db = SinkError::while_doing("writing forecaster_state");
        for states in states.chunks(MERGE_ROWS_MAX) {
            let ids: Vec<IdParam> = states.iter().map(|state| IdParam(state.video)).collect();
            let bytes: Vec<&[u8]> = states.iter().map(|state| &*state.bytes).collect();
            transaction.execute(&self.upsert, &[&ids, &bytes]).await.map_err(&db)?;
        }
        Ok(())
    }
}
