//! Each fault is told whatever else is wrong: all faults of a document come at once, and nothing but them.

use std::collections::BTreeSet;

use plimsoll_qos::Policy;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Host, Path, Refusal, Segment, admit, faults as faults_anywhere, validate, validate_by};
use super::docs::PARTS;
use super::{IMAGE, mk_doc_with, mk_full_doc};
use crate::builders::mk_dcs;
use crate::error::Violation;
use crate::record::Environment;

/// Who can tell a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// Whoever reads the document.
    Anyone,
    /// Who knows the grades.
    Grades,
    /// An installation, which knows its data centers.
    Installation,
    /// An installation of production.
    Production,
}

/// One change that makes one fault.
#[derive(Clone, Debug)]
struct Fault {
    /// The place that is changed, as JSON pointer.
    at: &'static str,
    /// What it becomes; null: nothing.
    to: Value,
    /// Where the fault is.
    path: &'static str,
    by: By,
    /// The faults that nobody can tell while this one is there, because what they are about is not known.
    hides: &'static [&'static str],
}

fn mk_base() -> Value {
    let mut doc = mk_full_doc();
    let spec = &mut doc["spec"];
    spec["command"] = json!(["/bin/shop", "serve"]);
    spec["scale"]["placement"] = json!(["dc-1", "dc-2", "dc-3"]);
    spec["ports"] = json!([
        {"name": "http", "port": 8080, "protocol": "TCP", "servicePort": 80},
        {"name": "admin", "port": 9090, "protocol": "TCP", "servicePort": 90},
    ]);
    spec["files"] = json!([
        {"path": "/etc/shop.toml", "content": "a = 1\n", "mode": "0640"},
        {"path": "/etc/more.toml", "content": "", "mode": "0640"},
    ]);
    spec["scratch"] =
        json!([{"path": "/var/cache/shop", "size": "512Mi"}, {"path": "/var/log/shop", "size": "256Mi"}]);
    spec["publish"]["order"] = json!([["dc-1"], ["dc-2"]]);
    doc
}

const UNPLACED: &[&str] =
    &["spec.scale.exceptions.dc-4", "spec.dataCenters.dc-4", "spec.publish.order[1][1]"];

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn table() -> Vec<Fault> {
    let bad = |at, to, path| Fault { at, to, path, by: By::Anyone, hides: &[] };
    let hiding = |at, to, path, hides| Fault { at, to, path, by: By::Anyone, hides };
    let foreign = |at, to, path, hides| Fault { at, to, path, by: By::Installation, hides };
    let rule = |at, to, path| Fault { at, to, path, by: By::Production, hides: &[] };
    vec![
        bad("/apiVersion", json!("v1"), "apiVersion"),
        bad("/kind", json!(null), "kind"),
        bad("/status", json!({}), "status"),
        bad("/metadata/name", json!("Shop"), "metadata.name"),
        bad("/metadata/namespace", json!(7), "metadata.namespace"),
        bad("/metadata/owner", json!(""), "metadata.owner"),
        bad("/metadata/description", json!("\u{1b}"), "metadata.description"),
        bad("/metadata/labels/tier", json!("-x"), "metadata.labels.tier"),
        bad("/metadata/labels/a b", json!("x"), "metadata.labels[\"a b\"]"),
        bad("/metadata/uid", json!(1), "metadata.uid"),
        bad("/spec/something", json!(1), "spec.something"),
        bad("/spec/hooks", json!({}), "spec.hooks"),
        bad("/spec/hostNetwork", json!(true), "spec.hostNetwork"),
        bad("/spec/type", json!("worker"), "spec.type"),
        Fault { by: By::Grades, ..bad("/spec/grade", json!("best"), "spec.grade") },
        bad("/spec/image", json!("shop"), "spec.image"),
        bad("/spec/command/0", json!(""), "spec.command[0]"),
        bad("/spec/command/1", json!(5), "spec.command[1]"),
        bad("/spec/args/0", json!(7), "spec.args[0]"),
        bad("/spec/size/cpu", json!("x"), "spec.size.cpu"),
        hiding("/spec/size/memory", json!("1x"), "spec.size.memory", &["spec.env.JAVA_TOOL_OPTIONS"]),
        bad("/spec/size/ephemeralStorage", json!("x"), "spec.size.ephemeralStorage"),
        bad("/spec/size/ephemeralStorage", json!("1Mi"), "spec.size.ephemeralStorage"),
        bad("/spec/size/disk", json!("1Mi"), "spec.size.disk"),
        bad("/spec/scale/replicas", json!(5000), "spec.scale.replicas"),
        rule("/spec/scale/replicas", json!(2), "spec.scale.replicas"),
        hiding("/spec/scale/autoscale", json!({"min": 3, "max": 4}), "spec.scale", &["spec.scale.replicas"]),
        bad("/spec/scale/sometimes", json!(5), "spec.scale.sometimes"),
        bad("/spec/scale/placement/2", json!("dc-1"), "spec.scale.placement[2]"),
        hiding("/spec/scale/placement/2", json!("DC!"), "spec.scale.placement[2]", UNPLACED),
        hiding(
            "/spec/scale/placement",
            json!("some"),
            "spec.scale.placement",
            &[
                "spec.scale.exceptions.dc-4",
                "spec.dataCenters.dc-4",
                "spec.publish.order[1][1]",
                "spec.publish.succeed",
            ],
        ),
        foreign("/spec/scale/placement/2", json!("dc-9"), "spec.scale.placement[2]", &[]),
        bad("/spec/scale/exceptions/dc-4", json!({"replicas": 5}), "spec.scale.exceptions.dc-4"),
        bad("/spec/scale/exceptions/DC X", json!({"replicas": 5}), "spec.scale.exceptions[\"DC X\"]"),
        bad("/spec/scale/exceptions/dc-3", json!({}), "spec.scale.exceptions.dc-3"),
        bad("/spec/scale/exceptions/dc-2/replicas", json!(-1), "spec.scale.exceptions.dc-2.replicas"),
        bad("/spec/scale/exceptions/dc-2/pods", json!(1), "spec.scale.exceptions.dc-2.pods"),
        rule("/spec/scale/exceptions/dc-2/replicas", json!(1), "spec.scale.exceptions.dc-2.replicas"),
        hiding(
            "/spec/scale/exceptions/dc-1/autoscale/min",
            json!(0),
            "spec.scale.exceptions.dc-1.autoscale.min",
            &["spec.scale.exceptions.dc-1.autoscale.max"],
        ),
        rule(
            "/spec/scale/exceptions/dc-1/autoscale/min",
            json!(2),
            "spec.scale.exceptions.dc-1.autoscale.min",
        ),
        bad(
            "/spec/scale/exceptions/dc-1/autoscale/max",
            json!(1),
            "spec.scale.exceptions.dc-1.autoscale.max",
        ),
        bad(
            "/spec/scale/exceptions/dc-1/autoscale/max",
            json!(1001),
            "spec.scale.exceptions.dc-1.autoscale.max",
        ),
        bad(
            "/spec/scale/exceptions/dc-1/autoscale/cpuPercent",
            json!(95),
            "spec.scale.exceptions.dc-1.autoscale.cpuPercent",
        ),
        hiding(
            "/spec/ports/0/name",
            json!("HTTP"),
            "spec.ports[0].name",
            &["spec.ports[1].name", "spec.probes.startup.http.port"],
        ),
        hiding("/spec/ports/0/port", json!(0), "spec.ports[0].port", &["spec.ports[1].port"]),
        hiding(
            "/spec/ports/0/protocol",
            json!("SCTP"),
            "spec.ports[0].protocol",
            &["spec.ports[1].port", "spec.ports[1].servicePort"],
        ),
        hiding(
            "/spec/ports/0/servicePort",
            json!(0),
            "spec.ports[0].servicePort",
            &["spec.ports[1].servicePort"],
        ),
        bad("/spec/ports/0/hostIP", json!(0), "spec.ports[0].hostIP"),
        bad("/spec/ports/1/name", json!("http"), "spec.ports[1].name"),
        bad("/spec/ports/1/port", json!(8080), "spec.ports[1].port"),
        bad("/spec/ports/1/servicePort", json!(80), "spec.ports[1].servicePort"),
        bad("/spec/probes/startup/http/path", json!("x"), "spec.probes.startup.http.path"),
        bad("/spec/probes/startup/http/port", json!("nope"), "spec.probes.startup.http.port"),
        bad("/spec/probes/startup/period", json!("0s"), "spec.probes.startup.period"),
        bad("/spec/probes/startup/successThreshold", json!(2), "spec.probes.startup.successThreshold"),
        rule("/spec/probes/readiness", json!(null), "spec.probes.readiness"),
        bad("/spec/probes/readiness/grpc/port", json!("x"), "spec.probes.readiness.grpc.port"),
        bad("/spec/probes/readiness/grpc/service", json!("\u{1b}"), "spec.probes.readiness.grpc.service"),
        bad("/spec/probes/readiness/initialDelay", json!(5), "spec.probes.readiness.initialDelay"),
        bad("/spec/probes/readiness/timeout", json!("1h"), "spec.probes.readiness.timeout"),
        bad("/spec/probes/readiness/failureThreshold", json!(0), "spec.probes.readiness.failureThreshold"),
        bad("/spec/probes/liveness/tcp/port", json!(0), "spec.probes.liveness.tcp.port"),
        bad("/spec/probes/liveness/exec", json!({"command": ["x"]}), "spec.probes.liveness"),
        rule("/spec/probes/liveness", json!(null), "spec.probes.liveness"),
        bad("/spec/env/PLIMSOLL_X", json!("a"), "spec.env.PLIMSOLL_X"),
        bad("/spec/env/LOG", json!(1), "spec.env.LOG"),
        bad("/spec/env/PASSWORD", json!("x"), "spec.envFromSecrets.PASSWORD"),
        rule("/spec/env/JAVA_TOOL_OPTIONS", json!("-Xmx4g"), "spec.env.JAVA_TOOL_OPTIONS"),
        bad("/spec/envFromSecrets/PASSWORD/secret", json!("A B"), "spec.envFromSecrets.PASSWORD.secret"),
        bad("/spec/envFromSecrets/PASSWORD/key", json!("..x"), "spec.envFromSecrets.PASSWORD.key"),
        hiding("/spec/files/0/path", json!("etc"), "spec.files[0].path", &["spec.files[1].path"]),
        bad("/spec/files/0/content", json!(5), "spec.files[0].content"),
        bad("/spec/files/0/mode", json!(420), "spec.files[0].mode"),
        bad("/spec/files/1/path", json!("/etc/shop.toml"), "spec.files[1].path"),
        bad("/spec/files/1/path", json!("/tmp"), "spec.files[1].path"),
        bad("/spec/secretFiles/0/path", json!("/proc/x"), "spec.secretFiles[0].path"),
        bad("/spec/secretFiles/0/secret", json!("A B"), "spec.secretFiles[0].secret"),
        bad("/spec/secretFiles/0/key", json!(null), "spec.secretFiles[0].key"),
        bad("/spec/secretFiles/0/mode", json!("rw"), "spec.secretFiles[0].mode"),
        hiding(
            "/spec/scratch/0/path",
            json!("/a/../b"),
            "spec.scratch[0].path",
            &["spec.scratch[1].path", "spec.dataCenters.dc-1.files[0].path", "spec.size.ephemeralStorage"],
        ),
        bad("/spec/scratch/0/size", json!("x"), "spec.scratch[0].size"),
        bad("/spec/scratch/1/path", json!("/var/cache/shop/x"), "spec.scratch[1].path"),
        bad("/spec/user", json!(0), "spec.user"),
        bad("/spec/user", json!("nobody"), "spec.user"),
        hiding("/spec/init/0/name", json!("app"), "spec.init[0].name", &["spec.sidecars[0].name"]),
        bad("/spec/init/0/image", json!(null), "spec.init[0].image"),
        bad("/spec/init/0/command/0", json!(""), "spec.init[0].command[0]"),
        bad("/spec/init/0/args", json!("x"), "spec.init[0].args"),
        bad("/spec/init/0/size/cpu", json!(null), "spec.init[0].size.cpu"),
        bad("/spec/init/0/env/A", json!(1), "spec.init[0].env.A"),
        bad("/spec/init/0/env/B", json!("x"), "spec.init[0].envFromSecrets.B"),
        bad("/spec/init/0/envFromSecrets/B/secret", json!(1), "spec.init[0].envFromSecrets.B.secret"),
        bad("/spec/init/0/probes", json!({}), "spec.init[0].probes"),
        bad("/spec/sidecars/0/name", json!("migrate"), "spec.sidecars[0].name"),
        bad("/spec/sidecars/0/image", json!(IMAGE.replace("shop", "Shop")), "spec.sidecars[0].image"),
        hiding(
            "/spec/sidecars/0/size/memory",
            json!("1x"),
            "spec.sidecars[0].size.memory",
            &["spec.sidecars[0].env.JAVA"],
        ),
        hiding(
            "/spec/sidecars/0/size/ephemeralStorage",
            json!("x"),
            "spec.sidecars[0].size.ephemeralStorage",
            &["spec.size.ephemeralStorage"],
        ),
        rule("/spec/sidecars/0/env/JAVA", json!("-Xmx1g"), "spec.sidecars[0].env.JAVA"),
        bad(
            "/spec/sidecars/0/probes/startup/tcp/port",
            json!("http"),
            "spec.sidecars[0].probes.startup.tcp.port",
        ),
        bad(
            "/spec/sidecars/0/probes/liveness/exec/command/0",
            json!(""),
            "spec.sidecars[0].probes.liveness.exec.command[0]",
        ),
        bad("/spec/shutdown/drain", json!("11m"), "spec.shutdown.drain"),
        bad("/spec/shutdown/grace", json!(5), "spec.shutdown.grace"),
        bad("/spec/apiToken", json!(true), "spec.apiToken"),
        bad("/spec/dataCenters/dc-1/env/LOG", json!(1), "spec.dataCenters.dc-1.env.LOG"),
        bad("/spec/dataCenters/dc-1/env/PASSWORD", json!("x"), "spec.dataCenters.dc-1.env.PASSWORD"),
        bad(
            "/spec/dataCenters/dc-1/files/0/path",
            json!("/var/cache/shop"),
            "spec.dataCenters.dc-1.files[0].path",
        ),
        bad("/spec/dataCenters/dc-1/files/0/mode", json!("9"), "spec.dataCenters.dc-1.files[0].mode"),
        bad("/spec/dataCenters/dc-1/replicas", json!(3), "spec.dataCenters.dc-1.replicas"),
        bad("/spec/dataCenters/dc-4", json!({}), "spec.dataCenters.dc-4"),
        hiding(
            "/spec/publish/order/0",
            json!("dc-1"),
            "spec.publish.order[0]",
            &["spec.publish.order[1][0]"],
        ),
        bad("/spec/publish/order/1/0", json!("dc-1"), "spec.publish.order[1][0]"),
        bad("/spec/publish/order/1/0", json!(7), "spec.publish.order[1][0]"),
        bad("/spec/publish/order/1/1", json!("dc-4"), "spec.publish.order[1][1]"),
        bad("/spec/publish/succeed", json!("Some"), "spec.publish.succeed"),
        bad("/spec/publish/succeed", json!(20), "spec.publish.succeed"),
        bad("/spec/publish/soak", json!(5), "spec.publish.soak"),
        bad("/spec/publish/deadline", json!("1s"), "spec.publish.deadline"),
        bad("/spec/publish/onFailure", json!("Panic"), "spec.publish.onFailure"),
        bad("/spec/publish/pause", json!("1s"), "spec.publish.pause"),
    ]
}

impl Fault {
    /// Whether both can be there and be told.
    fn goes_with(&self, other: &Self) -> bool {
        let in_the_way =
            |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let apart = !in_the_way(self.at, other.at) && !in_the_way(other.at, self.at);
        let told = !self.hides.contains(&other.path) && !other.hides.contains(&self.path);
        apart && told && self.path != other.path
    }

    fn put_into(&self, doc: &mut Value) {
        let (parent, last) = self.at.rsplit_once('/').unwrap();
        match doc.pointer_mut(parent).unwrap_or_else(|| panic!("there is no {parent}")) {
            Value::Array(items) => {
                let index: usize = last.parse().unwrap();
                items.splice(index..items.len().min(index + 1), [self.to.clone()]);
            }
            place => place[last] = self.to.clone(),
        }
    }
}

fn paths(violations: Vec<Violation>) -> BTreeSet<String> {
    violations.into_iter().map(|violation| violation.path).collect()
}

fn in_production(doc: &Value) -> Refusal {
    let dcs = mk_dcs(["dc-1", "dc-2", "dc-3", "dc-4"]);
    let host = Host { environment: Environment::Production, dcs: &dcs, grades: &Policy::default() };
    admit(doc, host).err().unwrap_or_default()
}

fn mk_doc_of(faults: &[&Fault]) -> Value {
    let mut doc = mk_base();
    for fault in faults {
        fault.put_into(&mut doc);
    }
    doc
}

/// Puts the faults in and looks whether each, and nothing else, is told to whoever can know it.
fn check(faults: &[&Fault]) -> Result<(), String> {
    let doc = mk_doc_of(faults);
    let of = |by: &[By]| -> BTreeSet<String> {
        faults.iter().filter(|fault| by.contains(&fault.by)).map(|fault| fault.path.to_owned()).collect()
    };
    let refusal = in_production(&doc);
    let table = [
        ("anywhere", of(&[By::Anyone]), paths(faults_anywhere(&doc))),
        ("by its grades", of(&[By::Anyone, By::Grades]), paths(validate(&doc).err().unwrap_or_default())),
        ("in an installation", of(&[By::Anyone, By::Grades, By::Installation]), paths(refusal.faults)),
        ("in production", of(&[By::Production]), paths(refusal.broken)),
    ];
    for (place, expected, told) in table {
        if told != expected {
            let hidden: Vec<_> = expected.difference(&told).collect();
            let invented: Vec<_> = told.difference(&expected).collect();
            let there: Vec<_> = faults.iter().map(|fault| fault.at).collect();
            return Err(format!(
                "{place}: not told {hidden:?}, told without reason {invented:?}, of {there:?}"
            ));
        }
    }
    Ok(())
}

#[test]
fn the_document_without_them_has_no_fault() {
    assert_eq!(check(&[]), Ok(()));
}

#[test]
fn no_fault_hides_another_one() {
    let table = table();
    let mut wrong = Vec::new();
    for (position, one) in table.iter().enumerate() {
        wrong.extend(check(&[one]).err());
        for other in table.iter().skip(position + 1).filter(|other| one.goes_with(other)) {
            let Refusal { faults, broken } = in_production(&mk_doc_of(&[one, other]));
            let told = paths([faults, broken].concat());
            if told != [one.path.to_owned(), other.path.to_owned()].into() {
                wrong.push(format!("{} with {}: {told:?}", one.at, other.at));
            }
        }
    }
    assert!(wrong.is_empty(), "{} times, such as\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
}

#[test]
fn every_field_has_a_fault_in_this_table() {
    let fields: BTreeSet<String> =
        table().iter().flat_map(|fault| fault.at.split('/').map(str::to_owned).collect::<Vec<_>>()).collect();
    for (what, all) in PARTS {
        for field in all {
            assert!(fields.contains(*field), "{field} of {what}");
        }
    }
}

#[test]
fn a_list_that_is_too_long_hides_nothing_in_what_may_be_there() {
    let mut doc = mk_base();
    doc["spec"]["ports"] = (0..30).map(|n| json!({"name": format!("p{n}"), "port": 0})).collect();
    doc["spec"]["probes"]["startup"]["http"]["port"] = json!("p0");
    doc["spec"]["probes"]["liveness"]["tcp"]["port"] = json!("p29");
    let told: Vec<Path> = faults_anywhere(&doc).iter().map(|fault| fault.path.parse().unwrap()).collect();
    assert_eq!(told.len(), 21, "{told:?}");
    let ports = Path::root().field("spec").field("ports");
    assert!(told.iter().all(|path| path.lies_in(&ports)), "{told:?}");
    assert_eq!(told.iter().filter(|path| path.segments().contains(&Segment::Index(19))).count(), 1);
}

#[test]
fn what_is_too_large_or_too_small_is_told_beside_other_faults() {
    let mut doc = mk_base();
    doc["spec"]["image"] = json!("shop");
    doc["spec"]["files"] =
        (0..3).map(|n| json!({"path": format!("/etc/{n}"), "content": "x".repeat(100_000)})).collect();
    assert_eq!(paths(validate(&doc).unwrap_err()), ["spec.image", "spec"].map(str::to_owned).into());

    // Sold so little that rounding up takes it away from what is as small as this.
    let tin = json!({"grades": [
        {"name": "tin", "qosClass": "Burstable", "cpu": "11/10", "memory": "1", "priority": 900},
    ]});
    let mut doc = mk_doc_with(&json!({"grade": "tin", "size": {"cpu": "9m", "memory": "1Gi"}}));
    doc["spec"]["user"] = json!(0);
    let told = validate_by(&doc, &serde_json::from_value(tin).unwrap()).unwrap_err();
    assert_eq!(paths(told), ["spec.user", "spec.size"].map(str::to_owned).into());
}

proptest! {
    #[test]
    fn as_many_faults_as_there_are_are_told_and_only_they(
        order in Just((0..table().len()).collect::<Vec<_>>()).prop_shuffle(),
        most in 2_usize..40,
    ) {
        let table = table();
        let mut taken: Vec<&Fault> = Vec::new();
        for fault in order.into_iter().map(|index| &table[index]) {
            if taken.len() < most && taken.iter().all(|other| other.goes_with(fault)) {
                taken.push(fault);
            }
        }
        prop_assert_eq!(check(&taken), Ok(()));
    }
}
