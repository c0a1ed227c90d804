//! Every field with a value that it refuses, and the exact answer.

use serde_json::{Value, json};

use super::{IMAGE, faults, mk_doc, mk_doc_with, refused};

#[test]
fn every_missing_field_is_named_at_once() {
    assert_eq!(
        faults(&json!({})),
        [
            "apiVersion: this is missing; add `apiVersion`",
            "kind: this is missing; add `kind`",
            "metadata: this is missing; add `metadata`",
            "spec: this is missing; add `spec`",
        ]
    );
    let empty = json!({"apiVersion": "plimsoll.io/v1alpha1", "kind": "App", "metadata": {}, "spec": {}});
    assert_eq!(
        faults(&empty),
        [
            "metadata.name: this is missing; add `name`",
            "metadata.namespace: this is missing; add `namespace`",
            "spec.grade: this is missing; add `grade`",
            "spec.image: this is missing; add `image`",
            "spec.size: this is missing; add `size`",
        ]
    );
    assert_eq!(
        faults(&json!([])),
        ["\
        : this must be an object, not a list; its fields are apiVersion, kind, metadata, spec"]
    );
}

#[test]
fn another_version_or_kind_is_refused() {
    let mut doc = mk_doc();
    doc["apiVersion"] = json!("plimsoll.io/v1");
    doc["kind"] = json!("Deployment");
    assert_eq!(
        faults(&doc),
        [
            "apiVersion: this must be plimsoll.io/v1alpha1, not `plimsoll.io/v1`; write plimsoll.io/v1alpha1",
            "kind: this must be App, not `Deployment`; write App",
        ]
    );
}

#[test]
fn metadata_is_within_its_bounds() {
    let table = [
        (
            "name",
            json!("Shop"),
            "metadata.name: app name \"Shop\" may hold only a-z, 0-9 and '-', and must begin and end with a letter or a digit; name it in at most 40 lower-case letters, digits and '-', such as `shop`",
        ),
        (
            "name",
            json!("a".repeat(41)),
            "metadata.name: app name has 41 characters, 40 at most; name it in at most 40 lower-case letters, digits and '-', such as `shop`",
        ),
        (
            "namespace",
            json!(7),
            "metadata.namespace: this must be a text, not a number; write the name of a Namespace of this installation",
        ),
        ("owner", json!(""), "metadata.owner: this is empty; give it a value, or leave it out"),
        (
            "owner",
            json!("x".repeat(201)),
            "metadata.owner: this has 201 characters; write 1 to 200 characters",
        ),
        (
            "description",
            json!("\u{1b}[31m"),
            "metadata.description: this contains control characters; write plain text",
        ),
        (
            "labels",
            json!({"a b": "c"}),
            "metadata.labels[\"a b\"]: this is no label key; write at most 63 letters, digits, '-', '_' and '.', with a domain and '/' before if you like",
        ),
        (
            "labels",
            json!({"plimsoll.io/app": "c"}),
            "metadata.labels[\"plimsoll.io/app\"]: labels below plimsoll.io/ are Plimsoll's own; choose another key",
        ),
        (
            "labels",
            json!({"tier": "-c"}),
            "metadata.labels.tier: this is no label value; write letters, digits, '-', '_' and '.', with a letter or digit at both ends",
        ),
        (
            "labels",
            json!({"tier": 1}),
            "metadata.labels.tier: this must be a text, not a number; put quotes around it as it is written",
        ),
        ("label", json!({}), "metadata.label: there is no field `label` here; did you mean `labels`?"),
    ];
    for (field, value, fault) in table {
        let mut doc = mk_doc();
        doc["metadata"][field] = value.clone();
        assert_eq!(faults(&doc), [fault], "{field} {value}");
    }
}

#[test]
fn unknown_fields_are_refused_with_the_likely_name() {
    refused(
        &json!({"replicas": 3}),
        "spec.replicas: this stands in another place here; write `scale: {replicas: …}` or `scale: {autoscale: {min: …, max: …}}`",
    );
    refused(
        &json!({"hostNetwork": true}),
        "spec.hostNetwork: no App uses what belongs to its server (golden rule `no-host-network`); leave it out; `ports` makes a Service",
    );
    refused(&json!({"command": [""]}), "spec.command[0]: this is empty; write the program that is to run");
    refused(
        &json!({"something": 3}),
        "spec.something: there is no field `something` here; write one of type, grade, image, command, args, size, scale, ports, probes, env, envFromSecrets, files, secretFiles, scratch, user, init, sidecars, shutdown, apiToken, dataCenters, publish",
    );
    refused(&json!({"port": []}), "spec.port: there is no field `port` here; did you mean `ports`?");
    refused(
        &json!({"envfromsecrets": {}}),
        "spec.envfromsecrets: there is no field `envfromsecrets` here; did you mean `envFromSecrets`?",
    );
    refused(
        &json!({"datacentres": {}}),
        "spec.datacentres: there is no field `datacentres` here; did you mean `dataCenters`?",
    );
    refused(
        &json!({"scale": {"replica": 3}}),
        "spec.scale.replica: there is no field `replica` here; did you mean `replicas`?",
    );
}

#[test]
fn what_is_reserved_is_not_built_yet() {
    for field in ["canary", "hooks", "routes", "secrets", "configs"] {
        refused(&json!({field: {}}), &format!("spec.{field}: `{field}` is not built yet; leave it out"));
    }
    for kind in ["worker", "job", "cron", "stateful"] {
        let fault = format!("spec.type: the type `{kind}` is not built yet; write service, or leave it out");
        refused(&json!({"type": kind}), &fault);
    }
    refused(&json!({"type": "servcie"}), "spec.type: this must be service, not `servcie`; write service");
}

#[test]
fn grade_image_and_user_are_checked() {
    const DIGEST: &str =
        "write REPOSITORY:TAG@sha256:DIGEST; `docker buildx imagetools inspect` shows the digest";
    refused(
        &json!({"grade": "general2"}),
        "spec.grade: `general2` is not one of system, important, general-2, general-5, general-10; did you mean `general-2`?",
    );
    refused(
        &json!({"image": "shop:1.4"}),
        &format!("spec.image: the image is not pinned by digest; {DIGEST}"),
    );
    refused(
        &json!({"image": "shop@sha256:12"}),
        &format!(
            "spec.image: the image's digest is not \"sha256:\" and 64 lower-case hexadecimal digits; {DIGEST}"
        ),
    );
    refused(
        &json!({"image": IMAGE.replace("shop", "Shop")}),
        "spec.image: the image's repository is not lower-case path components, or is longer than 255 characters; write it like registry.example.com/team/app:1.4@sha256:…",
    );
    refused(
        &json!({"user": 0}),
        "spec.user: no container runs as root (golden rule `non-root`); write the user that the image's files belong to, or leave it out for 10001",
    );
    refused(
        &json!({"user": -1}),
        "spec.user: -1 is not a whole number from 0 to 2147483647; write a whole number from 0 to 2147483647",
    );
    refused(
        &json!({"user": "nobody"}),
        "spec.user: this must be a number, not a text; write a whole number from 0 to 2147483647",
    );
    refused(
        &json!({"apiToken": true}),
        "spec.apiToken: this must be a word, not true or false; write one of None, Mounted",
    );
}

#[test]
fn scale_says_one_number_per_data_center() {
    refused(
        &json!({"scale": {"replicas": 1001}}),
        "spec.scale.replicas: 1001 is not a whole number from 0 to 1000; write a whole number from 0 to 1000",
    );
    refused(
        &json!({"scale": {"replicas": 2.5}}),
        "spec.scale.replicas: 2.5 is not a whole number from 0 to 1000; write a whole number from 0 to 1000",
    );
    refused(
        &json!({"scale": {"replicas": 3, "autoscale": {"min": 3, "max": 4}}}),
        "spec.scale: replicas and autoscale exclude each other; keep one of the two",
    );
    refused(
        &json!({"scale": {"autoscale": {"min": 3}}}),
        "spec.scale.autoscale.max: this is missing; add `max`",
    );
    refused(
        &json!({"scale": {"autoscale": {"min": 5, "max": 4}}}),
        "spec.scale.autoscale.max: the most (4) is less than the fewest (5); write 5 or more",
    );
    refused(
        &json!({"scale": {"autoscale": {"min": 0, "max": 4}}}),
        "spec.scale.autoscale.min: 0 is not a whole number from 1 to 1000; write a whole number from 1 to 1000",
    );
    refused(
        &json!({"scale": {"autoscale": {"min": 3, "max": 4, "cpuPercent": 91}}}),
        "spec.scale.autoscale.cpuPercent: 91 is not a whole number from 1 to 90; write a whole number from 1 to 90: an autoscaler \
         adds pods from a tenth above its target on, and use cannot pass the limit",
    );
    refused(
        &json!({"scale": {"placement": "all"}}),
        "spec.scale.placement: this must be All, or a list of data centers, not `all`; write All, or a list of data centers",
    );
    refused(
        &json!({"scale": {"placement": []}}),
        "spec.scale.placement: this list is empty; give it an item, or leave it out",
    );
    refused(
        &json!({"scale": {"placement": ["dc-1", "dc-1"]}}),
        "spec.scale.placement[1]: `dc-1` is named twice; name it once",
    );
    refused(
        &json!({"scale": {"exceptions": {"dc-1": {}}}}),
        "spec.scale.exceptions.dc-1: this says no number; add replicas or autoscale",
    );
    refused(
        &json!({"scale": {"exceptions": {"DC": {"replicas": 3}}}}),
        "spec.scale.exceptions.DC: `DC` is no name of a data center; write the name of a data center of this installation",
    );
}

#[test]
fn ports_have_their_own_names_and_numbers() {
    let ports = |ports: Value| json!({"ports": ports});
    refused(&ports(json!([{"port": 80}])), "spec.ports[0].name: this is missing; add `name`");
    refused(
        &ports(json!([{"name": "web_1", "port": 80}])),
        "spec.ports[0].name: `web_1` is no name of a port; write lower-case letters, digits and single '-' between them, with a letter",
    );
    refused(
        &ports(json!([{"name": "8080", "port": 80}])),
        "spec.ports[0].name: `8080` is no name of a port; write lower-case letters, digits and single '-' between them, with a letter",
    );
    refused(
        &ports(json!([{"name": "w", "port": 0}])),
        "spec.ports[0].port: 0 is not a whole number from 1 to 65535; write a whole number from 1 to 65535",
    );
    refused(
        &ports(json!([{"name": "w", "port": 80, "protocol": "tcp"}])),
        "spec.ports[0].protocol: `tcp` is not one of TCP, UDP; did you mean `TCP`?",
    );
    refused(
        &ports(json!([{"name": "w", "port": 80, "servicePort": 70000}])),
        "spec.ports[0].servicePort: 70000 is not a whole number from 1 to 65535; write a whole number from 1 to 65535",
    );
    refused(
        &ports(json!([{"name": "w", "port": 80}, {"name": "w", "port": 81}])),
        "spec.ports[1].name: `w` is the name of spec.ports[0] too; choose another one",
    );
    refused(
        &ports(json!([{"name": "a", "port": 80}, {"name": "b", "port": 80}])),
        "spec.ports[1].port: 80 is the port of spec.ports[0] too; choose another one",
    );
    refused(
        &ports(json!([{"name": "a", "port": 80}, {"name": "b", "port": 81, "servicePort": 80}])),
        "spec.ports[1].servicePort: 80 is the Service port of spec.ports[0] too; choose another one",
    );
    let both = ports(json!([{"name": "tcp", "port": 53}, {"name": "udp", "port": 53, "protocol": "UDP"}]));
    assert_eq!(faults(&mk_doc_with(&both)), Vec::<String>::new());
}

#[test]
fn probes_try_one_thing_on_a_port_that_is_there() {
    let probe =
        |probe: Value| json!({"ports": [{"name": "http", "port": 80}], "probes": {"liveness": probe}});
    refused(
        &probe(json!({})),
        "spec.probes.liveness: the probe does not say what it tries; add one of http, tcp, exec, grpc",
    );
    refused(
        &probe(json!({"tcp": {"port": 1}, "exec": {"command": ["x"]}})),
        "spec.probes.liveness: the probe tries 2 things; keep one of tcp, exec",
    );
    refused(
        &probe(json!({"http": {"path": "x", "port": "http"}})),
        "spec.probes.liveness.http.path: `x` is no path of a URL; begin it with '/', and write blanks as %20",
    );
    refused(
        &probe(json!({"http": {"path": "/", "port": "https"}})),
        "spec.probes.liveness.http.port: there is no port `https` in spec.ports; write one of http, or a number",
    );
    refused(
        &probe(json!({"tcp": {"port": 0}})),
        "spec.probes.liveness.tcp.port: 0 is not a whole number from 1 to 65535; write a whole number from 1 to 65535",
    );
    refused(
        &probe(json!({"exec": {"command": []}})),
        "spec.probes.liveness.exec.command: this list is empty; give it an item, or leave it out",
    );
    refused(
        &probe(json!({"grpc": {"port": "http"}})),
        "spec.probes.liveness.grpc.port: this must be a number, not a text; write a whole number from 1 to 65535",
    );
    refused(
        &probe(json!({"grpc": {"port": 1, "service": ""}})),
        "spec.probes.liveness.grpc.service: this is empty; give it a value, or leave it out",
    );
    refused(
        &probe(json!({"tcp": {"port": 80}, "period": 5})),
        "spec.probes.liveness.period: 5 says no unit of time; write seconds, minutes or hours: 5s, 5m or 5h",
    );
    refused(
        &probe(json!({"tcp": {"port": 80}, "period": "0s"})),
        "spec.probes.liveness.period: `0s` is not from 1s to 1h; write a duration from 1s to 1h, such as 90s, 5m or 1h",
    );
    refused(
        &probe(json!({"tcp": {"port": 80}, "timeout": "1 minute"})),
        "spec.probes.liveness.timeout: `1 minute` is no duration; write a duration from 1s to 5m, such as 90s, 5m or 1h",
    );
    refused(
        &probe(json!({"tcp": {"port": 80}, "initialDelay": "2h"})),
        "spec.probes.liveness.initialDelay: `2h` is not from 0s to 1h; write a duration from 0s to 1h, such as 90s, 5m or 1h",
    );
    refused(
        &probe(json!({"tcp": {"port": 80}, "failureThreshold": 0})),
        "spec.probes.liveness.failureThreshold: 0 is not a whole number from 1 to 1000; write a whole number from 1 to 1000",
    );
    refused(
        &probe(json!({"tcp": {"port": 80}, "successThreshold": 2})),
        "spec.probes.liveness.successThreshold: Kubernetes takes only 1 for startup and liveness; leave it out",
    );
    refused(
        &json!({"ports": [{"name": "dns", "port": 53, "protocol": "UDP"}], "probes": {"liveness": {"tcp": {"port": "dns"}}}}),
        "spec.probes.liveness.tcp.port: the port `dns` is no TCP port; probe a TCP port, or use exec",
    );
    refused(
        &json!({"probes": {"readyness": {}}}),
        "spec.probes.readyness: there is no field `readyness` here; did you mean `readiness`?",
    );
    refused(
        &json!({"probes": {"readiness": {"tcp": {"port": "http"}}}}),
        "spec.probes.readiness.tcp.port: there is no port `http` in spec.ports; add the port to spec.ports, or write its number",
    );
}

const MODE: &str = "write permission bits in octal and in quotes, such as \"0644\"";

#[test]
fn files_lie_at_plain_absolute_paths() {
    let file = |path: &str| json!({"files": [{"path": path, "content": ""}]});
    refused(&file("etc/x"), "spec.files[0].path: `etc/x` is not absolute; begin it with '/'");
    for path in ["/etc/../x", "/etc//x", "/etc/x/", "/./x", "/"] {
        let fault = format!(
            "spec.files[0].path: `{path}` is not in its plain form; leave out '.', '..', doubled slashes and the slash at the end"
        );
        refused(&file(path), &fault);
    }
    refused(
        &file("/a:b"),
        "spec.files[0].path: `/a:b` contains ':' or a control character; Kubernetes mounts nothing there; choose another path",
    );
    refused(&file("/proc/x"), "spec.files[0].path: /proc belongs to the system; choose another path");
    refused(&file("/dev"), "spec.files[0].path: /dev belongs to the system; choose another path");
    refused(&file("/tmp"), "spec.files[0].path: /tmp is scratch; choose another path");
    refused(
        &file("/tmp/x"),
        "spec.files[0].path: /tmp/x lies in /tmp, which is scratch; choose a path outside /tmp",
    );
    for mode in ["0999", "64", "1644", "00644", "rw-", "+644", "-rw", "0o64"] {
        let fault = format!("spec.files[0].mode: `{mode}` are no permission bits; {MODE}");
        refused(&json!({"files": [{"path": "/x", "content": "", "mode": mode}]}), &fault);
    }
    refused(
        &json!({"secretFiles": [{"path": "/x", "secret": "s", "key": "k", "mode": 420}]}),
        &format!(
            "spec.secretFiles[0].mode: permission bits must be a text, because a number is read as decimal; {MODE}"
        ),
    );
    refused(
        &json!({"secretFiles": [{"path": "/x", "key": "k"}]}),
        "spec.secretFiles[0].secret: this is missing; add `secret`",
    );
    refused(&json!({"scratch": [{"path": "/x"}]}), "spec.scratch[0].size: this is missing; add `size`");
    refused(
        &json!({"scratch": [{"path": "/x", "size": "1"}]}),
        "spec.scratch[0].size: `1` is less than 1Mi of ephemeral storage; did you mean 1Mi?",
    );
}

#[test]
fn shutdown_and_publish_are_within_their_bounds() {
    refused(
        &json!({"shutdown": {"drain": "11m"}}),
        "spec.shutdown.drain: `11m` is not from 0s to 10m; write a duration from 0s to 10m, such as 90s, 5m or 1h",
    );
    refused(
        &json!({"shutdown": {"grace": "0s"}}),
        "spec.shutdown.grace: `0s` is not from 1s to 1h; write a duration from 1s to 1h, such as 90s, 5m or 1h",
    );
    refused(
        &json!({"publish": {"order": ["dc-1"]}}),
        "spec.publish.order[0]: a wave is a list of data centers; write a list even around one name: [dc-1]",
    );
    refused(
        &json!({"publish": {"order": [["dc-1"], ["dc-1"]]}}),
        "spec.publish.order[1][0]: `dc-1` stands in the order twice; name it once",
    );
    refused(
        &json!({"publish": {"order": [[]]}}),
        "spec.publish.order[0]: this list is empty; give it an item, or leave it out",
    );
    refused(
        &json!({"publish": {"succeed": 0}}),
        "spec.publish.succeed: 0 is not a whole number from 1 to 32; write a whole number from 1 to 32",
    );
    refused(
        &json!({"publish": {"succeed": "most"}}),
        "spec.publish.succeed: this must be All, or a number from 1 to 32, not `most`; write All, or a number from 1 to 32",
    );
    refused(
        &json!({"publish": {"soak": "25h"}}),
        "spec.publish.soak: `25h` is not from 0s to 24h; write a duration from 0s to 24h, such as 90s, 5m or 1h",
    );
    refused(
        &json!({"publish": {"deadline": "9s"}}),
        "spec.publish.deadline: `9s` is not from 10s to 24h; write a duration from 10s to 24h, such as 90s, 5m or 1h",
    );
    refused(
        &json!({"publish": {"onFailure": "rollback"}}),
        "spec.publish.onFailure: `rollback` is not one of Hold, Rollback; did you mean `Rollback`?",
    );
}
