use serde_json::{Value, json};

use super::mk::{change, decide, mk_order, mk_written};
use crate::reconcile::{Observed, Pod};
use crate::render::Kind;

/// The findings of an App whose Deployment has no ready pod, with these conditions and pods.
pub(super) fn findings(conditions: &Value, pods: Vec<Pod>) -> Vec<(String, String)> {
    let order = mk_order();
    let mut observed = unhealthy(conditions);
    observed.pods = Some(pods);
    let status = decide(&order, &observed).1.unwrap();
    status.findings.into_iter().map(|finding| (finding.reason, finding.message)).collect()
}

fn unhealthy(conditions: &Value) -> Observed {
    let mut observed = mk_written(&mk_order());
    change(&mut observed, Kind::Deployment, |deployment| {
        deployment["status"]["readyReplicas"] = json!(0);
        deployment["status"]["conditions"] = conditions.clone();
    });
    observed.curious = true;
    observed
}

/// A pod as it was recorded, long after it was made.
fn recorded(text: &str) -> Pod {
    let mut pod = Pod::new(&serde_json::from_str(text).unwrap());
    pod.containers.iter_mut().for_each(|container| container.is_late = true);
    pod
}

#[test]
fn a_pod_that_is_starting_is_no_finding() {
    let table = [
        ((false, false), None),
        ((true, false), None),
        ((false, true), Some("its startup probe does not pass")),
        ((true, true), Some("its readiness probe does not pass")),
    ];
    for ((has_started, is_late), expected) in table {
        let mut pod = recorded(include_str!("fixtures/unready.json"));
        (pod.containers[0].has_started, pod.containers[0].is_late) = (has_started, is_late);
        let said = findings(&json!([]), vec![pod]);
        match expected {
            None => assert_eq!(said, []),
            Some(words) => {
                let message = format!("1 of 1 pods: the main container runs, and {words}");
                assert_eq!(said, [("NotReady".to_owned(), message)]);
            }
        }
    }
}

#[test]
fn recorded_pods_say_what_is_wrong() {
    let table = [
        include_str!("fixtures/err-image-pull.json"),
        include_str!("fixtures/crash-loop-backoff.json"),
        include_str!("fixtures/unready.json"),
        include_str!("fixtures/unschedulable.json"),
    ];
    let said: Vec<_> = table.into_iter().flat_map(|pod| findings(&json!([]), vec![recorded(pod)])).collect();
    insta::assert_yaml_snapshot!(said);
}

#[test]
fn pods_with_the_same_trouble_are_counted() {
    let pod = recorded(include_str!("fixtures/unready.json"));
    let said = findings(&json!([]), vec![pod.clone(), pod.clone(), Pod { is_ready: true, ..pod }]);
    assert_eq!(said.len(), 1);
    assert!(said[0].1.starts_with("2 of 3 pods: "), "{said:?}");
}

#[test]
fn pods_of_one_crash_are_one_finding_however_often_each_was_restarted() {
    let pod = |restarts: u64| {
        let mut pod = recorded(include_str!("fixtures/crash-loop-backoff.json"));
        pod.containers[0].restarts = restarts;
        pod
    };
    let table = [
        (vec![0], ""),
        (vec![1, 0], ", restarted at most once"),
        (vec![1, 1], ", restarted once"),
        (vec![2], ", restarted twice"),
        (vec![4, 4], ", restarted 4 times"),
        (vec![3, 2, 5], ", restarted 2 to 5 times"),
    ];
    for (restarts, said) in table {
        let count = restarts.len();
        let found = findings(&json!([]), restarts.into_iter().map(pod).collect());
        let ends = "the main container ends by itself: exit code 3 (Error)";
        let expected = ("CrashLoop".to_owned(), format!("{count} of {count} pods: {ends}{said}"));
        assert_eq!(found, [expected]);
    }
}

#[test]
fn made_up_containers_say_what_is_wrong() {
    let pod = |statuses: Value| {
        let status = json!({"phase": "Running", "containerStatuses": statuses});
        Pod::new(&json!({"metadata": {"name": "p", "uid": "p", "namespace": "demo"}, "status": status}))
    };
    let terminated = |reason: &str, code: i64| json!({"terminated": {"reason": reason, "exitCode": code}});
    let waiting = |reason: &str, message: &str| json!({"waiting": {"reason": reason, "message": message}});
    let table = [
        // The state may stay `terminated` for a minute before the back-off shows.
        json!([{"name": "app", "ready": false, "restartCount": 2, "state": terminated("OOMKilled", 137)}]),
        json!([{"name": "app", "ready": false, "restartCount": 1, "state": {"running": {}},
                "lastState": terminated("Error", 1)}]),
        json!([{"name": "app", "ready": false, "restartCount": 0,
                "state": waiting("CreateContainerConfigError", "secret \"shop-db\" not found")}]),
        json!([{"name": "app", "ready": false, "restartCount": 0,
                "state": waiting("RunContainerError", "exec: \"/bin/nope\": no such file")}]),
        json!([{"name": "app", "ready": false, "restartCount": 0, "state": waiting("ContainerCreating", "")}]),
    ];
    let said: Vec<_> = table.into_iter().map(|statuses| findings(&json!([]), vec![pod(statuses)])).collect();
    insta::assert_yaml_snapshot!(said);
}

#[test]
fn what_keeps_pods_from_being_made_goes_before_what_only_takes_long() {
    let conditions = json!([
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "…"},
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
         "message": "pods \"shop-x\" is forbidden: exceeded quota: team, requested: pods=1, used: pods=2, \
                     limited: pods=2"},
    ]);
    let said = findings(&conditions, Vec::new());
    let reasons: Vec<_> = said.iter().map(|(reason, _)| reason.as_str()).collect();
    assert_eq!(reasons, ["QuotaExceeded", "Late"]);
    let refused = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
        "message": "pods \"shop-x\" is forbidden: violates PodSecurity \"restricted:latest\""}]);
    assert_eq!(findings(&refused, Vec::new())[0].0, "PodsRefused");
}

#[test]
fn conditions_of_an_earlier_generation_say_nothing() {
    let mut observed = unhealthy(&json!([{"type": "ReplicaFailure", "status": "True", "message": "no"}]));
    change(&mut observed, Kind::Deployment, |deployment| {
        deployment["metadata"]["generation"] = json!(2);
        deployment["status"]["conditions"] =
            json!([{"type": "ReplicaFailure", "status": "True", "message": "no"}]);
    });
    assert_eq!(decide(&mk_order(), &observed).1.unwrap().findings, []);
}

#[test]
fn what_pods_said_is_not_lost_when_it_takes_too_long() {
    let order = mk_order();
    let late = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]);
    let mut observed = unhealthy(&json!([]));
    observed.pods = Some(vec![recorded(include_str!("fixtures/crash-loop-backoff.json"))]);
    let before = decide(&order, &observed).1;
    let mut observed = unhealthy(&late);
    observed.status = before;
    observed.pods = None;
    observed.curious = false;
    let findings = decide(&order, &observed).1.unwrap().findings;
    let reasons: Vec<_> = findings.iter().map(|finding| finding.reason.as_str()).collect();
    assert_eq!(reasons, ["CrashLoop", "Late"]);
}

#[test]
fn what_pods_said_holds_until_they_are_read_again() {
    let order = mk_order();
    let mut observed = unhealthy(&json!([]));
    observed.pods = Some(vec![recorded(include_str!("fixtures/err-image-pull.json"))]);
    observed.status = decide(&order, &observed).1;
    observed.pods = None;
    observed.curious = false;
    assert_eq!(decide(&order, &observed).1, None);
    change(&mut observed, Kind::Deployment, |deployment| deployment["status"]["readyReplicas"] = json!(1));
    assert_eq!(decide(&order, &observed).1.unwrap().findings, []);
}
