//! Whether what is there is what is to be there.

use serde_json::Value;

/// Whether `wanted` is in `found`: of objects each of its keys, of lists every element in its place. The server may know more of
/// an object than it was told, and write a number otherwise.
pub(super) fn is_in(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            wanted.iter().all(|(key, value)| is_in(value, found.get(key).unwrap_or(&Value::Null)))
        }
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() == found.len() && wanted.iter().zip(found).all(|(wanted, found)| is_in(wanted, found))
        }
        (Value::Number(wanted), Value::Number(found)) => wanted.as_f64() == found.as_f64(),
        _ => wanted == found,
    }
}

/// What of `wanted` is not in `found`, by key; none where all is.
pub(super) fn differing(wanted: &Value, found: &Value) -> Option<Value> {
    let wanted = wanted.as_object()?;
    let differing: serde_json::Map<_, _> = wanted
        .iter()
        .filter(|(key, value)| !is_in(value, found.get(key.as_str()).unwrap_or(&Value::Null)))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    (!differing.is_empty()).then_some(Value::Object(differing))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_server_adds_is_no_difference_and_what_it_lacks_is() {
        let wanted = json!({"a": {"b": [1, {"c": 2}]}, "n": null});
        assert!(is_in(&wanted, &json!({"a": {"b": [1.0, {"c": 2, "more": 3}]}, "more": 1})));
        for other in [json!({"a": {"b": [1]}}), json!({"a": {"b": [1, {"c": 3}]}}), json!({"a": null}), json!(1)] {
            assert!(!is_in(&wanted, &other), "{other}");
        }
        let found = json!({"name": "a", "display": "bar", "id": 1});
        assert_eq!(differing(&json!({"name": "a", "display": "line"}), &found), Some(json!({"display": "line"})));
        assert_eq!(differing(&json!({"name": "a"}), &found), None);
    }
}
