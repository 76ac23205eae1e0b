//! SQL with names in double braces, as Metabase fills it in.

use std::collections::BTreeMap;

use serde_json::Value;

/// What is chosen of each tag: a condition on its column or a text. What is not there is not chosen.
pub type Choices = BTreeMap<String, String>;

/// Fills in `native`, which has `query` and `template-tags`. `column` gives the qualified name of a column by its number.
///
/// # Errors
/// Where Metabase would not know what to put there.
pub fn filled(native: &Value, choices: &Choices, column: &dyn Fn(u64) -> Option<String>) -> Result<String, String> {
    let sql = native["query"].as_str().ok_or("there is no query")?;
    let tags = native["template-tags"].as_object();
    let mut out = String::new();
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once("[[") {
        let (inner, behind) = after.split_once("]]").ok_or("a [[ without its ]]")?;
        out += before;
        let is_chosen = tags_of(inner).iter().all(|tag| choices.contains_key(*tag));
        out += if is_chosen { inner } else { "" };
        rest = behind;
    }
    out += rest;
    for tag in tags_of(&out.clone()) {
        let of = tags.and_then(|tags| tags.get(tag)).ok_or_else(|| format!("{tag} is no tag"))?;
        let filled = match of["type"].as_str() {
            Some("dimension") => {
                let column =
                    of["dimension"][1].as_u64().and_then(column).ok_or_else(|| format!("{tag} is of no column"))?;
                choices.get(tag).map_or_else(|| "1 = 1".to_owned(), |condition| condition.replace("COLUMN", &column))
            }
            _ => {
                let text = choices.get(tag).map(String::as_str).or(of["default"].as_str());
                let text = text.ok_or_else(|| format!("nothing is chosen of {tag}"))?;
                format!("'{}'", text.replace('\'', "''"))
            }
        };
        out = out.replace(&format!("{{{{{tag}}}}}"), &filled);
    }
    Ok(out)
}

/// Names in double braces.
fn tags_of(sql: &str) -> Vec<&str> {
    let mut tags: Vec<&str> = sql.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0)).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

#[test]
fn what_is_chosen_is_put_there_and_what_is_not_is_true_or_gone() {
    let native = serde_json::json!({
        "query": "SELECT {{u}} WHERE {{w}} [[AND {{x}}]]",
        "template-tags": {"u": {"type": "text", "default": "day"}, "w": {"type": "dimension", "dimension": ["field", 7, null]},
                          "x": {"type": "text"}}
    });
    let column = |number: u64| (number == 7).then(|| "\"public\".\"t\".\"c\"".to_owned());
    assert_eq!(filled(&native, &Choices::new(), &column).as_deref(), Ok("SELECT 'day' WHERE 1 = 1 "));
    let choices =
        [("u", "it's"), ("w", "COLUMN = 1"), ("x", "1")].map(|(tag, choice)| (tag.to_owned(), choice.to_owned()));
    let expected = "SELECT 'it''s' WHERE \"public\".\"t\".\"c\" = 1 AND '1'";
    assert_eq!(filled(&native, &choices.into(), &column).as_deref(), Ok(expected));
    assert!(filled(&native, &Choices::new(), &|_| None).is_err());
}
