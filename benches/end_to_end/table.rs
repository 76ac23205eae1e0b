//! The table that is printed, as wide as that of the dataflow's own bench.

/// Its head.
pub fn head() {
    row("figure (of several runs: smallest / median / largest)", "measured", "wanted");
}

/// One row of it.
pub fn row(figure: &str, measured: &str, wanted: &str) {
    println!("{figure:<60} {measured:>20} {wanted:>10}");
}

/// Smallest, middle and largest.
pub fn spread(values: impl IntoIterator<Item = f64>, digits: usize) -> String {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let (min, median, max) = (sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
    format!("{min:.digits$} / {median:.digits$} / {max:.digits$}")
}
