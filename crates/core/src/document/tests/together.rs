//! Parts that are right by themselves and do not fit together.

use serde_json::{Value, json};

use super::{IMAGE, faults, mk_doc_with, read};

fn refused(spec: &Value, expected: &[&str]) {
    assert_eq!(faults(&mk_doc_with(spec)), expected, "{spec}");
}

#[test]
fn no_path_lies_in_another() {
    let remedy = "choose paths of which none lies in the other";
    let file = |path: &str| json!({"path": path, "content": ""});
    refused(
        &json!({"files": [file("/a"), file("/a")]}),
        &[&format!("spec.files[1].path: /a and /a of spec.files[0] overlap; {remedy}")],
    );
    refused(
        &json!({"files": [file("/a"), file("/a/b")]}),
        &[&format!("spec.files[1].path: /a/b and /a of spec.files[0] overlap; {remedy}")],
    );
    refused(
        &json!({"files": [file("/var/x/y")], "scratch": [{"path": "/var/x", "size": "1Gi"}]}),
        &[&format!("spec.scratch[0].path: /var/x and /var/x/y of spec.files[0] overlap; {remedy}")],
    );
    refused(
        &json!({"files": [file("/s")], "secretFiles": [{"path": "/s", "secret": "s", "key": "k"}]}),
        &[&format!("spec.secretFiles[0].path: /s and /s of spec.files[0] overlap; {remedy}")],
    );
    refused(
        &json!({"scratch": [{"path": "/tmp/x", "size": "1Gi"}]}),
        &["spec.scratch[0].path: /tmp/x lies in /tmp, which is scratch; choose a path outside /tmp"],
    );
    // Beside each other, a common beginning, and the size of /tmp itself.
    read(&mk_doc_with(&json!({
        "files": [file("/etc/a"), file("/etc/ab")],
        "scratch": [{"path": "/tmp", "size": "1Gi"}, {"path": "/etc/abc", "size": "1Gi"}],
    })));
}

#[test]
fn an_overlay_replaces_files_and_stays_out_of_the_way_of_the_rest() {
    let file = |path: &str| json!({"path": path, "content": "x"});
    let with = |path: &str| {
        json!({
            "files": [file("/etc/a")],
            "scratch": [{"path": "/var/b", "size": "1Gi"}],
            "dataCenters": {"dc-1": {"files": [file(path)]}},
        })
    };
    read(&mk_doc_with(&with("/etc/a")));
    let remedy = "choose paths of which none lies in the other";
    refused(
        &with("/etc/a/b"),
        &[&format!(
            "spec.dataCenters.dc-1.files[0].path: /etc/a/b and /etc/a of spec.files[0] overlap; {remedy}"
        )],
    );
    refused(
        &with("/var/b/c"),
        &[&format!(
            "spec.dataCenters.dc-1.files[0].path: /var/b/c and /var/b of spec.scratch[0] overlap; {remedy}"
        )],
    );
}

#[test]
fn a_variable_comes_from_one_place() {
    let secret = json!({"A": {"secret": "s", "key": "k"}});
    refused(
        &json!({"env": {"A": "b"}, "envFromSecrets": secret}),
        &["spec.envFromSecrets.A: this variable stands in `env` too; keep one of the two"],
    );
    refused(
        &json!({"envFromSecrets": secret, "dataCenters": {"dc-1": {"env": {"A": "b"}}}}),
        &[
            "spec.dataCenters.dc-1.env.A: this variable comes from a Secret; leave it out here, or move it from envFromSecrets to env",
        ],
    );
}

#[test]
fn what_names_a_data_center_names_one_with_the_app_in_it() {
    let remedy = "add it to spec.scale.placement, or leave it out here";
    refused(
        &json!({
            "scale": {"placement": ["dc-1", "dc-2"], "exceptions": {"dc-3": {"replicas": 5}}},
            "dataCenters": {"dc-4": {"env": {"A": "b"}}},
            "publish": {"order": [["dc-1"], ["dc-2", "dc-5"]], "succeed": 3},
        }),
        &[
            &format!("spec.scale.exceptions.dc-3: the App is not placed in `dc-3`; {remedy}"),
            &format!("spec.dataCenters.dc-4: the App is not placed in `dc-4`; {remedy}"),
            &format!("spec.publish.order[1][1]: the App is not placed in `dc-5`; {remedy}"),
            "spec.publish.succeed: 3 data centers cannot succeed where 2 are placed; write All, or 2 at most",
        ],
    );
    // Placed everywhere, the document cannot know which data centers there are.
    read(&mk_doc_with(
        &json!({"scale": {"exceptions": {"dc-9": {"replicas": 5}}}, "publish": {"succeed": 9}}),
    ));
}

#[test]
fn scratch_fits_into_the_disk_of_the_pod() {
    let with = |disk: &str| {
        json!({
            "size": {"cpu": "1", "memory": "1Gi", "ephemeralStorage": disk},
            "scratch": [{"path": "/a", "size": "1Gi"}, {"path": "/b", "size": "512Mi"}],
        })
    };
    read(&mk_doc_with(&with("2.5Gi")));
    refused(
        &with("2Gi"),
        &[
            "spec.size.ephemeralStorage: the scratch paths may hold 2560Mi together, with the /tmp of each container, the pod only 2Gi; write 2560Mi or more, and room for logs, or make scratch paths smaller; /tmp has 1Gi where `scratch` gives it no other size",
        ],
    );
    // Every container has a /tmp of its own, as large as it is listed.
    let step = json!({"name": "step", "image": IMAGE, "size": {"cpu": "1", "memory": "1Gi"}});
    let listed = |disk: &str| {
        json!({
            "size": {"cpu": "1", "memory": "1Gi", "ephemeralStorage": disk},
            "scratch": [{"path": "/tmp", "size": "100Mi"}],
            "init": [step],
        })
    };
    read(&mk_doc_with(&listed("200Mi")));
    refused(
        &listed("199Mi"),
        &[
            "spec.size.ephemeralStorage: the scratch paths may hold 200Mi together, with the /tmp of each container, the pod only 199Mi; write 200Mi or more, and room for logs, or make scratch paths smaller; /tmp has 1Gi where `scratch` gives it no other size",
        ],
    );
}

#[test]
fn a_faulty_port_makes_no_second_fault_in_a_probe_that_uses_it() {
    refused(
        &json!({
            "ports": [{"name": "http", "port": 0}],
            "probes": {"liveness": {"http": {"path": "/", "port": "http"}}},
        }),
        &[
            "spec.ports[0].port: 0 is not a whole number from 1 to 65535; write a whole number from 1 to 65535",
        ],
    );
}

#[test]
fn faults_in_all_parts_are_told_together() {
    let doc = mk_doc_with(&json!({
        "grade": "best",
        "image": "shop",
        "size": {"cpu": "x", "memory": "1m"},
        "ports": [{"name": "HTTP", "port": 0}],
        "init": [{"name": "a", "image": "b", "size": {}}],
        "publish": {"soak": 1, "deadline": 2},
    }));
    let paths: Vec<_> = faults(&doc).iter().map(|f| f.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(
        paths,
        [
            "spec.grade",
            "spec.ports[0].name",
            "spec.ports[0].port",
            "spec.image",
            "spec.size.cpu",
            "spec.size.memory",
            "spec.init[0].image",
            "spec.init[0].size.cpu",
            "spec.init[0].size.memory",
            "spec.publish.soak",
            "spec.publish.deadline",
        ]
    );
}
