//! What a pod counts for, which resources are refused, what a resize may change.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::{KubernetesVersion, Pod, PodStatus, QosClass, Resize, ResizeRefusal, Resources};
use serde_json::{Value, json};

fn pod(spec: Value) -> Pod {
    serde_json::from_value(spec).unwrap()
}

fn resources(amounts: Value) -> Resources {
    serde_json::from_value(amounts).unwrap()
}

fn container(name: &str, cpu: &str, memory: &str) -> Value {
    let amounts = json!({"cpu": cpu, "memory": memory});
    json!({"name": name, "resources": {"requests": amounts, "limits": amounts}})
}

fn sidecar(name: &str, cpu: &str, memory: &str) -> Value {
    let mut sidecar = container(name, cpu, memory);
    sidecar["restartPolicy"] = json!("Always");
    sidecar
}

#[test]
fn the_largest_moment_of_a_pods_life_is_what_it_requests() {
    let main = container("main", "1", "1Gi");
    let table = [
        (
            json!({"containers": [main, container("b", "500m", "2Gi")]}),
            json!({"cpu": "1500m", "memory": "3Gi"}),
        ),
        // An init step runs alone.
        (
            json!({"containers": [main], "initContainers": [container("migrate", "3", "512Mi")]}),
            json!({"cpu": "3", "memory": "1Gi"}),
        ),
        // A sidecar runs beside the others, and beside the steps after it only.
        (
            json!({"containers": [main], "initContainers": [
                container("first", "3", "0"), sidecar("proxy", "200m", "100Mi"), container("second", "2900m", "0"),
            ]}),
            json!({"cpu": "3100m", "memory": "1124Mi"}),
        ),
        (
            json!({"containers": [main], "overhead": {"cpu": "100m", "memory": "64Mi"}}),
            json!({"cpu": "1100m", "memory": "1088Mi"}),
        ),
        // Requests of the pod as a whole take the place of the sum; overhead comes on top.
        (
            json!({"containers": [main], "overhead": {"cpu": "100m"}, "resources": {"requests": {"cpu": "4"}}}),
            json!({"cpu": "4100m", "memory": "1Gi"}),
        ),
    ];
    for (spec, expected) in table {
        assert_eq!(pod(spec.clone()).requests(), resources(expected), "{spec}");
    }
}

#[test]
fn limits_of_the_pod_as_a_whole_may_be_less_than_those_of_its_containers_together() {
    let spec = json!({"containers": [container("a", "2", "1Gi"), container("b", "2", "1Gi")],
        "resources": {"requests": {"cpu": "4", "memory": "2Gi"}, "limits": {"cpu": "3"}}});
    assert_eq!(pod(spec).limits(), resources(json!({"cpu": "3", "memory": "2Gi"})));
}

#[test]
fn the_pod_as_a_whole_is_limited_by_default_only_where_every_container_is() {
    let whole = |containers: Value, version: u16| {
        let spec = json!({"containers": containers, "resources": {"requests": {"cpu": "3"}}});
        pod(spec).defaulted_by(KubernetesVersion::new(version)).resources.unwrap().limits
    };
    let bare = json!({"name": "b", "resources": {"requests": {"cpu": "1"}}});
    assert_eq!(whole(json!([container("a", "2", "1Gi"), bare]), 37), Resources::new());
    let two = json!([container("a", "2", "1Gi"), container("b", "2", "1Gi")]);
    assert_eq!(whole(two.clone(), 37), resources(json!({"cpu": "4", "memory": "2Gi"})));
    assert_eq!(whole(two, 35), Resources::new());
    // What is requested for the pod may be used, whatever the containers say.
    assert_eq!(
        whole(json!([container("a", "2", "1Gi")]), 37),
        resources(json!({"cpu": "3", "memory": "1Gi"}))
    );
}

/// Resources of the pod as a whole are completed from those of its containers, and bound them.
#[test]
fn what_a_pod_as_a_whole_does_not_say_follows_from_its_containers() {
    let with = |requests: Value, limits: Value| json!({"requests": requests, "limits": limits});
    let both = |cpu: &str| with(json!({"cpu": cpu}), json!({"cpu": cpu}));
    let table = [
        // A request that is missing: what the containers request together, where any does; else the limit of the pod.
        (
            json!({"limits": {"cpu": "4"}}),
            [both("1"), json!({})],
            with(json!({"cpu": "1"}), json!({"cpu": "4"})),
        ),
        (
            json!({"limits": {"cpu": "4"}}),
            [both("1"), both("2")],
            with(json!({"cpu": "3"}), json!({"cpu": "4"})),
        ),
        (json!({"limits": {"cpu": "4"}}), [json!({}), json!({})], both("4")),
        // A limit that is missing: what the containers may use together, where every one is limited.
        (
            json!({"requests": {"cpu": "4"}}),
            [both("1"), both("5")],
            with(json!({"cpu": "4"}), json!({"cpu": "6"})),
        ),
        (json!({"requests": {"cpu": "4"}}), [both("1"), json!({})], json!({"requests": {"cpu": "4"}})),
        // Nothing said of the pod as a whole stays nothing.
        (json!({}), [both("1"), both("2")], json!({})),
    ];
    for (whole, [first, second], expected) in table {
        let containers = json!([{"name": "a", "resources": first}, {"name": "b", "resources": second}]);
        let spec = json!({"resources": whole, "containers": containers});
        let stored = pod(spec.clone()).defaulted();
        let expected = pod(json!({"resources": expected, "containers": containers}));
        assert_eq!(stored.resources, expected.resources, "{spec}");
        assert_eq!(stored.defaulted(), stored, "{spec}");
    }
    let refused = |whole: Value, limit: &str| {
        let container = |name: &str| json!({"name": name, "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": limit}}});
        pod(json!({"resources": whole, "containers": [container("a"), container("b")]}))
            .defaulted()
            .faults()
            .len()
    };
    assert_eq!(refused(both("2"), "2"), 0, "together they may use more than the pod");
    assert_eq!(refused(both("2"), "3"), 2, "one by one not");
    assert_eq!(
        refused(json!({"requests": {"cpu": "1"}, "limits": {"cpu": "4"}}), "2"),
        1,
        "they request more than the pod"
    );
}

#[test]
fn overhead_is_added_only_to_limits_that_are_there() {
    let spec = json!({"containers": [{"name": "main", "resources": {"limits": {"cpu": "1", "memory": "0"}}}],
        "overhead": {"cpu": "100m", "memory": "64Mi", "ephemeral-storage": "1Gi"}});
    assert_eq!(pod(spec).limits(), resources(json!({"cpu": "1100m", "memory": "0"})));
}

#[test]
fn quota_counts_by_its_own_names() {
    let spec = json!({"containers": [{"name": "main", "resources": {
        "requests": {"cpu": "250m", "nvidia.com/gpu": "1", "hugepages-2Mi": "4Mi", "ephemeral-storage": "1Gi"},
        "limits": {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "1", "hugepages-2Mi": "4Mi"},
    }}]});
    let expected = resources(json!({
        "pods": "1", "cpu": "250m", "requests.cpu": "250m", "limits.cpu": "1", "limits.memory": "1Gi",
        "requests.nvidia.com/gpu": "1", "hugepages-2Mi": "4Mi", "requests.hugepages-2Mi": "4Mi",
        "ephemeral-storage": "1Gi", "requests.ephemeral-storage": "1Gi",
    }));
    assert_eq!(pod(spec).quota_usage(), expected);
}

#[test]
fn while_a_resize_is_under_way_the_largest_of_wanted_set_aside_and_in_effect_counts() {
    let wanted = pod(json!({"containers": [container("main", "4", "1Gi")]}));
    let status = |reason: &str| -> PodStatus {
        serde_json::from_value(json!({
            "containerStatuses": [{
                "name": "main",
                "allocatedResources": {"cpu": "1", "memory": "2Gi"},
                "resources": {"requests": {"cpu": "2", "memory": "1Gi"}},
            }],
            "conditions": [{"type": "PodResizePending", "reason": reason}],
        }))
        .unwrap()
    };
    assert_eq!(wanted.requests_held(&status("Deferred")), resources(json!({"cpu": "4", "memory": "2Gi"})));
    assert_eq!(wanted.requests_held(&status("Infeasible")), resources(json!({"cpu": "2", "memory": "2Gi"})));
    assert_eq!(wanted.requests_held(&PodStatus::default()), wanted.requests());
}

#[test]
fn a_resize_of_the_pod_as_a_whole_counts_what_is_set_aside_and_in_effect_too() {
    let wanted = pod(json!({"containers": [container("main", "1", "1Gi")],
        "resources": {"requests": {"cpu": "2", "memory": "2Gi"}}}));
    let status = |in_effect: &str, set_aside: &str| -> PodStatus {
        serde_json::from_value(json!({
            "resources": {"requests": {"cpu": in_effect, "memory": "2Gi"}},
            "allocatedResources": {"cpu": set_aside, "memory": "2Gi"},
        }))
        .unwrap()
    };
    for (in_effect, set_aside, cpu) in [("2", "5", "5"), ("4", "2", "4"), ("1", "1", "2")] {
        let held = wanted.requests_held(&status(in_effect, set_aside));
        assert_eq!(held, resources(json!({"cpu": cpu, "memory": "2Gi"})), "{in_effect}, {set_aside}");
    }
}

#[test]
fn what_an_api_server_refuses_is_named() {
    let faults = |spec: Value| pod(spec).faults().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(faults(json!({"containers": [container("main", "1", "1Gi")]})), Vec::<String>::new());
    assert_eq!(
        faults(json!({"containers": [
            {"name": "a", "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}},
            {"name": "b", "resources": {"requests": {"cpu": "-1"}}},
            {"name": "c", "resources": {"requests": {"nvidia.com/gpu": "1"}}},
            {"name": "d", "resources": {"limits": {"hugepages-2Mi": "2Mi"}, "requests": {"hugepages-2Mi": "2Mi"}}},
        ]})),
        [
            "container `a`: requests 2 of cpu and may use only 1",
            "container `b`: -1 of cpu is below zero",
            "container `c`: nvidia.com/gpu cannot be sold twice, so that its request and its limit must be the same",
            "container `d`: huge pages need CPU or memory beside them",
        ]
    );
    assert_eq!(
        faults(json!({
            "containers": [container("a", "2", "1Gi"), container("b", "2", "1Gi")],
            "resources": {"requests": {"cpu": "3", "memory": "2Gi"}, "limits": {"cpu": "1", "memory": "2Gi"}},
        })),
        [
            "the pod: requests 3 of cpu and may use only 1",
            "the pod: requests 3 of cpu, less than its containers do together (4)",
            "container `a`: may use 2 of cpu, more than the pod as a whole (1)",
            "container `b`: may use 2 of cpu, more than the pod as a whole (1)",
        ]
    );
}

/// A Burstable pod with a main container, a sidecar and an init step.
fn running() -> Value {
    json!({
        "containers": [{
            "name": "main",
            "resources": {"requests": {"cpu": "100m", "memory": "100Mi"}, "limits": {"cpu": "200m", "memory": "200Mi"}},
            "resizePolicy": [{"resourceName": "memory", "restartPolicy": "RestartContainer"}],
        }],
        "initContainers": [sidecar("proxy", "50m", "64Mi"), container("migrate", "50m", "64Mi")],
    })
}

fn resized(change: impl Fn(&mut Value)) -> Resize {
    resized_by(KubernetesVersion::LATEST, change)
}

fn resized_by(version: KubernetesVersion, change: impl Fn(&mut Value)) -> Resize {
    let mut to = running();
    change(&mut to);
    pod(running()).resize(&pod(to), version)
}

#[test]
fn cpu_and_memory_may_be_resized_and_the_policy_says_what_restarts() {
    let cpu = resized(|to| to["containers"][0]["resources"]["limits"]["cpu"] = json!("400m"));
    assert_eq!(cpu, Resize::default());
    let memory = resized(|to| to["containers"][0]["resources"]["limits"]["memory"] = json!("400Mi"));
    assert_eq!(memory, Resize { restarts: vec!["main".to_owned()], ..Resize::default() });
    let less = resized(|to| {
        to["initContainers"][0]["resources"] =
            json!({"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"cpu": "50m", "memory": "32Mi"}});
    });
    assert_eq!(less, Resize { best_effort: vec!["proxy".to_owned()], ..Resize::default() });
}

#[test]
fn a_resize_that_changes_the_class_is_refused() {
    let mut from = running();
    from["initContainers"] = json!([]);
    let mut to = from.clone();
    to["containers"][0]["resources"]["requests"] = json!({"cpu": "200m", "memory": "200Mi"});
    let resize = pod(from).resize(&pod(to), KubernetesVersion::LATEST);
    let change = ResizeRefusal::ClassChange { from: QosClass::Burstable, to: QosClass::Guaranteed };
    assert_eq!(resize.refusals, [change]);
}

#[test]
fn what_a_resize_may_not_do_is_refused_by_name() {
    let part = |name: &str| format!("container `{name}`");
    let removed = resized(|to| {
        to["containers"][0]["resources"] = json!({"requests": {"cpu": "100m", "memory": "100Mi"}});
    });
    assert_eq!(removed.refusals, [ResizeRefusal::Removed(part("main"))]);
    let disk = resized(|to| to["containers"][0]["resources"]["limits"]["ephemeral-storage"] = json!("1Gi"));
    assert_eq!(disk.refusals, [ResizeRefusal::NotCpuOrMemory(part("main"))]);
    let renamed = resized(|to| to["containers"][0]["name"] = json!("other"));
    assert_eq!(renamed.refusals, [ResizeRefusal::OtherContainers]);
    let selector = resized(|to| to["nodeSelector"] = json!({"disk": "ssd"}));
    assert_eq!(selector.refusals, [ResizeRefusal::NotCpuOrMemory("the pod".to_owned())]);
    let invalid = resized(|to| to["containers"][0]["resources"]["requests"]["cpu"] = json!("300m"));
    assert!(matches!(invalid.refusals.as_slice(), [ResizeRefusal::Invalid(_)]), "{invalid:?}");
}

#[test]
fn the_version_decides_what_may_be_resized() {
    let init = |to: &mut Value| {
        to["initContainers"][1]["resources"] = container("migrate", "60m", "64Mi")["resources"].clone();
    };
    assert!(resized_by(KubernetesVersion::new(36), init).is_allowed());
    let refusal = ResizeRefusal::InitContainer("init container `migrate`".to_owned());
    assert_eq!(resized_by(KubernetesVersion::new(35), init).refusals, [refusal]);
    let too_old = KubernetesVersion::new(32);
    assert_eq!(resized_by(too_old, init).refusals, [ResizeRefusal::NotInPlace(too_old)]);
    let whole = json!({"containers": [container("main", "1", "1Gi")], "resources": {"limits": {"cpu": "2", "memory": "2Gi"}}});
    let mut larger = whole.clone();
    larger["resources"]["limits"]["cpu"] = json!("3");
    let resize = |version| pod(whole.clone()).resize(&pod(larger.clone()), KubernetesVersion::new(version));
    assert!(resize(37).is_allowed(), "{:?}", resize(37));
    assert_eq!(resize(35).refusals, [ResizeRefusal::PodLevel]);
}

#[test]
fn versions_are_read_as_servers_print_them() {
    for (text, minor) in [
        ("1.37", 37),
        ("v1.36.2", 36),
        ("1.34+", 34),
        ("v1.37.0-alpha.1", 37),
        ("2.1", 0),
        ("1.", 0),
        ("1.x", 0),
    ] {
        let expected = (minor != 0).then(|| KubernetesVersion::new(minor));
        assert_eq!(text.parse::<KubernetesVersion>().ok(), expected, "{text}");
    }
}
