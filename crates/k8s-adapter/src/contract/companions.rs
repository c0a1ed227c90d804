//! What stands beside Apps in a namespace agrees with them: the `LimitRange`, the quotas by grade, and the one that
//! keeps pods without requests out.

use std::collections::BTreeMap;

use plimsoll_core::cluster::Cluster as _;
use plimsoll_core::content::{Content, Named, Size};
use plimsoll_core::shape::shape;
use plimsoll_qos::{
    Amounts, Budget, Grade, GradeRule, Policy, QosClass, Quantity, Ratio, ResourceQuota, Resources, Terms,
    resource_quota,
};
use serde_json::{Value, json};

use super::Target;
use super::mk::{MkDelivery, mk_container};
use super::running::Running;

const CORE: &str = "api/v1";
const RANGE: &str = "limitranges/plimsoll";
const QUOTA: &str = "resourcequotas/plimsoll-no-best-effort";

/// The pods that an App has in these checks; the quota of its grade has room for no more.
const PODS: u32 = 3;

/// Sizes that do not divide evenly, and one so small that a rounded request is nearly the limit. Small altogether:
/// the servers are shared with other checks, and those that are sold once take all of it.
const SIZES: [(&str, &str); 3] = [("333m", "1Gi"), ("11m", "7Mi"), ("151m", "1000Mi")];

fn sized(size: (&str, &str)) -> Size {
    let amount = |text: &str| text.parse::<Quantity>().unwrap();
    Size { cpu: amount(size.0), memory: amount(size.1), ephemeral_storage: None }
}

/// Makes an App one of that grade, of one container or of three.
fn give(content: &mut Content, grade: Grade, size: (&str, &str), containers: usize) {
    content.grade = grade.into();
    content.terms = grade.terms();
    content.main.size = sized(size);
    let beside = |name: &str| {
        let mut inner = mk_container(&format!("tools/{name}"));
        inner.size = sized(size);
        Named { name: name.to_owned(), inner }
    };
    content.sidecars = ["proxy", "shipper"].into_iter().take(containers - 1).map(beside).collect();
}

/// The quota of exactly the pods of these Apps: what they may use, and nothing beyond.
fn quota(apps: &[MkDelivery], grade: Grade, containers: usize, policy: &Policy) -> ResourceQuota {
    let pods = apps.iter().map(|app| {
        let content = app.content.as_ref().unwrap();
        shape(content, &content.terms)
    });
    let limits: Resources =
        pods.flat_map(|pod| (0..PODS).map(move |_| pod.limits())).fold(Resources::new(), |mut sum, pod| {
            sum += &pod;
            sum
        });
    let budget = Budget {
        limits: Amounts { cpu: limits.amount("cpu").clone(), memory: limits.amount("memory").clone() },
        pods: PODS * u32::try_from(apps.len()).unwrap(),
        containers_per_pod: u32::try_from(containers).unwrap(),
    };
    resource_quota(&budget, policy.grade(grade.name()).unwrap()).unwrap()
}

/// One grade that is sold once, and one that is sold more often than any of Plimsoll's own.
fn own_grades() -> Policy {
    let rule = |name: &str, qos_class, ratios: [u32; 2], priority| GradeRule {
        name: name.parse().unwrap(),
        qos_class,
        cpu: Ratio::new(ratios[0], 1).unwrap(),
        memory: Ratio::new(ratios[1], 1).unwrap(),
        priority,
    };
    Policy::new(vec![
        rule("gold", QosClass::Guaranteed, [1, 1], 2000),
        rule("iron", QosClass::Burstable, [20, 2], 1000),
    ])
    .unwrap()
}

async fn make_quota(target: &Target, name: &str, quota: &ResourceQuota) {
    let mut spec = json!({"hard": quota.hard});
    spec["scopeSelector"] = json!({"matchExpressions": [
        {"scopeName": "PriorityClass", "operator": "In", "values": [quota.priority_class]}]});
    let object = json!({"apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": name, "namespace": target.namespace}, "spec": spec});
    target.create(CORE, "resourcequotas", &object).await;
    // Until it is counted, an API server lets nothing through that it holds for.
    target
        .until("the quota counted", async || {
            let quota = target.get(CORE, &format!("resourcequotas/{name}")).await;
            quota["status"]["hard"].is_object().then_some(())
        })
        .await;
}

/// The range and the quota that every Namespace gets, once they hold.
async fn companions(target: &Target) -> (Value, Value) {
    let range = target.until("the range", async || target.find(CORE, RANGE).await).await;
    let counted = async || {
        let quota = target.find(CORE, QUOTA).await?;
        quota["status"]["hard"].is_object().then_some(quota)
    };
    (range, target.until("the quota counted", counted).await)
}

/// Makes a range of somebody else, for containers.
async fn make_range(target: &Target, mut item: Value) {
    item["type"] = json!("Container");
    let object = json!({"apiVersion": "v1", "kind": "LimitRange",
        "metadata": {"name": "team", "namespace": target.namespace}, "spec": {"limits": [item]}});
    target.create(CORE, "limitranges", &object).await;
}

/// Makes sure of the Namespace once more; what there stands against Apps of these grades.
async fn ensure(target: &Target, policy: &Policy) -> Vec<String> {
    let name = target.namespace.parse().unwrap();
    target.cluster.ensure_namespace(&name, &BTreeMap::new(), policy).await.unwrap()
}

/// The QoS class of each pod of an App, by how many have it.
async fn classes(target: &Target, app: &MkDelivery) -> BTreeMap<String, u32> {
    let prefix = format!("{}-", app.app.name);
    let pods = target.get(CORE, "pods").await;
    let mut classes = BTreeMap::new();
    let named = |pod: &&Value| pod["metadata"]["name"].as_str().unwrap().starts_with(&prefix);
    for pod in pods["items"].as_array().into_iter().flatten().filter(named) {
        *classes.entry(pod["status"]["qosClass"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    classes
}

async fn every_grade(target: &Target, containers: usize) {
    let policy = Policy::default();
    companions(target).await;
    let running = Running::start(target);
    for grade in Grade::ALL {
        let apps = SIZES.into_iter().enumerate().map(|(number, size)| {
            let mut app = running.app();
            app.app.name = format!("{grade}-size{number}").parse().unwrap();
            app.uid = uuid::Uuid::now_v7().into();
            give(app.content_mut(), grade, size, containers);
            app
        });
        let apps: Vec<_> = apps.collect();
        let quota = format!("grade-{grade}");
        make_quota(target, &quota, &self::quota(&apps, grade, containers, &policy)).await;
        for app in &apps {
            running.order(app).await;
        }
        for app in &apps {
            running.settled(app).await;
            let expected = BTreeMap::from([(grade.qos_class().to_string(), PODS)]);
            assert_eq!(classes(target, app).await, expected, "{}", app.app);
        }
        // Nothing was to spare: the limits of every quota are used up.
        let quota = target.get(CORE, &format!("resourcequotas/{quota}")).await;
        let count = |part: &str, name: &str| {
            quota["status"][part][name].as_str().unwrap().parse::<Quantity>().unwrap()
        };
        for name in ["limits.cpu", "limits.memory", "pods"] {
            assert_eq!(count("used", name), count("hard", name), "{name} of {grade}");
        }
        // They make room for the next, and for other checks.
        for app in &apps {
            running.settle(&app.next(|next| next.content = None)).await;
        }
    }
    running.stop().await;
}

/// Apps of every grade get the QoS class of their grade, and all their pods pass the range and the very quota of
/// their own limits: no request is rounded beyond what the quota has room for.
pub async fn apps_of_every_grade_get_their_class_and_pass_range_and_quota(target: &Target) {
    every_grade(target, 1).await;
}

/// So do Apps of three containers, whose requests are rounded up three times a pod.
pub async fn so_do_apps_of_three_containers(target: &Target) {
    every_grade(target, 3).await;
}

/// Every Namespace gets a range and a quota, once: who makes sure of it again writes nothing.
pub async fn a_namespace_has_its_range_and_quota(target: &Target) {
    let before = companions(target).await;
    assert_eq!(
        before.0["spec"]["limits"],
        json!([{
            "type": "Container",
            "default": {"cpu": "100m", "memory": "128Mi"},
            "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
            "maxLimitRequestRatio": {"cpu": "10", "memory": "1500m"},
        }])
    );
    assert_eq!(before.1["spec"], json!({"hard": {"pods": "0"}, "scopes": ["BestEffort"]}));
    assert_eq!(ensure(target, &Policy::default()).await, [""; 0]);
    assert_eq!(companions(target).await, before);
}

/// What somebody changes of them or takes away is put right while Apps run there, and nothing is written after that.
pub async fn a_range_and_a_quota_that_are_changed_are_put_right(target: &Target) {
    let (range, quota) = companions(target).await;
    let running = Running::start(target);
    running.settle(&running.app()).await;
    target.delete(CORE, RANGE).await;
    target.merge_as("somebody", CORE, QUOTA, &json!({"spec": {"hard": {"pods": "7"}}})).await;
    let right = async || {
        let there = (target.find(CORE, RANGE).await?, target.find(CORE, QUOTA).await?);
        (there.0["spec"] == range["spec"] && there.1["spec"] == quota["spec"]).then_some(())
    };
    target.until("range and quota put right", right).await;
    running.stop().await;
}

/// Nothing is made that would refuse what runs there already, and that is told.
pub async fn no_range_and_no_quota_refuse_what_runs_there(target: &Target) {
    companions(target).await;
    target.delete(CORE, RANGE).await;
    target.delete(CORE, QUOTA).await;
    target.until("the account", async || target.find(CORE, "serviceaccounts/default").await).await;
    for (name, resources) in [
        ("bare", json!({})),
        (
            "greedy",
            json!({"requests": {"cpu": "1m", "memory": "8Mi"}, "limits": {"cpu": "1", "memory": "8Mi"}}),
        ),
    ] {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": target.namespace},
            "spec": {"containers": [{"name": "main", "image": "registry.example.com/x", "resources": resources}]}});
        // The quota that went may be remembered for a moment.
        target.until("a pod of somebody else", async || target.try_create(CORE, "pods", &pod).await).await;
    }
    let notes = ensure(target, &Policy::default()).await;
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("LimitRange plimsoll is not made") && notes[0].contains("greedy"), "{notes:?}");
    assert!(
        notes[1].contains("plimsoll-no-best-effort is not made") && notes[1].contains("bare"),
        "{notes:?}"
    );
    assert_eq!(target.find(CORE, RANGE).await, None);
    assert_eq!(target.find(CORE, QUOTA).await, None);
}

/// A Namespace whose label says so is left as it is.
pub async fn who_wants_no_range_and_no_quota_has_none(target: &Target) {
    companions(target).await;
    target.delete(CORE, RANGE).await;
    target.label_namespace("plimsoll.io/companions", "none").await;
    assert_eq!(ensure(target, &Policy::default()).await, [""; 0]);
    assert_eq!(target.find(CORE, RANGE).await, None);
}

/// A range of somebody else that refuses what is sold is told where the Namespace is made and where an App is, which
/// comes up when the range is gone.
pub async fn a_range_of_somebody_else_that_refuses_apps_is_told(target: &Target) {
    companions(target).await;
    target.delete(CORE, RANGE).await;
    let item = json!({"default": {"cpu": "1", "memory": "1Gi"}, "defaultRequest": {"cpu": "1", "memory": "1Gi"},
        "maxLimitRequestRatio": {"cpu": "4"}});
    make_range(target, item).await;
    let notes = ensure(target, &Policy::default()).await;
    assert_eq!(notes.len(), 2, "{notes:?}");
    for (note, grade) in notes.iter().zip(["general-5", "general-10"]) {
        assert!(
            note.starts_with(&format!("pods of the grade {grade} are refused in {}", target.namespace)),
            "{note}"
        );
        assert!(note.contains("raise the request, or maxLimitRequestRatio.cpu"), "{note}");
    }
    // One range fills in what containers do not say; it stays the only one.
    assert_eq!(target.find(CORE, RANGE).await, None);
    let running = Running::start(target);
    let mut app = running.app();
    give(app.content_mut(), Grade::General10, ("100m", "64Mi"), 1);
    running.order(&app).await;
    let told = running.status(&app, "told why its pods are refused", |status| {
        status.findings.first().is_some_and(|finding| finding.reason == "NamespaceRefuses")
    });
    let told = told.await.findings[0].message.clone();
    let range = format!("LimitRange {}/team", target.namespace);
    assert_eq!(
        told,
        format!(
            "its pods are refused: its cpu limit of 100m is more than 4 times its request of 10m, which {range} refuses; \
             raise the request, or maxLimitRequestRatio.cpu of {range}"
        )
    );
    target.delete(CORE, "limitranges/team").await;
    let settled = running.settled(&app).await;
    assert_eq!(settled.findings, []);
    running.stop().await;
}

/// An installation with grades of its own has a range that lets them through, and is told what refuses them by name.
pub async fn own_grades_are_let_through_and_told_by_their_names(target: &Target) {
    companions(target).await;
    let policy = own_grades();
    assert_eq!(ensure(target, &policy).await, [""; 0]);
    let (range, _) = companions(target).await;
    assert_eq!(range["spec"]["limits"][0]["maxLimitRequestRatio"], json!({"cpu": "20", "memory": "2"}));

    make_range(target, json!({"maxLimitRequestRatio": {"cpu": "4"}})).await;
    let notes = ensure(target, &policy).await;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].starts_with("pods of the grade iron are refused in"), "{notes:?}");
}

/// A Release that was sold at more than any grade is now goes on: the range makes way before its pods are made.
pub async fn a_range_lets_through_what_a_release_was_sold_at(target: &Target) {
    companions(target).await;
    let running = Running::start(target);
    let mut app = running.app();
    give(app.content_mut(), Grade::General10, ("100m", "64Mi"), 1);
    app.content_mut().terms = Terms { cpu: Ratio::new(25, 1).unwrap(), memory: Ratio::new(2, 1).unwrap() };
    running.settle(&app).await;
    let (range, _) = companions(target).await;
    assert_eq!(range["spec"]["limits"][0]["maxLimitRequestRatio"], json!({"cpu": "25", "memory": "2"}));
    // It stays so wide: that Release may be wanted back.
    running.settle(&app.next(|next| next.content_mut().terms = Grade::General10.terms())).await;
    ensure(target, &Policy::default()).await;
    assert_eq!(companions(target).await.0["spec"], range["spec"]);
    running.stop().await;
}

/// A pod that requests nothing is refused where the quota holds that keeps such pods out; with requests it passes.
pub async fn a_pod_without_requests_is_refused(target: &Target) {
    companions(target).await;
    // A range would fill in what the pod does not say.
    target.delete(CORE, RANGE).await;
    // Pods are made only where the namespace has its service account.
    target.until("the account", async || target.find(CORE, "serviceaccounts/default").await).await;
    let pod = |name: &str, resources: Value| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": target.namespace},
            "spec": {"containers": [{"name": "main", "image": "registry.example.com/x", "resources": resources}]}})
    };
    let refused = target.refused(CORE, "pods", &pod("bare", json!({}))).await;
    assert!(refused.contains("exceeded quota: plimsoll-no-best-effort"), "{refused}");
    target.create(CORE, "pods", &pod("modest", json!({"requests": {"cpu": "1m"}}))).await;
}
