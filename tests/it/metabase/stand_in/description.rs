//! What Metabase's own description of its API says of a request.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::Request;

/// Where it lies: beside the clone, and not in it.
const FILE: &str = "../shared/metabase/openapi-subset.json";

/// The description, with no key left open that it says to close.
pub fn description() -> &'static Value {
    static DESCRIPTION: OnceLock<Value> = OnceLock::new();
    DESCRIPTION.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("{}: {error}. The description of Metabase's API lies beside the clone; without it no request can be checked", path.display())
        });
        let mut description: Value = serde_json::from_str(&text).expect("a description in JSON");
        let closed = description["x-strict"]["pointers"].as_array().expect("a list").clone();
        for pointer in closed.iter().filter_map(Value::as_str) {
            description.pointer_mut(pointer).expect(pointer)["additionalProperties"] = json!(false);
        }
        description
    })
}

/// What is wrong with a request.
pub fn faults(request: &Request) -> Vec<String> {
    let said = |what: String| format!("{} {}: {what}", request.method, request.path);
    let Some(template) = template(&request.path) else { return vec![said("there is no such path".to_owned())] };
    let method = request.method.as_str().to_lowercase();
    let operation = &description()["paths"][&template][&method];
    if operation.is_null() {
        return vec![said("there is no such method".to_owned())];
    }
    let declared: Vec<&str> =
        operation["parameters"].as_array().into_iter().flatten().filter_map(|of| of["name"].as_str()).collect();
    let mut faults: Vec<String> = Vec::new();
    for name in request.query.keys().filter(|name| !declared.contains(&name.as_str())) {
        faults.push(said(format!("there is no parameter {name}")));
    }
    if !operation["requestBody"].is_null() {
        let path = template.replace('~', "~0").replace('/', "~1");
        let pointer = format!("/paths/{path}/{method}/requestBody/content/application~1json/schema");
        faults.extend(violations(&pointer, &request.body).into_iter().map(said));
    }
    let query = &request.body["dataset_query"];
    if !query.is_null() {
        faults.extend(violations("/components/schemas/x-native-dataset-query", query).into_iter().map(said));
    }
    faults
}

/// The path of the description that a path is one of.
fn template(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |template: &&String| {
        let its: Vec<&str> = template.split('/').collect();
        its.len() == parts.len() && its.iter().zip(&parts).all(|(its, part)| its == part || its.starts_with('{'))
    };
    let paths = description()["paths"].as_object().expect("paths");
    // A word is more than a place for any.
    let mut fitting: Vec<&String> = paths.keys().filter(fits).collect();
    fitting.sort_by_key(|template| template.matches('{').count());
    fitting.first().map(|template| (*template).clone())
}

/// What of `value` is not as the schema at `pointer` wants it.
fn violations(pointer: &str, value: &Value) -> Vec<String> {
    static VALIDATORS: OnceLock<Mutex<BTreeMap<String, Validator>>> = OnceLock::new();
    let mut validators =
        VALIDATORS.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let validator = validators.entry(pointer.to_owned()).or_insert_with(|| {
        let mut schema = description().pointer(pointer).expect(pointer).clone();
        // What it refers to.
        schema["components"] = description()["components"].clone();
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{pointer}: {error}"))
    });
    validator.iter_errors(value).map(|error| format!("{error} at {} of {value}", error.instance_path())).collect()
}

#[test]
fn what_is_misspelt_or_missing_is_noticed() {
    let request = |method: &str, path: &str, body: Value| Request {
        method: method.parse().expect("a method"),
        path: path.to_owned(),
        query: BTreeMap::new(),
        body,
        key: None,
    };
    let card = json!({"name": "a", "display": "line", "visualization_settings": {},
                      "dataset_query": {"database": 1, "type": "native", "native": {"query": "SELECT 1"}}});
    assert_eq!(faults(&request("POST", "/api/card", card.clone())), [""; 0]);
    let mut misspelt = card.clone();
    misspelt["displai"] = "line".into();
    let mut lacking = card.clone();
    lacking["dataset_query"]["native"]["template-tags"] = json!({"w": {"id": "w", "name": "w", "type": "dimension"}});
    let mut empty = card;
    empty["description"] = "".into();
    let dashcard = json!({"dashcards": [{"id": -1, "row": 0, "col": 0, "size_x": 1}]});
    for (path, body) in
        [("/api/card", misspelt), ("/api/card", lacking), ("/api/card", empty), ("/api/cards", json!({}))]
    {
        assert_ne!(faults(&request("POST", path, body.clone())), [""; 0], "{body}");
    }
    assert_ne!(faults(&request("PUT", "/api/dashboard/1", dashcard)), [""; 0]);
    assert_ne!(faults(&request("DELETE", "/api/card/1", Value::Null)), [""; 0]);
}
