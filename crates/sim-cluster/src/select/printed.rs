//! Selectors in messages.

use crate::object;
use crate::tree::Value;

/// A `metav1.LabelSelector` as Go prints it.
pub(crate) fn printed(selector: &Value) -> String {
    let mut text = String::from("&LabelSelector{MatchLabels:map[string]string{");
    let mut labels: Vec<_> = object::map(selector, "/matchLabels").into_iter().flatten().collect();
    labels.sort_by_key(|(key, _)| *key);
    for (key, value) in labels {
        text.extend([key.as_str(), ": ", value.as_str().unwrap_or_default(), ","]);
    }
    text.push_str("},MatchExpressions:[]LabelSelectorRequirement{");
    for expression in object::list(selector, "/matchExpressions") {
        let values: Vec<_> = object::list(expression, "/values").iter().filter_map(Value::as_str).collect();
        let (key, operator) = (object::text(expression, "/key"), object::text(expression, "/operator"));
        let parts = ["LabelSelectorRequirement{Key:", key, ",Operator:", operator, ",Values:["];
        text.extend(parts.into_iter().chain([values.join(" ").as_str(), "],},"]));
    }
    text.push_str("},}");
    text
}
