//! The counter that a page is of.

use maud::{Markup, html};
use viewtide_models::task::Metric;

/// Where none is asked for.
pub(super) fn usual() -> Metric {
    Metric::Views
}

/// The statement `sql` of this counter: `{metric}` stands for `views`, and `{count}` for `view`.
pub(super) fn named_in(metric: Metric, sql: &str) -> String {
    sql.replace("{metric}", metric.name()).replace("{count}", metric.name().trim_end_matches('s'))
}

/// Links to the same page of each counter, whose address is `address` and its name.
pub(super) fn choices(current: Metric, address: &str) -> Markup {
    html! {
        nav.choices aria-label="Counter" {
            @for metric in Metric::ALL {
                a href=(format!("{address}{}", metric.name())) aria-current=[(metric == current).then_some("true")] {
                    (metric.name())
                }
            }
        }
    }
}
