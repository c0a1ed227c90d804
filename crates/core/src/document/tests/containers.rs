//! What main container, init steps and sidecars have in common, with the exact answers.

use serde_json::{Value, json};

use super::{IMAGE, faults, mk_doc_with, refused};

#[test]
fn sizes_are_what_people_mean() {
    let size = |cpu: Value, memory: Value| json!({"size": {"cpu": cpu, "memory": memory}});
    refused(
        &size(json!("500m"), json!("100m")),
        "spec.size.memory: `m` is no unit of memory; did you mean 100Mi?",
    );
    refused(
        &size(json!("500m"), json!(512)),
        "spec.size.memory: `512` is less than 1Mi of memory; did you mean 512Mi?",
    );
    refused(
        &size(json!("500m"), json!("2Mi")),
        "spec.size.memory: no container starts with 2Mi of memory; write 4Mi or more",
    );
    refused(
        &size(json!("0"), json!("1Gi")),
        "spec.size.cpu: CPU must be above zero, not `0`; write a number and a unit, for example 500m of CPU or 512Mi of memory",
    );
    refused(
        &size(json!(["1"]), json!("1Gi")),
        "spec.size.cpu: this must be a quantity, not a list; write it as a text, such as \"500m\" or \"512Mi\"",
    );
    refused(&json!({"size": {"cpu": "1"}}), "spec.size.memory: this is missing; add `memory`");
    assert_eq!(faults(&mk_doc_with(&size(json!(2), json!("1Gi")))), Vec::<String>::new());
    assert_eq!(faults(&mk_doc_with(&size(json!(0.5), json!("1.5Gi")))), Vec::<String>::new());
}

#[test]
fn environment_variables_are_texts_with_proper_names() {
    refused(
        &json!({"env": {"PORT": 8080}}),
        "spec.env.PORT: this must be a text, not a number; put quotes around it as it is written",
    );
    refused(
        &json!({"env": {"DEBUG": true}}),
        "spec.env.DEBUG: this must be a text, not true or false; put it in quotes: \"true\"",
    );
    refused(
        &json!({"env": {"A": null}}),
        "spec.env.A: this must be a text, not nothing; write one text, in quotes",
    );
    refused(
        &json!({"env": {"1A": ""}}),
        "spec.env.1A: this is no name of an environment variable; write letters, digits, '_', '-' and '.', beginning with a letter or '_'",
    );
    refused(
        &json!({"env": {"PLIMSOLL_DC": "x"}}),
        "spec.env.PLIMSOLL_DC: variables that begin with PLIMSOLL_ are set by Plimsoll; choose another name",
    );
    refused(
        &json!({"env": {"A": "\u{0}"}}),
        "spec.env.A: this contains a NUL character; leave the NUL character out",
    );
    refused(
        &json!({"env": ["A=b"]}),
        "spec.env: this must be an object, not a list; write a key and its value on each line",
    );
    refused(
        &json!({"envFromSecrets": {"A": {"secret": "S", "key": "k"}}}),
        "spec.envFromSecrets.A.secret: `S` is no name of a Secret; write lower-case letters, digits, '-' and '.', with a letter or digit at both ends",
    );
    refused(
        &json!({"envFromSecrets": {"A": {"secret": "s", "key": "k/"}}}),
        "spec.envFromSecrets.A.key: `k/` is no key of a Secret; write letters, digits, '-', '_' and '.'",
    );
    refused(
        &json!({"command": "run"}),
        "spec.command: this must be a list, not a text; write the items in brackets, or each on a line after a dash",
    );
    refused(
        &json!({"args": [1]}),
        "spec.args[0]: this must be a text, not a number; put quotes around it as it is written",
    );
}

#[test]
fn init_steps_and_sidecars_are_containers_with_names_of_their_own() {
    let sidecar = |name: &str| json!({"name": name, "image": IMAGE, "size": {"cpu": "1", "memory": "1Gi"}});
    refused(
        &json!({"init": [sidecar("app")]}),
        "spec.init[0].name: `app` is the name of the main container; choose another name",
    );
    refused(
        &json!({"sidecars": [sidecar("A")]}),
        "spec.sidecars[0].name: `A` is no name of a container; write lower-case letters, digits and '-', with a letter or digit at both ends",
    );
    refused(
        &json!({"init": [sidecar("a")], "sidecars": [sidecar("a")]}),
        "spec.sidecars[0].name: `a` is the name of spec.init[0] too; choose another name",
    );
    refused(
        &json!({"sidecars": [{"name": "a", "image": IMAGE}]}),
        "spec.sidecars[0].size: this is missing; add `size`",
    );
    let mut probed = sidecar("a");
    probed["probes"] = json!({"liveness": {"tcp": {"port": "http"}}});
    refused(
        &json!({"sidecars": [probed]}),
        "spec.sidecars[0].probes.liveness.tcp.port: a sidecar's ports have no names; write the number of the port",
    );
    refused(
        &json!({"init": [probed]}),
        "spec.init[0].probes: there is no field `probes` here; write one of name, image, command, args, size, env, envFromSecrets",
    );
}
