//! What stands beside Apps in a namespace agrees with them: the `LimitRange`, the quotas by grade, and the one that
//! keeps pods without requests out.

use std::collections::BTreeMap;

use plimsoll_core::content::{Content, Named, Size};
use plimsoll_core::shape::shape;
use plimsoll_qos::{
    Amounts, Budget, Grade, Policy, Quantity, ResourceQuota, Resources, best_effort_quota, limit_range,
    resource_quota,
};
use serde_json::{Value, json};

use super::Target;
use super::mk::{MkDelivery, mk_container};
use super::running::Running;

const CORE: &str = "api/v1";

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

async fn make_quota(target: &Target, name: &str, quota: &ResourceQuota) {
    let mut spec = json!({"hard": quota.hard});
    match &quota.priority_class {
        Some(class) => {
            spec["scopeSelector"] = json!({"matchExpressions": [
                {"scopeName": "PriorityClass", "operator": "In", "values": [class]}]});
        }
        None => spec["scopes"] = json!(["BestEffort"]),
    }
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

async fn make_limit_range(target: &Target, policy: &Policy) {
    let mut item = json!(limit_range(policy));
    item["type"] = json!("Container");
    let object = json!({"apiVersion": "v1", "kind": "LimitRange",
        "metadata": {"name": "plimsoll", "namespace": target.namespace}, "spec": {"limits": [item]}});
    target.create(CORE, "limitranges", &object).await;
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
    make_limit_range(target, &policy).await;
    make_quota(target, "no-best-effort", &best_effort_quota()).await;
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

/// A pod that requests nothing is refused where the quota holds that keeps such pods out; with requests it passes.
pub async fn a_pod_without_requests_is_refused(target: &Target) {
    make_quota(target, "no-best-effort", &best_effort_quota()).await;
    // Pods are made only where the namespace has its service account.
    target.until("the account", async || target.find(CORE, "serviceaccounts/default").await).await;
    let pod = |name: &str, resources: Value| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": target.namespace},
            "spec": {"containers": [{"name": "main", "image": "registry.example.com/x", "resources": resources}]}})
    };
    let refused = target.refused(CORE, "pods", &pod("bare", json!({}))).await;
    assert!(refused.contains("exceeded quota: no-best-effort"), "{refused}");
    target.create(CORE, "pods", &pod("modest", json!({"requests": {"cpu": "1m"}}))).await;
}
