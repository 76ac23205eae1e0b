//! Dead letters as a person looks at them: a table and how many there are of which kind, or a line of JSON each.

use std::io::{self, Write};
use std::pin::pin;

use comfy_table::{CellAlignment, Table, presets};
use futures_util::TryStreamExt;
use tokio_postgres::Row;

use crate::dead_letters::DeadLettersError;
use crate::dead_letters::filter::{CONDITION, Filter, ORDER, Params};
use crate::dead_letters::stored::StoredLetters;
use crate::limits::{DEAD_LETTERS_LISTED, PAYLOAD_SHOWN_CHARS_MAX, REASONS_SHOWN_MAX};

/// Kinds of reasons and how many there are of each: what differs in numbers, or in the value that it found, is one kind.
const BY_REASON: &str = "
    SELECT CASE WHEN min(reason) = max(reason) THEN min(reason) ELSE kind END, count(*), sum(count(*)) OVER ()::bigint
    FROM (SELECT reason, regexp_replace(regexp_replace(reason, ', not .*', ', not ..'), '[0-9]+', '#', 'g') AS kind
          FROM dead_letters WHERE";

/// Writes a table of them, the first [`DEAD_LETTERS_LISTED`] where no limit is given, and a line that counts all of them by
/// reason.
///
/// # Errors
/// The server's, and those of `out`.
pub async fn list_table(
    letters: &StoredLetters<'_>,
    filter: &Filter,
    out: &mut dyn Write,
) -> Result<(), DeadLettersError> {
    let shown = Filter { limit: Some(filter.limit.unwrap_or(DEAD_LETTERS_LISTED)), ..filter.clone() };
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "topic",
        "partition",
        "offset",
        "item",
        "before gap",
        "reason",
        "bytes",
        "received (UTC)",
        "begins with",
    ]);
    let mut rows = 0;
    each(letters, &shown, |letter| {
        rows += 1;
        let item = if letter.item == 0 { String::new() } else { letter.item.to_string() };
        let [bytes, begin] = match letter.bytes {
            Some(bytes) => [bytes.to_string(), escaped(&letter.begin)],
            None => ["none".to_owned(), String::new()],
        };
        table.add_row([
            letter.topic,
            letter.partition.to_string(),
            letter.offset.to_string(),
            item,
            if letter.before_gap == 0 { String::new() } else { letter.before_gap.to_string() },
            letter.reason,
            bytes,
            letter.received_at.replacen('T', " ", 1).replace('Z', ""),
            begin,
        ]);
        Ok(true)
    })
    .await?;
    for column in [1, 2, 3, 4, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let (all, kinds) = by_reason(letters, filter).await?;
    let mut closing = if rows > 0 { format!("{table}\n") } else { String::new() };
    closing += &format!("{all} dead letter(s)");
    if rows < all {
        closing += &format!(", {rows} of them shown (--limit N shows more, --format json all of them)");
    }
    if !kinds.is_empty() {
        closing += &format!(": {}", kinds.join("; "));
    }
    write(out, &closing)?;
    out.flush().map_err(standard_output)
}

/// Writes each as a JSON object on a line of its own.
///
/// # Errors
/// The server's, and those of `out`.
pub async fn list_json(
    letters: &StoredLetters<'_>,
    filter: &Filter,
    out: &mut dyn Write,
) -> Result<(), DeadLettersError> {
    each(letters, filter, |letter| {
        let line = serde_json::json!({
            "topic": letter.topic,
            "partition": letter.partition,
            "offset": letter.offset,
            "item": letter.item,
            "before_gap": letter.before_gap,
            "reason": letter.reason,
            "bytes": letter.bytes,
            "received_at": letter.received_at,
            "begins_with": letter.bytes.map(|_| escaped(&letter.begin)),
        });
        write(out, &line.to_string()).map(|()| true)
    })
    .await?;
    out.flush().map_err(standard_output)
}

fn write(out: &mut dyn Write, line: &str) -> Result<(), DeadLettersError> {
    writeln!(out, "{line}").map_err(standard_output)
}

/// Standard output does not take what is written.
pub(super) fn standard_output(error: io::Error) -> DeadLettersError {
    DeadLettersError::Write { file: "standard output".to_owned(), error }
}

/// What is listed of a dead letter.
struct Listed {
    topic: String,
    partition: i32,
    offset: i64,
    item: i32,
    reason: String,
    bytes: Option<i32>,
    received_at: String,
    begin: Vec<u8>,
    before_gap: i64,
}

impl Listed {
    fn of(row: &Row) -> Self {
        Self {
            topic: row.get(0),
            partition: row.get(1),
            offset: row.get(2),
            item: row.get(3),
            reason: row.get(4),
            bytes: row.get(5),
            received_at: row.get(6),
            begin: row.get::<_, Option<_>>(7).unwrap_or_default(),
            before_gap: row.get(8),
        }
    }
}

async fn each(
    letters: &StoredLetters<'_>,
    filter: &Filter,
    mut take: impl FnMut(Listed) -> Result<bool, DeadLettersError>,
) -> Result<(), DeadLettersError> {
    let db = DeadLettersError::while_doing("listing dead_letters");
    // A character has up to four bytes, and one more tells that there is more.
    let begin_bytes = 4 * (PAYLOAD_SHOWN_CHARS_MAX + 1);
    let sql = format!(
        "SELECT topic, \"partition\", kafka_offset, item, reason, octet_length(payload),
                to_char(received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                substring(payload FROM 1 FOR {begin_bytes}), before_gap
         FROM dead_letters WHERE {CONDITION} ORDER BY {ORDER} LIMIT $9::bigint"
    );
    let rows = letters.transaction.query_raw(&sql, Params::of(filter).with_limit()).await.map_err(&db)?;
    let mut rows = pin!(rows);
    while let Some(row) = rows.try_next().await.map_err(&db)? {
        if !take(Listed::of(&row))? {
            break;
        }
    }
    Ok(())
}

/// How many there are, whatever the limit, and how many of which kind, the most frequent first.
async fn by_reason(letters: &StoredLetters<'_>, filter: &Filter) -> Result<(u64, Vec<String>), DeadLettersError> {
    let sql = format!("{BY_REASON} {CONDITION}) AS chosen GROUP BY kind ORDER BY 2 DESC, 1 LIMIT {REASONS_SHOWN_MAX}");
    let rows = letters.transaction.query(&sql, &Params::of(filter).condition()).await;
    let rows = rows.map_err(DeadLettersError::while_doing("counting dead letters by reason"))?;
    let all = rows.first().map_or(0, |row| row.get::<_, i64>(2));
    let counted: i64 = rows.iter().map(|row| row.get::<_, i64>(1)).sum();
    let mut kinds: Vec<_> =
        rows.iter().map(|row| format!("{} x {}", row.get::<_, i64>(1), row.get::<_, &str>(0))).collect();
    if counted < all {
        kinds.push(format!("{} x others", all - counted));
    }
    Ok((u64::try_from(all).unwrap_or(0), kinds))
}

/// The first characters of a payload, fit for a terminal. Quotes stay as they are, so that JSON can be read.
pub(super) fn escaped(payload: &[u8]) -> String {
    let text = String::from_utf8_lossy(payload);
    let mut shown = String::new();
    let mut chars = text.chars();
    for char in chars.by_ref().take(PAYLOAD_SHOWN_CHARS_MAX) {
        match char {
            '"' | '\'' | '\\' => shown.push(char),
            other => shown.extend(other.escape_debug()),
        }
    }
    if chars.next().is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_shortened_and_do_not_disturb_a_terminal() {
        assert_eq!(escaped(b"{\"a\": 1}"), "{\"a\": 1}");
        assert_eq!(escaped(b"a\x1b[2J\n\0\xff"), "a\\u{1b}[2J\\n\\0\u{fffd}");
        let long = "ä".repeat(PAYLOAD_SHOWN_CHARS_MAX + 1);
        assert_eq!(escaped(long.as_bytes()), "ä".repeat(PAYLOAD_SHOWN_CHARS_MAX) + "...");
    }
}
