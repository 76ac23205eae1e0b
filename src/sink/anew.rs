//! A topic that was deleted and created again, begun anew.
//!
//! What is stored is of the old one: its positions mean nothing in the new one. So one transaction replaces identity and
//! positions and writes the gaps, and every reader of every process then begins where it says. A crash before it leaves the
//! old topic, which the next start finds gone again.

use std::fmt;
use std::sync::Arc;

use tokio_postgres::Client;

use crate::sink::takeover::{RetentionInForce, Stored, json};
use crate::sink::{SinkConfig, SinkError, gaps};
use crate::source::{Beside, Gap, Input, OnLostOffsets, Partition, Source, SourceIdentity, spans_of};

/// Which topics may be begun anew, and where: the source knows.
#[derive(Clone)]
pub struct Anew(pub Arc<dyn Source>);

impl fmt::Debug for Anew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Anew").field(&self.0.on_lost_offsets()).finish()
    }
}

impl Anew {
    /// Makes sure that `ours` is what is stored, or may be begun anew in its place.
    pub(super) fn check(&self, what: String, stored: &SourceIdentity, ours: &SourceIdentity) -> Result<(), SinkError> {
        match stored.created_again(ours) {
            _ if stored == ours => Ok(()),
            Some(_) if self.0.on_lost_offsets() == OnLostOffsets::Earliest => Ok(()),
            Some((before, after)) => Err(SinkError::CreatedAgain {
                topic: match ours {
                    SourceIdentity::Kafka { topic, .. } => topic.clone(),
                    SourceIdentity::Csv { .. } => String::new(),
                },
                before: before.to_owned(),
                after: after.to_owned(),
            }),
            None => Err(SinkError::Mismatch { what, stored: stored.to_string(), ours: ours.to_string() }),
        }
    }
}

const REPLACE: &str = "
    UPDATE viewtide_progress
    SET source = $2::text::jsonb, beside = beside || $3::text::jsonb, positions = $4::text::jsonb,
        retentions = coalesce($5::text::jsonb, retentions)
    WHERE incarnation = $1";

/// Begins anew what is not what it was, by `before` (every input as it is stored); returns what is stored then. The
/// incarnation is ours, and the schema up to date.
pub(super) async fn begin_anew(
    client: &mut Client,
    config: &SinkConfig,
    before: &Beside,
    mut stored: Stored,
) -> Result<Stored, SinkError> {
    let mut now = config.beside.clone();
    now.insert(Input::Snapshots, config.source.clone());
    let mut gaps: Vec<Gap> = Vec::new();
    for (input, before) in before.iter().filter(|(input, _)| now.contains_key(input)) {
        let spans = spans_of(&stored.positions, *input);
        gaps.append(&mut config.anew.0.begun_anew(*input, before, &spans)?);
    }
    if gaps.is_empty() && now.iter().all(|(input, now)| before.get(input).is_none_or(|before| before == now)) {
        return Ok(stored);
    }
    for gap in &gaps {
        let partition = Partition { input: gap.input, number: gap.partition };
        match (gap.next_read, stored.positions.get_mut(&partition)) {
            (Some(next), Some(span)) => span.next = next,
            _ => drop(stored.positions.remove(&partition)),
        }
    }
    // Offsets of the new topic say nothing of when a retention of the old one began.
    let retentions = gaps
        .iter()
        .any(|gap| gap.input == Input::Snapshots)
        .then(|| json(&[RetentionInForce { retention_us: config.retention_us, since: Default::default() }]))
        .transpose()?;
    let db = SinkError::while_doing("beginning a topic anew");
    let transaction = client.transaction().await.map_err(&db)?;
    let (source, beside, positions) = (json(&config.source)?, json(&config.beside)?, json(&stored.positions)?);
    let replaced = transaction
        .execute(REPLACE, &[&stored.incarnation, &source, &beside, &positions, &retentions])
        .await
        .map_err(&db)?;
    if replaced != 1 {
        return Err(SinkError::Progress("has lost its row".to_owned()));
    }
    gaps::write(&transaction, &gaps).await?;
    transaction.commit().await.map_err(&db)?;
    gaps::say(&gaps);
    stored.gaps = gaps.len() as u64;
    Ok(stored)
}
