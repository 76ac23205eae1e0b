//! What was gone before it was read, into `lost_offsets`.

use tokio_postgres::Transaction;

use crate::sink::SinkError;
use crate::source::Gap;

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
    Ok(())
}

/// Says them, once they are durable.
pub(super) fn say(gaps: &[Gap]) {
    for gap in gaps {
        tracing::warn!("{gap}. The gap is kept in the table lost_offsets");
    }
}
