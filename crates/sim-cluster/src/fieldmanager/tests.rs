use jiff::Timestamp;
use proptest::prelude::*;

use super::{
    ApplyContext, ApplyError, FieldSet, OnConflict, PathElement, ScaleMapping, Shapes, Target, UpdateContext,
    apply, settle_timestamps, update,
};
use crate::schema::{Schema, Schemas};
use crate::tree::{Value, json};

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
            update(
                old,
                &mut new,
                &UpdateContext { target, manager: self.name, now, shapes: &Shapes::default() },
            );
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

#[test]
fn atomic_lists_and_maps_are_owned_and_taken_whole() {
    let mut config = mk_deployment(None);
    config["spec"]["template"]["spec"]["nodeSelector"] = json!({"disk": "ssd"});
    config["spec"]["template"]["spec"]["tolerations"] = json!([{"key": "a", "operator": "Exists"}]);
    let live = at("a", 0).apply(None, &config).expect("applied");
    let owned = &entries(&live)[0]["fieldsV1"]["f:spec"]["f:template"]["f:spec"];
    assert_eq!((&owned["f:nodeSelector"], &owned["f:tolerations"]), (&json!({}), &json!({})));
    config["spec"]["template"]["spec"]["nodeSelector"] = json!({"zone": "z"});
    let error = at("b", 1).apply(Some(&live), &config).expect_err("a conflict");
    assert_eq!(
        error.to_string(),
        "Apply failed with 1 conflict: conflict with \"a\": .spec.template.spec.nodeSelector"
    );
}

#[test]
fn several_conflicts_are_listed_by_manager() {
    let live = at("u", 0).update(None, &mk_config_map(&json!({"x": "1", "y": "1"})));
    let error =
        at("a", 1).apply(Some(&live), &mk_config_map(&json!({"x": "2", "y": "2"}))).expect_err("conflicts");
    assert_eq!(
        error.to_string(),
        "Apply failed with 2 conflicts: conflicts with \"u\" using v1:\n- .data.x\n- .data.y"
    );
}

#[test]
fn items_of_a_set_are_owned_one_by_one() {
    let with = |finalizers: Value| {
        let mut config = mk_config_map(&json!({"k": "v"}));
        config["metadata"]["finalizers"] = finalizers;
        config
    };
    let live = at("a", 0).apply(None, &with(json!(["x.io/1", "x.io/2"]))).expect("applied");
    let both = at("b", 1).apply(Some(&live), &with(json!(["x.io/3"]))).expect("applied");
    assert_eq!(both["metadata"]["finalizers"], json!(["x.io/1", "x.io/2", "x.io/3"]));
    let fewer = at("a", 2).apply(Some(&both), &with(json!(["x.io/2"]))).expect("applied");
    assert_eq!(fewer["metadata"]["finalizers"], json!(["x.io/2", "x.io/3"]));
    assert_eq!(entries(&fewer)[1]["fieldsV1"]["f:metadata"], json!({"f:finalizers": {"v:\"x.io/2\"": {}}}));
}

#[test]
fn what_is_applied_may_not_hold_an_item_twice() {
    let mut config = mk_deployment(None);
    config["spec"]["template"]["spec"]["containers"][0]["ports"] =
        json!([{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP"}]);
    let error = at("a", 0).apply(None, &config).expect_err("refused");
    assert!(
        error.to_string().contains("duplicate entries for key [containerPort=80,protocol=\"TCP\"]"),
        "{error}"
    );
}

#[test]
fn kubectl_takes_over_what_it_applied_from_the_client() {
    let config = mk_config_map(&json!({"x": "1"}));
    let mut created = config.clone();
    created["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/last-applied-configuration": config.to_string()});
    let live = at("kubectl-client-side-apply", 0).update(None, &created);
    let wanted = mk_config_map(&json!({"x": "2"}));
    let object = at("kubectl", 1).apply(Some(&live), &wanted).expect("taken over");
    assert_eq!(object["data"], json!({"x": "2"}));
    let annotation = &object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"];
    assert!(annotation.as_str().is_some_and(|text| text.contains("\"x\":\"2\"")), "{annotation}");
    at("another", 1).apply(Some(&live), &wanted).expect_err("the annotation is kubectl's alone");
}

#[test]
fn an_apply_to_another_kind_is_refused() {
    let schema = Schemas::builtin().get("", "v1", "ConfigMap").expect("a built-in kind");
    let target = Target::builtin(&schema, "v1", "ConfigMap", "");
    let ctx = ApplyContext {
        target: &target,
        manager: "a",
        on_conflict: OnConflict::Report,
        now: Timestamp::UNIX_EPOCH,
        default: &|_| {},
    };
    let error = apply(None, &mk_deployment(None), &ctx).expect_err("refused");
    assert_eq!(error, ApplyError::BadRequest("invalid object type: apps/v1, Kind=Deployment".to_owned()));
    let mut config = mk_config_map(&json!({}));
    config["metadata"]["managedFields"] = json!([]);
    let error = apply(None, &config, &ctx).expect_err("refused");
    assert_eq!(error, ApplyError::BadRequest("metadata.managedFields must be nil".to_owned()));
}

#[test]
fn an_empty_list_of_managers_stops_tracking() {
    let live = at("u", 0).update(None, &mk_config_map(&json!({"x": "1"})));
    let mut new = live.clone();
    new["metadata"]["managedFields"] = json!([]);
    let object = at("u", 1).update(Some(&live), &new);
    assert_eq!(object["metadata"].get("managedFields"), None);
}

#[test]
fn status_is_owned_through_its_own_endpoint() {
    let schema = Schemas::builtin().get("apps", "v1", "Deployment").expect("a built-in kind");
    let target = Target::builtin(&schema, "apps/v1", "Deployment", "status");
    let now = Timestamp::from_second(T0 + 1).expect("a second");
    let live = at("a", 0).apply(None, &mk_deployment(Some(3))).expect("applied");
    let mut new = live.clone();
    new["status"] = json!({"replicas": 3});
    new["spec"]["replicas"] = json!(9);
    update(
        Some(&live),
        &mut new,
        &UpdateContext { target: &target, manager: "controller", now, shapes: &Shapes::default() },
    );
    let entry = &entries(&new)[1];
    assert_eq!((&entry["manager"], &entry["subresource"]), (&json!("controller"), &json!("status")));
    assert_eq!(entry["fieldsV1"], json!({"f:status": {"f:replicas": {}}}));
    assert_eq!(
        entries(&new)[0]["fieldsV1"]["f:spec"]["f:replicas"],
        json!({}),
        "spec is not the endpoint's to take"
    );
}

#[test]
fn a_scale_takes_the_replicas_of_its_parent() {
    let mapping = ScaleMapping {
        api_version: "apps/v1".to_owned(),
        replicas: vec!["spec".to_owned(), "replicas".to_owned()],
    };
    let live = at("a", 0).apply(None, &mk_deployment(Some(3))).expect("applied");
    let parent = Some(entries(&live));
    let schema = Schemas::builtin().get("autoscaling", "v1", "Scale").expect("a built-in kind");
    let target = Target::builtin(&schema, "autoscaling/v1", "Scale", "scale");
    let scale = |replicas: u32| {
        let metadata = json!({"name": "shop", "managedFields": mapping.to_scale(parent)});
        json!({
            "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata, "spec": {"replicas": replicas},
        })
    };
    let mut written = scale(5);
    let now = Timestamp::from_second(T0 + 1).expect("a second");
    update(
        Some(&scale(3)),
        &mut written,
        &UpdateContext { target: &target, manager: "hpa", now, shapes: &Shapes::default() },
    );
    let owners = mapping.to_parent(parent, Some(entries(&written))).expect("owners");
    assert_eq!(owners[0]["fieldsV1"]["f:spec"].get("f:replicas"), None, "the applier lost them");
    assert_eq!(owners[1]["manager"], json!("hpa"));
    assert_eq!(owners[1]["subresource"], json!("scale"));
    assert_eq!(owners[1]["fieldsV1"], json!({"f:spec": {"f:replicas": {}}}));
}

#[test]
fn a_list_that_became_atomic_is_owned_whole() {
    let schema = |list: Value| {
        let components = json!({"k": {"type": "object", "properties": {
            "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}, "list": list,
        }}});
        Schema::from_components(components.as_object().expect("components"), "k").expect("a schema")
    };
    let items = json!({"type": "string"});
    let set = schema(json!({"type": "array", "x-kubernetes-list-type": "set", "items": items}));
    let atomic = schema(json!({"type": "array", "x-kubernetes-list-type": "atomic", "items": items}));
    let config = json!({"apiVersion": "x.io/v1", "kind": "K", "list": ["a", "b"]});
    let ctx = |target| ApplyContext {
        target,
        manager: "a",
        on_conflict: OnConflict::Report,
        now: Timestamp::UNIX_EPOCH,
        default: &|_| {},
    };
    let before = Target::custom(&set, "x.io/v1", "K", "", super::StatusSubresource::Disabled);
    let after = Target::custom(&atomic, "x.io/v1", "K", "", super::StatusSubresource::Disabled);
    let live = apply(None, &config, &ctx(&before)).expect("applied");
    assert_eq!(entries(&live)[0]["fieldsV1"]["f:list"]["v:\"a\""], json!({}));
    let other = json!({"apiVersion": "x.io/v1", "kind": "K", "list": ["c"]});
    let object = apply(Some(&live), &other, &ctx(&after)).expect("no conflict with oneself");
    assert_eq!(entries(&object)[0]["fieldsV1"], json!({"f:list": {}}));
    assert_eq!(object["list"], json!(["c"]));
}

#[test]
fn times_that_alone_changed_are_taken_back() {
    let live = at("a", 0).apply(None, &mk_config_map(&json!({"x": "1"}))).expect("applied");
    let mut later = live.clone();
    later["metadata"]["managedFields"][0]["time"] = json!("2030-01-01T00:00:00Z");
    let mut settled = later.clone();
    settle_timestamps(&live, &mut settled);
    assert_eq!(settled, live);
    later["data"]["x"] = json!("2");
    let mut changed = later.clone();
    settle_timestamps(&live, &mut changed);
    assert_eq!(changed, later);
}

#[test]
fn where_nobody_owns_anything_any_more_nothing_says_so() {
    let schema = Schemas::builtin().get("", "v1", "ConfigMap").expect("a built-in kind");
    let target = Target::builtin(&schema, "v1", "ConfigMap", "");
    let now = Timestamp::from_second(T0).expect("a second");
    let ctx = UpdateContext { target: &target, manager: "a", now, shapes: &Shapes::default() };
    let mut live = mk_config_map(&json!({"m": "1"}));
    update(None, &mut live, &ctx);
    assert_eq!(live["metadata"]["managedFields"].as_array().map(|entries| entries.len()), Some(1));
    let mut emptied = mk_config_map(&json!({}));
    emptied.as_object_mut().expect("an object").remove("data");
    update(Some(&live), &mut emptied, &ctx);
    assert_eq!(emptied["metadata"].get("managedFields"), None);
}

/// Never empty: an empty optional map is dropped by the Go type, so applying it differs from the live object
/// each time, on the real server too.
fn data() -> impl Strategy<Value = Value> {
    proptest::collection::btree_map("[a-d]", "[12]", 1..=4).prop_map(|data| mk_config_map(&json!(data)))
}

fn element() -> impl Strategy<Value = PathElement> {
    prop_oneof![
        "[a-c.:/]{1,3}".prop_map(|name| PathElement::Field(name.into())),
        ("[a-c\"<&]{0,3}", 0..3_i64).prop_map(|(text, number)| {
            PathElement::Key(vec![("name".into(), json!(text)), ("port".into(), json!(number))])
        }),
        prop_oneof![any::<bool>().prop_map(Value::from), any::<i64>().prop_map(Value::from)]
            .prop_map(PathElement::Value),
        "[a-c\"<&]{0,3}".prop_map(|text| PathElement::Value(json!(text))),
        (0..9_i64).prop_map(PathElement::Index),
    ]
}

fn field_set() -> impl Strategy<Value = FieldSet> {
    proptest::collection::vec(proptest::collection::vec(element(), 1..4), 0..8).prop_map(|paths| {
        let mut set = FieldSet::default();
        for path in &paths {
            set.insert(path);
        }
        set
    })
}

/// What an update may make of a Deployment: lists by name, sets, maps, and fields that go.
fn changes() -> impl Strategy<Value = Value> {
    let env = proptest::collection::btree_map("[A-C]", "[12]", 0..3);
    let text = proptest::option::of("[ab]");
    (proptest::option::of(1..4_u32), env, text, proptest::collection::btree_map("[a-c]", "[12]", 0..3))
        .prop_map(|(replicas, env, image, labels)| {
            let env: Vec<Value> =
                env.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
            let mut deployment = mk_deployment(replicas);
            deployment["metadata"]["labels"] = json!(labels);
            deployment["spec"]["template"]["spec"]["containers"][0]["env"] = json!(env);
            if let Some(image) = image {
                deployment["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
            }
            deployment["status"] = json!({"replicas": labels.len()});
            deployment
        })
}

/// New objects of which some have one shape, and some do not fit their schema.
fn new_object() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(json!(null)),
        Just(json!("")),
        Just(json!("x")),
        Just(json!(0)),
        Just(json!(7)),
        Just(json!({})),
    ];
    let event = (scalar.clone(), scalar.clone(), scalar).prop_map(|(time, message, count)| {
        json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": "x", "creationTimestamp": time},
            "involvedObject": {},
            "eventTime": time,
            "message": message,
            "count": count,
        })
    });
    prop_oneof![event, changes()]
}

proptest! {
    #[test]
    fn the_quick_way_notes_what_the_long_one_does(
        steps in proptest::collection::vec((0..4_usize, any::<bool>(), any::<bool>(), changes()), 1..12),
    ) {
        let schema = Schemas::builtin().get("apps", "v1", "Deployment").expect("a built-in kind");
        let shapes = Shapes::default();
        let mut live: Option<Value> = None;
        for (step, (manager, of_status, brings, object)) in (0..).zip(steps) {
            let subresource = if of_status { "status" } else { "" };
            let target = Target::builtin(&schema, "apps/v1", "Deployment", subresource);
            let now = Timestamp::from_second(T0 + step).expect("a second");
            let ctx = UpdateContext { target: &target, manager: ["a", "b", "c", ""][manager], now, shapes: &shapes };
            let mut quick = object;
            if brings && let Some(live) = &live {
                quick["metadata"]["managedFields"] = live["metadata"]["managedFields"].clone();
            }
            let mut full = quick.clone();
            update(live.as_ref(), &mut quick, &ctx);
            super::update_in_full(live.as_ref(), &mut full, &ctx);
            prop_assert_eq!(&quick, &full);
            live = Some(quick);
        }
    }

    #[test]
    fn what_was_found_of_one_new_object_holds_for_those_of_its_shape_alone(
        objects in proptest::collection::vec((any::<bool>(), new_object()), 1..12),
    ) {
        let shapes = Shapes::default();
        for (of_status, object) in objects {
            let (api_version, kind) = if object["kind"] == "Event" { ("v1", "Event") } else { ("apps/v1", "Deployment") };
            let group = if kind == "Event" { "" } else { "apps" };
            let schema = Schemas::builtin().get(group, "v1", kind).expect("a built-in kind");
            let subresource = if of_status { "status" } else { "" };
            let target = Target::builtin(&schema, api_version, kind, subresource);
            let now = Timestamp::from_second(T0).expect("a second");
            let ctx = UpdateContext { target: &target, manager: "a", now, shapes: &shapes };
            let (mut quick, mut full) = (object.clone(), object);
            update(None, &mut quick, &ctx);
            super::update_in_full(None, &mut full, &ctx);
            prop_assert_eq!(&quick, &full);
        }
    }

    #[test]
    fn a_field_set_reads_as_it_was_written(set in field_set()) {
        prop_assert_eq!(FieldSet::from_fields_v1(&set.to_fields_v1()), Ok(set));
    }

    #[test]
    fn sets_split_into_what_is_common_and_what_is_not(a in field_set(), b in field_set()) {
        let common = a.intersection(&b);
        let rest = a.difference(&b);
        prop_assert!(common.intersection(&rest).is_empty());
        prop_assert_eq!(common.union(&rest).paths(), a.paths());
        prop_assert_eq!(a.union(&b).difference(&b).paths(), rest.paths());
    }

    #[test]
    fn applying_the_same_again_changes_nothing(configs in proptest::collection::vec((0..3_usize, data()), 1..6)) {
        let managers = ["a", "b", "c"];
        let mut live: Option<Value> = None;
        for (step, (manager, config)) in (0..).zip(&configs) {
            let actor = forced(managers[*manager], step);
            let object = actor.apply(live.as_ref(), config).expect("forced");
            let again = forced(managers[*manager], step + 100).apply(Some(&object), config).expect("forced");
            prop_assert_eq!(&again, &object);
            for (key, value) in config["data"].as_object().expect("data") {
                prop_assert_eq!(&object["data"][key], value);
            }
            live = Some(object);
        }
    }

    #[test]
    fn who_applies_nothing_owns_nothing_and_leaves_what_others_have(first in data(), second in data()) {
        let base = at("a", 0).apply(None, &first).expect("applied");
        let both = forced("b", 1).apply(Some(&base), &second).expect("forced");
        let mut nothing = mk_config_map(&json!({}));
        nothing.as_object_mut().expect("an object").remove("data");
        let left = forced("b", 2).apply(Some(&both), &nothing).expect("forced");
        let mut managers = entries(&left).as_array().into_iter().flatten().map(|entry| &entry["manager"]);
        prop_assert!(managers.all(|manager| *manager != json!("b")), "{left}");
        for key in first["data"].as_object().expect("data").keys() {
            if second["data"].get(key).is_none_or(|value| *value == first["data"][key]) {
                prop_assert_eq!(&left["data"][key], &first["data"][key]);
            }
        }
    }
}
