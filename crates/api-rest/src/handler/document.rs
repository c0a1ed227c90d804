//! Which App a document is of.

use plimsoll_core::error::{Error, Violation};
use plimsoll_core::name::AppRef;
use serde_json::Value;

/// The path says which App a document is of. It fills in the name and the Namespace that the document leaves
/// out; another one in the document is a fault, never a way to another App.
pub(super) fn agree(app: &AppRef, document: &mut Value) -> Result<(), Error> {
    // A document that is no object, or has no metadata, is for the validator to find fault with.
    let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) else { return Ok(()) };
    let mut violations = Vec::new();
    for (field, named) in [("name", app.name.as_str()), ("namespace", app.namespace.as_str())] {
        let given = metadata.entry(field).or_insert(Value::Null);
        match given {
            Value::Null => *given = named.into(),
            Value::String(given) if given != named => violations.push(Violation::new(
                format!("metadata.{field}"),
                format!("is {given:?}, and the path says {named:?}"),
                "make the two agree",
            )),
            _ => {}
        }
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Error::invalid("the document is of another app", violations))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shop() -> AppRef {
        AppRef { namespace: "demo".parse().unwrap(), name: "shop".parse().unwrap() }
    }

    #[test]
    fn the_path_fills_in_what_the_document_leaves_out() {
        for metadata in
            [json!({}), json!({"name": "shop"}), json!({"namespace": null}), json!({"namespace": "demo"})]
        {
            let mut document = json!({"metadata": metadata});
            agree(&shop(), &mut document).unwrap();
            assert_eq!(document, json!({"metadata": {"name": "shop", "namespace": "demo"}}));
        }
    }

    #[test]
    fn a_document_of_another_app_is_refused() {
        let mut document = json!({"metadata": {"name": "till", "namespace": "prod"}});
        let error = agree(&shop(), &mut document).unwrap_err();
        let paths: Vec<_> = error.violations.iter().map(|violation| violation.path.as_str()).collect();
        assert_eq!(paths, ["metadata.name", "metadata.namespace"]);
    }

    #[test]
    fn what_is_no_document_is_left_to_the_validator() {
        for value in
            [json!(null), json!([]), json!({}), json!({"metadata": 1}), json!({"metadata": {"name": 1}})]
        {
            assert!(agree(&shop(), &mut value.clone()).is_ok(), "{value}");
        }
    }
}
