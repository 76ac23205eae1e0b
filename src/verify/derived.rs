//! Derived tables against their definitions.

use tokio_postgres::{Row, Transaction};

use crate::limits::DIFFERENCES_SHOWN_MAX;
use crate::verify::VerifyError;
use crate::verify::definitions::Definition;
use crate::verify::report::{Difference, DifferenceKind, VerifyReport};

/// Columns of the comparison before those of the table.
const FIXED_COLUMNS: usize = 4;

/// Compares a table with its definition, cell by cell.
pub async fn compare(
    transaction: &Transaction<'_>,
    definition: &Definition,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    let table = definition.table;
    let rows = transaction
        .query_one(&format!("SELECT count(*) FROM {table}"), &[])
        .await
        .map_err(VerifyError::while_doing(format!("counting {table}")))?;
    *report.rows.entry(table).or_default() = u64::try_from(rows.get::<_, i64>(0)).unwrap_or(0);

    let differing = transaction
        .query(&comparison(definition), &[])
        .await
        .map_err(VerifyError::while_doing(format!("comparing {table}")))?;
    let mut shown = 0;
    for row in &differing {
        shown += note(definition, row, report);
    }
    // Of what is not shown at least the rows are counted.
    if let Some(first) = differing.first() {
        let all = u64::try_from(first.get::<_, i64>(3)).unwrap_or(0);
        report.differs_more(table, all.saturating_sub(shown.max(differing.len() as u64)));
    }
    Ok(())
}

/// Rows that differ: their key, on which side they are, how many there are, and both sides of every column as text.
fn comparison(definition: &Definition) -> String {
    let Definition { table, key, query, .. } = definition;
    let cells: Vec<String> =
        definition.columns().map(|column| format!("stored.{column}::text, expected.{column}::text")).collect();
    let key_list = key.join(", ");
    let key_texts = key.iter().map(|column| format!("{column}::text")).collect::<Vec<_>>().join(" || ', ' || ");
    format!(
        "SELECT '(' || {key_texts} || ')', stored.is_there IS NOT NULL, expected.is_there IS NOT NULL, \
                count(*) OVER (), {} \
         FROM (SELECT *, true AS is_there FROM {table}) AS stored \
         FULL JOIN (SELECT *, true AS is_there FROM ({query}) AS definition) AS expected \
         USING ({key_list}) \
         WHERE stored.is_there IS NULL OR expected.is_there IS NULL OR ROW({}) IS DISTINCT FROM ROW({}) \
         ORDER BY {key_list} LIMIT {DIFFERENCES_SHOWN_MAX}",
        cells.join(", "),
        definition.bits("stored"),
        definition.bits("expected"),
    )
}

/// Takes note of every difference in a row; returns how many there are.
fn note(definition: &Definition, row: &Row, report: &mut VerifyReport) -> u64 {
    let key: String = row.get(0);
    let difference = |kind| Difference { table: definition.table, key: key.clone(), place: None, kind };
    match (row.get::<_, bool>(1), row.get::<_, bool>(2)) {
        (false, _) => report.differs(difference(DifferenceKind::Missing)),
        (_, false) => report.differs(difference(DifferenceKind::Extra)),
        (true, true) => {
            let mut cells = 0;
            for (index, column) in definition.columns().enumerate() {
                let cell = |side: usize| row.get::<_, Option<String>>(FIXED_COLUMNS + 2 * index + side);
                let (stored, expected) = (cell(0), cell(1));
                if stored != expected {
                    report.differs(difference(DifferenceKind::Cell { column: column.to_owned(), stored, expected }));
                    cells += 1;
                }
            }
            return cells;
        }
    }
    1
}
