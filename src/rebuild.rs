//! `rebuild`: derived columns and tables made anew from the raw rows, by the definitions that `verify` compares with.
//!
//! It holds the lock on progress from its beginning to its end. A sink that runs meanwhile waits at the first statement of
//! its next transaction, so neither ever sees half of the other; and since both give the same rows, neither undoes the other.
//! But a dataflow ranks by the trends that it has loaded, and knows the videos: where those were not right, or [`Changes`] are
//! made, what runs is ended, and its next start loads what is right.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Transaction};

use crate::sink::outputs::Outputs;
use crate::sink::tables::videos::source_name;
use crate::source::Input;
use crate::verify::VerifyError;
use crate::verify::definitions::{Definition, definitions};
use crate::verify::stored::StoredProgress;

/// Rows that were changed, made or removed, by table.
pub type Rebuilt = BTreeMap<&'static str, u64>;

/// What is to be otherwise from now on; a sink that runs as before then ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Changes {
    /// These are computed, where they are given.
    pub outputs: Option<Outputs>,
    /// What the file of videos said is taken back, so that the next run may read another one.
    pub forget_videos_file: bool,
}

/// Makes every derived table what its definition says, in one transaction; rows that are right are left alone.
pub async fn rebuild(client: &mut Client, changes: Changes) -> Result<Rebuilt, VerifyError> {
    let transaction = client.transaction().await.map_err(VerifyError::while_doing("beginning"))?;
    // Looks whether there is anything to lock.
    StoredProgress::read(&transaction).await?;
    transaction
        .batch_execute(
            "SET LOCAL work_mem = '256MB'; SET LOCAL jit = off; SET LOCAL TimeZone = 'UTC'; \
             SELECT FROM viewtide_progress FOR UPDATE",
        )
        .await
        .map_err(VerifyError::while_doing("waiting for the sink"))?;
    // Once more: another rebuild may have changed it meanwhile.
    let stored = StoredProgress::read(&transaction).await?;
    let outputs = changes.outputs.unwrap_or(stored.outputs);
    let mut rebuilt = Rebuilt::new();
    if changes.forget_videos_file {
        rebuilt.insert("videos", forget_videos_file(&transaction, &stored).await?);
    }
    for definition in definitions(outputs) {
        rebuilt.insert(definition.table, rebuild_table(&transaction, &definition).await?);
    }
    let ranks_wrong = rebuilt["trends"] + rebuilt["trending"] > 0;
    if outputs != stored.outputs || changes.forget_videos_file || ranks_wrong {
        transaction
            .execute("UPDATE viewtide_progress SET outputs = $1, incarnation = incarnation + 1", &[&outputs.names()])
            .await
            .map_err(VerifyError::while_doing("ending what runs on the tables of before"))?;
    }
    transaction.commit().await.map_err(VerifyError::while_doing("committing"))?;
    Ok(rebuilt)
}

/// Takes back what the file of videos said, its dead letters, and that it was read. It is the weakest source, so nothing is
/// left that it had hidden. Returns the rows of `videos` that go.
async fn forget_videos_file(transaction: &Transaction<'_>, stored: &StoredProgress) -> Result<u64, VerifyError> {
    let while_doing = || VerifyError::while_doing("forgetting the file of videos");
    let input = Input::VideosFile;
    let source = source_name(input.metadata_source());
    let rows = transaction.execute("DELETE FROM videos WHERE source = $1", &[&source]).await.map_err(while_doing())?;
    let Some(file) = stored.beside.get(&input) else { return Ok(rows) };
    transaction
        .execute(
            "DELETE FROM dead_letters WHERE topic = ANY($1) AND topic <> ALL($2)",
            &[&file.names(), &stored.source.names()],
        )
        .await
        .map_err(while_doing())?;
    let partitions = stored.positions.keys().filter(|partition| partition.input == input);
    let partitions: Vec<String> = partitions.map(ToString::to_string).collect();
    transaction
        .execute(
            "UPDATE viewtide_progress SET beside = beside - $1::text, positions = positions - $2::text[]",
            &[&input.to_string(), &partitions],
        )
        .await
        .map_err(while_doing())?;
    Ok(rows)
}

async fn rebuild_table(transaction: &Transaction<'_>, definition: &Definition) -> Result<u64, VerifyError> {
    let Definition { table, key, query, .. } = definition;
    let while_doing = || VerifyError::while_doing(format!("rebuilding {table}"));
    let columns: Vec<_> = definition.columns().collect();
    let assign = |column: &&str| format!("{column} = rebuilt.{column}");
    let written_at = definition.written_at.map(|column| format!("{column} = now()"));
    let assignments: Vec<String> = columns.iter().map(assign).chain(written_at).collect();
    transaction
        .batch_execute(&format!("CREATE TEMP TABLE rebuilt ON COMMIT DROP AS {query}; ANALYZE rebuilt"))
        .await
        .map_err(while_doing())?;
    let update = format!(
        "UPDATE {table} AS stored SET {} FROM rebuilt WHERE {} AND ROW({}) IS DISTINCT FROM ROW({})",
        assignments.join(", "),
        definition.same_key("stored", "rebuilt"),
        definition.bits("stored"),
        definition.bits("rebuilt"),
    );
    let mut rows = transaction.execute(&update, &[]).await.map_err(while_doing())?;
    if definition.defines_rows {
        let delete = format!(
            "DELETE FROM {table} AS stored WHERE NOT EXISTS (SELECT FROM rebuilt WHERE {})",
            definition.same_key("stored", "rebuilt")
        );
        let insert = format!(
            "INSERT INTO {table} ({0}, {1}) SELECT {0}, {1} FROM rebuilt ON CONFLICT DO NOTHING",
            key.join(", "),
            columns.join(", ")
        );
        rows += transaction.execute(&delete, &[]).await.map_err(while_doing())?;
        rows += transaction.execute(&insert, &[]).await.map_err(while_doing())?;
    }
    transaction.batch_execute("DROP TABLE rebuilt").await.map_err(while_doing())?;
    Ok(rows)
}
