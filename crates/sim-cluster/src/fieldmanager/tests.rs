use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ApplyContext, ApplyError, OnConflict, Target, UpdateContext, apply, update};
use crate::schema::Schemas;

const T0: i64 = 1_700_000_000;

struct Actor<'a> {
    name: &'a str,
    seconds: i64,
    on_conflict: OnConflict,
}

fn at(name: &str, seconds: i64) -> Actor<'_> {
    Actor { name, seconds: T0 + seconds, on_conflict: OnConflict::Report }
}

fn forced(name: &str, seconds: i64) -> Actor<'_> {
    Actor { on_conflict: OnConflict::Force, ..at(name, seconds) }
}

impl Actor<'_> {
    fn apply(&self, live: Option<&Value>, config: &Value) -> Result<Value, ApplyError> {
        with_target(config, |target| {
            let ctx = ApplyContext {
                target,
                manager: self.name,
                on_conflict: self.on_conflict,
                now: Timestamp::from_second(self.seconds).expect("a second"),
                default: &|_| {},
            };
            apply(live, config, &ctx)
        })
    }

    fn update(&self, old: Option<&Value>, new: &Value) -> Value {
        with_target(new, |target| {
            let now = Timestamp::from_second(self.seconds).expect("a second");
            let mut new = new.clone();
            update(old, &mut new, &UpdateContext { target, manager: self.name, now });
            new
        })
    }
}

fn with_target<R>(object: &Value, then: impl FnOnce(&Target<'_>) -> R) -> R {
    let text = |name: &str| object[name].as_str().expect("a kind");
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let schema = Schemas::builtin().get(group, version, kind).expect("a built-in kind");
    then(&Target::builtin(&schema, api_version, kind, ""))
}

fn mk_deployment(replicas: Option<u32>) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop", "namespace": "demo", "labels": {"app": "shop"}},
        "spec": {
            "selector": {"matchLabels": {"app": "shop"}},
            "template": {
                "metadata": {"labels": {"app": "shop"}},
                "spec": {"containers": [{
                    "name": "web",
                    "image": "web:1",
                    "ports": [{"containerPort": 80}],
                }]},
            },
        },
    });
    if let Some(replicas) = replicas {
        object["spec"]["replicas"] = json!(replicas);
    }
    object
}

fn mk_config_map(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "demo"}, "data": data})
}

fn entries(object: &Value) -> &Value {
    &object["metadata"]["managedFields"]
}

#[test]
fn a_first_apply_owns_what_it_lists() {
    let object = at("plimsoll", 0).apply(None, &mk_deployment(Some(3))).expect("applied");
    assert_eq!(
        *entries(&object),
        json!([{
            "manager": "plimsoll",
            "operation": "Apply",
            "apiVersion": "apps/v1",
            "time": "2023-11-14T22:13:20Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:metadata": {"f:labels": {"f:app": {}}},
                "f:spec": {
                    "f:replicas": {},
                    "f:selector": {},
                    "f:template": {
                        "f:metadata": {"f:labels": {"f:app": {}}},
                        "f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {
                            ".": {},
                            "f:image": {},
                            "f:name": {},
                            "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {
                                ".": {},
                                "f:containerPort": {},
                            }},
                        }}},
                    },
                },
            },
        }])
    );
}

#[test]
fn an_update_owns_the_maps_that_it_creates() {
    let object = at("curl", 0).update(None, &mk_config_map(&json!({"a": "1"})));
    assert_eq!(entries(&object)[0]["fieldsV1"], json!({"f:data": {".": {}, "f:a": {}}}));
    assert_eq!(entries(&object)[0]["operation"], json!("Update"));
}

#[test]
fn taking_a_field_from_somebody_is_a_conflict_that_names_them() {
    let live = at("kubectl-client-side-apply", 0).update(None, &mk_deployment(Some(3)));
    let error = at("plimsoll", 1).apply(Some(&live), &mk_deployment(Some(5))).expect_err("a conflict");
    let ApplyError::Conflict { message, causes } = error else { panic!("{error:?}") };
    assert_eq!(
        message,
        "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using apps/v1: .spec.replicas"
    );
    assert_eq!(causes[0].field, ".spec.replicas");
    assert_eq!(causes[0].message, "conflict with \"kubectl-client-side-apply\" using apps/v1");
}

#[test]
fn force_takes_the_field_and_its_owner_loses_it() {
    let live = at("curl", 0).update(None, &mk_deployment(Some(3)));
    let object = forced("plimsoll", 1).apply(Some(&live), &mk_deployment(Some(5))).expect("forced");
    assert_eq!(object["spec"]["replicas"], json!(5));
    let loser = &entries(&object)[1];
    assert_eq!(loser["manager"], json!("curl"));
    assert_eq!(loser["fieldsV1"]["f:spec"].get("f:replicas"), None);
}

#[test]
fn a_field_no_longer_listed_goes_unless_somebody_else_owns_it() {
    let first = at("a", 0).apply(None, &mk_config_map(&json!({"x": "1", "y": "1"}))).expect("applied");
    let shared = at("b", 1).apply(Some(&first), &mk_config_map(&json!({"y": "1"}))).expect("shared");
    let left = at("a", 2).apply(Some(&shared), &mk_config_map(&json!({"z": "1"}))).expect("applied");
    assert_eq!(left["data"], json!({"y": "1", "z": "1"}));
}

#[test]
fn an_apply_that_changes_nothing_gives_the_live_object() {
    let live = at("a", 0).apply(None, &mk_deployment(Some(3))).expect("applied");
    assert_eq!(at("a", 9).apply(Some(&live), &mk_deployment(Some(3))).expect("applied"), live);
}

#[test]
fn an_update_that_changes_nothing_keeps_the_time() {
    let live = at("curl", 0).update(None, &mk_config_map(&json!({"a": "1"})));
    assert_eq!(at("curl", 9).update(Some(&live), &live), live);
}

#[test]
fn what_was_there_before_tracking_belongs_to_before_first_apply() {
    let mut live = mk_config_map(&json!({"a": "1"}));
    live["metadata"]["uid"] = json!("u");
    let object = at("a", 0).apply(Some(&live), &mk_config_map(&json!({"b": "1"}))).expect("applied");
    let managers: Vec<_> =
        entries(&object).as_array().expect("entries").iter().map(|entry| entry["manager"].clone()).collect();
    assert_eq!(managers, ["a", "before-first-apply"]);
}

#[test]
fn the_oldest_updates_are_folded_beyond_ten() {
    let mut live = at("m0", 0).update(None, &mk_config_map(&json!({"k0": "1"})));
    for i in 1..14 {
        let mut new = live.clone();
        new["data"][format!("k{i}")] = json!("1");
        live = at(&format!("m{i}"), i).update(Some(&live), &new);
    }
    let managers: Vec<_> = entries(&live)
        .as_array()
        .expect("entries")
        .iter()
        .filter_map(|entry| entry["manager"].as_str())
        .collect();
    assert_eq!(
        managers,
        ["ancient-changes", "m5", "m6", "m7", "m8", "m9", "m10", "m11", "m12", "m13"],
        "the bucket carries the time of the youngest that it holds"
    );
}

#[test]
fn an_unknown_field_is_refused_with_its_path() {
    let mut config = mk_deployment(None);
    config["spec"]["template"]["spec"]["containers"][0]["imag"] = json!("x");
    let error = at("a", 0).apply(None, &config).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "failed to create typed patch object (demo/shop; apps/v1, Kind=Deployment): \
         .spec.template.spec.containers[name=\"web\"].imag: field not declared in schema"
    );
}
