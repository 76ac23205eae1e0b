//! Lists of columns and parameters as SQL.

/// `$1::type, $2::type, ..` for a list of types.
pub fn placeholders(types: &str) -> String {
    let placeholder = |(index, ty): (usize, &str)| format!("${}::{}", index + 1, ty.trim());
    types.split(',').enumerate().map(placeholder).collect::<Vec<_>>().join(", ")
}

/// `row.column, ..` for a list of columns.
pub fn of(row: &str, columns: &str) -> String {
    columns.split(',').map(|column| format!("{row}.{}", column.trim())).collect::<Vec<_>>().join(", ")
}
