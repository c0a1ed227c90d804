//! What is too long, too many, too large.

use serde_json::{Map, Value, json};

use super::{faults, mk_doc, mk_doc_with, read};

fn many(count: usize, value: impl Fn(usize) -> Value) -> Value {
    (0..count).map(|n| (format!("k{n}"), value(n))).collect::<Map<_, _>>().into()
}

fn list(count: usize, value: impl Fn(usize) -> Value) -> Value {
    (0..count).map(value).collect()
}

/// A field of `spec`, how many it may have, and so many.
type Bound<'a> = (&'static str, usize, &'a dyn Fn(usize) -> Value);

#[test]
fn every_list_and_every_map_has_a_bound() {
    let container = |n: usize| json!({"name": format!("c{n}"), "image": super::IMAGE, "size": {"cpu": 1, "memory": "8Mi"}});
    let file = |n: usize| json!({"path": format!("/f/{n}"), "content": ""});
    let secret_file = |n: usize| json!({"path": format!("/s/{n}"), "secret": "s", "key": "k"});
    let secret = |_: usize| json!({"secret": "s", "key": "k"});
    let port = |n: usize| json!({"name": format!("p{n}"), "port": n + 1});
    let scratch = |n: usize| json!({"path": format!("/w/{n}"), "size": "1Mi"});
    let text = |_: usize| json!("x");
    let table: [Bound<'_>; 10] = [
        ("command", 100, &|n| list(n, text)),
        ("args", 100, &|n| list(n, text)),
        ("ports", 20, &|n| list(n, port)),
        ("env", 200, &|n| many(n, text)),
        ("envFromSecrets", 200, &|n| many(n, secret)),
        ("files", 100, &|n| list(n, file)),
        ("secretFiles", 100, &|n| list(n, secret_file)),
        ("scratch", 20, &|n| list(n, scratch)),
        ("init", 10, &|n| list(n, container)),
        ("dataCenters", 32, &|n| many(n, |_| json!({}))),
    ];
    for (field, max, value) in table {
        read(&mk_doc_with(&json!({field: value(max)})));
        let told = faults(&mk_doc_with(&json!({field: value(max + 1)})));
        let (kind, bound) = match value(1) {
            Value::Array(_) => {
                (format!("this list has {} items", max + 1), format!("write 0 to {max} items"))
            }
            _ => (format!("this has {} entries", max + 1), format!("write {max} entries at most")),
        };
        assert_eq!(told, [format!("spec.{field}: {kind}; {bound}")]);
    }
}

#[test]
fn texts_have_bounds() {
    let long = "x".repeat(32_769);
    for spec in [json!({"env": {"A": long}}), json!({"command": [long]})] {
        let told = faults(&mk_doc_with(&spec));
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].ends_with(": this has 32769 characters; write 0 to 32768 characters"), "{told:?}");
    }
    let told = faults(&mk_doc_with(&json!({"files": [{"path": "/a", "content": "x".repeat(131_073)}]})));
    assert_eq!(told, ["spec.files[0].content: this has 131073 characters; write 0 to 131072 characters"]);
}

#[test]
fn content_as_a_whole_has_a_bound() {
    let file = |n: usize| json!({"path": format!("/{n}"), "content": "x".repeat(100_000)});
    read(&mk_doc_with(&json!({"files": list(2, file)})));
    let told = faults(&mk_doc_with(&json!({"files": list(3, file)})));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("spec: what becomes the Release has 300"), "{told:?}");
    assert!(
        told[0].ends_with("262144 at most; move large files into the image or into a volume"),
        "{told:?}"
    );
}

#[test]
fn faults_are_told_up_to_a_bound() {
    let mut doc = mk_doc();
    doc["spec"] = many(100_000, |_| json!(1));
    assert_eq!(faults(&doc).len(), 200);
}

#[test]
fn what_is_told_of_a_huge_text_is_short() {
    let huge = "y\u{1b}[31m".repeat(100_000);
    for spec in [
        json!({"grade": huge}),
        json!({"size": {"cpu": huge, "memory": huge}}),
        json!({"publish": {"soak": huge, "order": [huge], "onFailure": huge}}),
        json!({"files": [{"path": "/a", "content": "", "mode": huge}]}),
    ] {
        for fault in faults(&mk_doc_with(&spec)) {
            assert!(fault.len() < 400 && !fault.contains('\u{1b}'), "{fault}");
        }
    }
}

#[test]
fn nothing_behind_a_key_is_the_same_as_no_key() {
    let spec =
        json!({"env": null, "ports": null, "scale": null, "publish": null, "probes": {"startup": null}});
    assert_eq!(read(&mk_doc_with(&spec)), read(&mk_doc()));
    let told = faults(&mk_doc_with(&json!({"image": null})));
    assert_eq!(told, ["spec.image: this is missing; add `image`"]);
}
