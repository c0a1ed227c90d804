use proptest::prelude::*;
use serde_json::Value as Plain;

use super::{Map, Value, json};

pub(crate) fn plain() -> impl Strategy<Value = Plain> {
    let leaf = prop_oneof![
        Just(Plain::Null),
        any::<bool>().prop_map(Plain::from),
        any::<i64>().prop_map(Plain::from),
        any::<u64>().prop_map(Plain::from),
        any::<f64>().prop_map(Plain::from),
        any::<String>().prop_map(Plain::from),
    ];
    leaf.prop_recursive(4, 64, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Plain::from),
            prop::collection::btree_map(any::<String>(), inner, 0..14)
                .prop_map(|fields| Plain::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Read, written, converted and compared as the library does it whose names are used here.
    #[test]
    fn a_tree_is_what_the_json_says(plain in plain(), other in plain()) {
        let text = plain.to_string();
        let tree: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(tree.to_string(), &text[..]);
        let mut written = Vec::new();
        super::write(&tree, &mut written);
        prop_assert_eq!(written, text.as_bytes());
        prop_assert_eq!(Plain::from(&tree), plain.clone());
        prop_assert_eq!(&Value::from(plain.clone()), &tree);
        prop_assert_eq!(tree == Value::from(other.clone()), plain == other);
    }

    #[test]
    fn types_are_read_from_a_tree_as_from_its_text(plain in plain()) {
        let tree = Value::from(plain.clone());
        prop_assert_eq!(<Plain as serde::Deserialize>::deserialize(&tree).unwrap(), plain);
    }

    /// What is done to one of two copies is done to it alone, and all that was not on the way is still shared.
    #[test]
    fn a_change_is_seen_by_nobody_else(before in plain(), name in ".{0,30}") {
        let mut object = json!({"kept": Value::from(before.clone()), "changed": Value::from(before)});
        let whole = object.clone();
        let text = whole.to_string();
        object["changed"] = json!({(name.as_str()): [1, null]});
        prop_assert_eq!(whole.to_string(), text);
        if whole["kept"].is_object() || whole["kept"].is_array() {
            prop_assert!(object["kept"].is_same(&whole["kept"]));
            prop_assert!(!object.is_same(&whole));
        }
    }

    /// Whatever is compared afterwards is compared by what it is, not by what is in it.
    #[test]
    fn a_tree_shares_what_is_equal_in_another_and_stays_what_it_is(plain in plain(), other in plain()) {
        let held = json!({"equal": Value::from(plain.clone()), "own": Value::from(plain.clone()), "gone": 1});
        let mut tree = json!({"equal": Value::from(plain), "new": {}, "own": Value::from(other)});
        let copy: Value = serde_json::from_str(&tree.to_string()).unwrap();
        prop_assert!(!tree.share(&held));
        prop_assert_eq!(&tree, &copy);
        prop_assert!(tree["equal"].is_same(&held["equal"]));
        let mut again: Value = serde_json::from_str(&held.to_string()).unwrap();
        prop_assert!(!again.is_same(&held) && again.share(&held) && again.is_same(&held));
    }

    #[test]
    fn fields_go_in_and_out_as_of_any_ordered_map(
        steps in prop::collection::vec(("[a-p]{1,2}", prop::option::of(0..9_i64)), 0..60),
    ) {
        let mut expected = std::collections::BTreeMap::new();
        let mut fields = Map::new();
        for (name, value) in steps {
            let (was, is) = match value {
                Some(value) => (expected.insert(name.clone(), value), fields.insert(name.as_str(), value.into())),
                None => (expected.remove(&name), fields.remove(&name)),
            };
            prop_assert_eq!(is, was.map(Value::from));
            prop_assert_eq!(fields.get(&name).and_then(Value::as_i64), expected.get(&name).copied());
        }
        let held: Vec<_> = fields.iter().map(|(name, value)| (name.to_string(), value.as_i64().unwrap())).collect();
        prop_assert_eq!(held, expected.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn of_fields_with_one_name_the_last_stays() {
    let read: Value = serde_json::from_str(r#"{"b": 1, "a": 2, "b": 3, "a": 4}"#).unwrap();
    assert_eq!(read, json!({"a": 4, "b": 3}));
}

#[test]
fn what_keeps_all_its_fields_is_still_shared() {
    let object = json!({"a": 1, "b": {"c": 2}});
    let mut copy = object.clone();
    copy.as_object_mut().unwrap().retain(|_, _| true);
    assert!(copy.is_same(&object));
    copy.as_object_mut().unwrap().retain(|name, _| name != "a");
    assert_eq!((copy, object), (json!({"b": {"c": 2}}), json!({"a": 1, "b": {"c": 2}})));
}

#[test]
fn the_fields_of_two_maps_stand_beside_each_other() {
    let (one, other) = (json!({"a": 1, "c": 2}), json!({"b": 3, "c": 4}));
    let pairs = |one: &Value, other: &Value| {
        let number = |value: Option<&Value>| value.and_then(Value::as_i64);
        Map::pairs(one.as_object(), other.as_object())
            .map(|(name, one, other)| (name.to_string(), number(one), number(other)))
            .collect::<Vec<_>>()
    };
    let expected = [("a", Some(1), None), ("b", None, Some(3)), ("c", Some(2), Some(4))]
        .map(|(n, a, b)| (n.to_owned(), a, b));
    assert_eq!(pairs(&one, &other), expected);
    assert_eq!(pairs(&one, &Value::Null).len(), 2);
}

#[test]
fn pointers_lead_where_they_say() {
    let mut object = json!({"a/b": [{"~": 1}], "": 2});
    assert_eq!(object.pointer("/a~1b/0/~0"), Some(&json!(1)));
    assert_eq!(
        (object.pointer("/"), object.pointer("a"), object.pointer("/a~1b/00")),
        (Some(&json!(2)), None, None)
    );
    *object.pointer_mut("/a~1b/0").unwrap() = json!(null);
    assert_eq!(object, json!({"a/b": [null], "": 2}));
}
