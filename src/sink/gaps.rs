//! What was gone before it was read, into `lost_offsets`.

use tokio_postgres::Transaction;

use crate::sink::SinkError;
use crate::source::{Gap, Input, LostReason};

/// Where a partition begins anew, its offsets come a second time; dead letters at those places make room.
const WRITE: &str = "
    WITH written AS (
        INSERT INTO lost_offsets (topic, \"partition\", first_lost, next_read, reason, topic_id_before, topic_id_after)
        SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[])
        RETURNING id, topic, \"partition\", first_lost, next_read, reason
    )
    UPDATE dead_letters AS letter SET before_gap = written.id FROM written
    WHERE letter.topic = written.topic AND letter.\"partition\" = written.\"partition\"
      AND letter.before_gap = 0
      AND (written.reason = 'created_again'
           OR (written.next_read <= written.first_lost AND letter.kafka_offset >= written.next_read))";

/// A partition that is shorter than it was is read again, all of it with the retention that is in force now.
const RETENTION_SINCE: &str = "
    UPDATE viewtide_progress SET retentions = jsonb_set(retentions, ARRAY['-1', 'since', $1], to_jsonb($2::bigint))";

/// Writes them; there are none but for once in a long while.
pub(super) async fn write(transaction: &Transaction<'_>, gaps: &[Gap]) -> Result<(), SinkError> {
    if gaps.is_empty() {
        return Ok(());
    }
    let topics: Vec<&str> = gaps.iter().map(|gap| gap.topic.as_str()).collect();
    let partitions: Vec<i32> = gaps.iter().map(|gap| gap.partition as i32).collect();
    let first_lost: Vec<i64> = gaps.iter().map(|gap| gap.first_lost as i64).collect();
    let next_read: Vec<Option<i64>> = gaps.iter().map(|gap| gap.next_read.map(|next| next as i64)).collect();
    let reasons: Vec<&str> = gaps.iter().map(|gap| gap.reason.name()).collect();
    let before: Vec<Option<&str>> = gaps.iter().map(|gap| gap.topic_id_before.as_deref()).collect();
    let after: Vec<Option<&str>> = gaps.iter().map(|gap| gap.topic_id_after.as_deref()).collect();
    transaction
        .execute(WRITE, &[&topics, &partitions, &first_lost, &next_read, &reasons, &before, &after])
        .await
        .map_err(SinkError::while_doing("writing lost_offsets"))?;
    let is_read_again = |gap: &&Gap| gap.input == Input::Snapshots && gap.reason == LostReason::Truncated;
    for gap in gaps.iter().filter(is_read_again) {
        let Some(next) = gap.next_read else { continue };
        transaction
            .execute(RETENTION_SINCE, &[&gap.partition.to_string(), &(next as i64)])
            .await
            .map_err(SinkError::while_doing("writing since when the retention is in force"))?;
    }
    Ok(())
}

/// Says them, once they are durable.
pub(super) fn say(gaps: &[Gap]) {
    for gap in gaps {
        tracing::warn!("{gap}. The gap is kept in the table lost_offsets");
    }
}
