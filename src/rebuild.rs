//! `rebuild`: derived columns and tables made anew from the raw rows, by the definitions that `verify` compares with.
//!
//! It holds the lock on progress from its beginning to its end. A sink that runs meanwhile waits at the first statement of
//! its next transaction, so neither ever sees half of the other; and since both give the same rows, neither undoes the other.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Transaction};

use crate::verify::VerifyError;
use crate::verify::definitions::{Definition, definitions};
use crate::verify::stored::StoredProgress;

/// Rows that were changed, made or removed, by table.
pub type Rebuilt = BTreeMap<&'static str, u64>;

/// Makes every derived table what its definition says, in one transaction; rows that are right are left alone.
pub async fn rebuild(client: &mut Client) -> Result<Rebuilt, VerifyError> {
    let transaction = client.transaction().await.map_err(VerifyError::while_doing("beginning"))?;
    let stored = StoredProgress::read(&transaction).await?;
    transaction
        .batch_execute(
            "SET LOCAL work_mem = '256MB'; SET LOCAL jit = off; SET LOCAL TimeZone = 'UTC'; \
             SELECT FROM viewtide_progress FOR UPDATE",
        )
        .await
        .map_err(VerifyError::while_doing("waiting for the sink"))?;
    let mut rebuilt = Rebuilt::new();
    for definition in definitions(stored.outputs) {
        rebuilt.insert(definition.table, rebuild_table(&transaction, &definition).await?);
    }
    transaction.commit().await.map_err(VerifyError::while_doing("committing"))?;
    Ok(rebuilt)
}

async fn rebuild_table(transaction: &Transaction<'_>, definition: &Definition) -> Result<u64, VerifyError> {
    let Definition { table, time_key, query, .. } = definition;
    let while_doing = || VerifyError::while_doing(format!("rebuilding {table}"));
    let columns: Vec<_> = definition.columns().collect();
    let list = |side: &str| columns.iter().map(|column| format!("{side}{column}")).collect::<Vec<_>>().join(", ");
    let written_at = if definition.defines_rows { "updated_at" } else { "processed_at" };
    transaction
        .batch_execute(&format!("CREATE TEMP TABLE rebuilt ON COMMIT DROP AS {query}; ANALYZE rebuilt"))
        .await
        .map_err(while_doing())?;
    let update = format!(
        "UPDATE {table} AS stored SET ({}, {written_at}) = ({}, now()) FROM rebuilt \
         WHERE stored.video_id = rebuilt.video_id AND stored.{time_key} = rebuilt.{time_key} \
         AND ROW({}) IS DISTINCT FROM ROW({})",
        list(""),
        list("rebuilt."),
        definition.bits("stored"),
        definition.bits("rebuilt"),
    );
    let mut rows = transaction.execute(&update, &[]).await.map_err(while_doing())?;
    if definition.defines_rows {
        let delete = format!(
            "DELETE FROM {table} AS stored WHERE NOT EXISTS (SELECT FROM rebuilt \
             WHERE stored.video_id = rebuilt.video_id AND stored.{time_key} = rebuilt.{time_key})"
        );
        let insert = format!(
            "INSERT INTO {table} (video_id, {time_key}, {0}) SELECT video_id, {time_key}, {0} FROM rebuilt \
             ON CONFLICT DO NOTHING",
            list("")
        );
        rows += transaction.execute(&delete, &[]).await.map_err(while_doing())?;
        rows += transaction.execute(&insert, &[]).await.map_err(while_doing())?;
    }
    transaction.batch_execute("DROP TABLE rebuilt").await.map_err(while_doing())?;
    Ok(rows)
}
