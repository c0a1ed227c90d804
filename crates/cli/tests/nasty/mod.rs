//! Documents that somebody might write, by mistake or to see what happens: each is refused with every fault it
//! has, where it stands, with what to do about it, and nothing breaks.

use std::fmt::Write as _;

use crate::fixture::{Fixture, SHOP};

/// The document without fault, with `line` in the place of the one that begins with `field`, or behind the
/// last where there is none.
fn with(field: &str, line: &str) -> String {
    let mut found = false;
    let lines = SHOP.lines().map(|own| {
        let here = own.trim_start().trim_start_matches("- ").starts_with(field);
        found |= here;
        if here { line } else { own }
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    if found { format!("{text}\n") } else { format!("{text}\n{line}\n") }
}

/// Spec fields behind the last.
fn also(lines: &str) -> String {
    with("no such field", lines)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_no_document_may_say_is_refused_with_place_and_remedy() {
    let fixture = Fixture::new();
    let deep = format!("  command: {}x{}", "[".repeat(33), "]".repeat(33));
    let exec = "    readiness: {exec: {command: [\"\"]}}";
    let table: Vec<(&str, String)> = vec![
        ("33 deep", also(&deep)),
        ("an alias of itself", also("  command: &a [*a]")),
        ("a billion laughs", also("  env: {A: &a [x, x], B: &b [*a, *a], C: [*b, *b]}")),
        ("a merge key", also("  env: {<<: {A: b}}")),
        ("a key twice", with("grade:", "  grade: general-2\n  grade: system")),
        ("the same key in two forms", also("  env: {A: x, \"A\": y}")),
        ("a tag", also("  user: !!int \"7\"")),
        ("a program as a tag", also("  env: {A: !!python/object/apply:os.system [ls]}")),
        ("a list as a key", also("  env: {[a]: b}")),
        ("no number that JSON knows", also("  user: .nan")),
        ("an infinite number", also("  scale: {replicas: .inf}")),
        ("a number of forty digits", also(&format!("  scale: {{replicas: {}}}", "9".repeat(40)))),
        ("a number with an exponent", also("  scale: {replicas: 3e0}")),
        ("a fraction of a pod", also("  scale: {replicas: 3.5}")),
        ("a negative count", also("  scale: {replicas: -3}")),
        ("more replicas than there may be", also("  scale: {replicas: 1001}")),
        ("a maximum below the minimum", also("  scale: {autoscale: {min: 9, max: 3}}")),
        ("both ways to scale", also("  scale: {replicas: 3, autoscale: {min: 3, max: 9}}")),
        ("an autoscaler over its limit", also("  scale: {autoscale: {min: 3, max: 9, cpuPercent: 101}}")),
        ("an exception for an unknown data center", also("  scale: {exceptions: {dc-9: {replicas: 3}}}")),
        ("a placement nowhere", also("  scale: {placement: []}")),
        ("a placement twice", also("  scale: {placement: [dc-1, dc-1]}")),
        ("an overlay of an unknown data center", also("  dataCenters: {dc-9: {env: {A: b}}}")),
        ("an overlay by a name that is none", also("  dataCenters: {DC_1: {env: {A: b}}}")),
        ("an overlay of an image", also("  dataCenters: {dc-1: {image: other}}")),
        ("a wave of an unknown data center", also("  publish: {order: [[dc-1], [dc-9]]}")),
        ("a data center in two waves", also("  publish: {order: [[dc-1], [dc-1]]}")),
        ("more successes than data centers", also("  publish: {succeed: 3}")),
        ("no success at all", also("  publish: {succeed: 0}")),
        ("a negative duration", also("  publish: {soak: -5s}")),
        ("a duration without unit", also("  publish: {soak: 90}")),
        ("a duration in words", also("  publish: {soak: five minutes}")),
        ("a duration of a thousand years", also("  publish: {deadline: 8766000h}")),
        ("a grace of nothing and a drain of an hour", also("  shutdown: {drain: 1h, grace: 0s}")),
        ("a thousandth of a byte", with("size:", "  size: {cpu: 500m, memory: 100m}")),
        ("a memory of nothing", with("size:", "  size: {cpu: 500m, memory: 0}")),
        ("a memory of half a byte", with("size:", "  size: {cpu: 500m, memory: 0.5}")),
        ("a negative amount", with("size:", "  size: {cpu: -1, memory: 64Mi}")),
        ("units of the wrong case", with("size:", "  size: {cpu: 500M, memory: 64mi}")),
        ("a unit with a space", with("size:", "  size: {cpu: 500 m, memory: 64 Mi}")),
        ("a comma in a number", with("size:", "  size: {cpu: \"0,5\", memory: \"1,024Mi\"}")),
        ("an amount beyond all machines", with("size:", "  size: {cpu: 1e30, memory: 9999999Ti}")),
        ("a list for a size", with("size:", "  size: [500m, 64Mi]")),
        ("YAML 1.1 for true", also("  apiToken: yes")),
        ("YAML 1.1 for false as env", also("  env: {A: no, B: false, C: 1.10, D: 0755, E: 1_000}")),
        ("nothing as env", also("  env: {A: , B: ~}")),
        ("an octal mode without quotes", also("  files: [{path: /etc/a, content: x, mode: 0644}]")),
        ("a mode of YAML 1.2", also("  files: [{path: /etc/a, content: x, mode: 0o644}]")),
        ("a mode that runs as root", also("  files: [{path: /etc/a, content: x, mode: \"4755\"}]")),
        ("a mode with a nine", also("  files: [{path: /etc/a, content: x, mode: \"0689\"}]")),
        ("a path that climbs", also("  files: [{path: /etc/../root/.ssh/x, content: x}]")),
        ("a path that is not absolute", also("  files: [{path: etc/a, content: x}]")),
        ("a path twice", also("  files: [{path: /etc/a, content: x}, {path: /etc//a, content: y}]")),
        ("a file where the kernel speaks", also("  files: [{path: /proc/1/mem, content: x}]")),
        (
            "a file over a folder of another",
            also("  files: [{path: /a, content: x}, {path: /a/b, content: y}]"),
        ),
        ("scratch over everything", also("  scratch: [{path: /, size: 1Gi}]")),
        ("a binary file", also("  files: [{path: /etc/a, content: \"\\0\\x01\"}]")),
        ("an env name with an equals sign", also("  env: {\"A=B\": c}")),
        ("an env name of nothing", also("  env: {\"\": c}")),
        ("an env name with a space", also("  env: {\"A B\": c}")),
        ("an env name beyond ASCII", also("  env: {ÄÖÜ: c}")),
        ("an env name of ours", also("  env: {PLIMSOLL_DC: mine}")),
        ("a NUL in an env value", also("  env: {A: \"b\\0c\"}")),
        ("one variable from two places", also("  env: {A: b}\n  envFromSecrets: {A: {secret: s, key: k}}")),
        ("a Secret with a path for a name", also("  envFromSecrets: {A: {secret: ../s, key: ../../k}}")),
        (
            "port 0 and port 65536",
            with("{name: http", "    - {name: http, port: 0}\n    - {name: b, port: 65536}"),
        ),
        (
            "one port twice",
            with("{name: http", "    - {name: http, port: 8080}\n    - {name: b, port: 8080}"),
        ),
        (
            "one port name twice",
            with("{name: http", "    - {name: http, port: 80}\n    - {name: http, port: 81}"),
        ),
        (
            "one service port twice",
            with(
                "{name: http",
                "    - {name: http, port: 80, servicePort: 1}\n    - {name: b, port: 81, servicePort: 1}",
            ),
        ),
        ("a port as a text", with("{name: http", "    - {name: http, port: \"8080\"}")),
        ("a port name beyond ASCII", with("{name: http", "    - {name: hättp, port: 8080}")),
        ("a port name that is too long", with("{name: http", "    - {name: sixteen-letters-x, port: 8080}")),
        ("a protocol in lower case", with("{name: http", "    - {name: http, port: 8080, protocol: tcp}")),
        (
            "a probe of a port that is not there",
            with("readiness:", "    readiness: {http: {path: /, port: admin}}"),
        ),
        (
            "a probe in two ways",
            with("readiness:", "    readiness: {http: {path: /, port: http}, tcp: {port: 1}}"),
        ),
        ("a probe in no way", with("readiness:", "    readiness: {period: 5s}")),
        (
            "a probe with an address",
            with("readiness:", "    readiness: {http: {path: \"http://evil.example.com/\", port: http}}"),
        ),
        ("a program without a name", with("readiness:", exec)),
        ("root", also("  user: 0")),
        ("a user by name", also("  user: root")),
        ("what is privileged", also("  privileged: true\n  hostNetwork: true\n  hostPath: /")),
        (
            "what belongs to Kubernetes",
            also(
                "  replicas: 3\n  resources: {}\n  readinessProbe: {}\n  volumes: []\n  sidecars: [{name: a, securityContext: {}}]",
            ),
        ),
        ("a securityContext", also("  securityContext: {privileged: true}")),
        ("two main containers", also("  containers: [{name: a}, {name: b}]")),
        ("a sidecar called main", also("  sidecars: [{name: main, image: x, size: {}}]")),
        ("a sidecar twice", also("  sidecars: [{name: a}, {name: a}]")),
        (
            "a sidecar without a size",
            also(&format!("  init: [{{name: a, image: \"r.example.com/a@sha256:{}\"}}]", "0".repeat(64))),
        ),
        ("a tag for an image", with("image:", "  image: registry.example.com/demo/shop:latest")),
        ("half a digest", with("image:", "  image: registry.example.com/demo/shop@sha256:9f86")),
        ("another digest", with("image:", &format!("  image: r.example.com/a@md5:{}", "0".repeat(32)))),
        (
            "an image in capitals",
            with("image:", &format!("  image: R.example.com/Shop@sha256:{}", "0".repeat(64))),
        ),
        (
            "an image with a scheme",
            with("image:", &format!("  image: https://r.example.com/shop@sha256:{}", "0".repeat(64))),
        ),
        (
            "an image with a space",
            with("image:", &format!("  image: \"r.example.com/s hop@sha256:{}\"", "0".repeat(64))),
        ),
        ("a grade that is none", with("grade:", "  grade: platinum")),
        ("a grade as a number", with("grade:", "  grade: 5")),
        (
            "an unknown field and what was meant",
            also("  replica: 3\n  enviroment: {A: b}\n  livenessProbe: {}"),
        ),
        ("a name in Cyrillic that looks Latin", with("name: shop", "  name: ѕhор")),
        ("a name with a dot", with("name: shop", "  name: shop.v2")),
        ("a name of 41 letters", with("name: shop", &format!("  name: {}", "a".repeat(41)))),
        ("a name that a terminal obeys", with("name: shop", "  name: \"\\e[2Jshop\"")),
        ("a name that is a number", with("name: shop", "  name: 1234")),
        ("a namespace of the system", with("namespace:", "  namespace: KUBE-SYSTEM")),
        ("an owner that a terminal obeys", with("owner:", "  owner: \"\\e]0;pwned\\a\"")),
        ("an owner written from right to left", with("owner:", "  owner: \"\\u202Emoc.elpmaxe\"")),
        ("labels of ours", with("owner:", "  labels: {plimsoll.io/app: other, \"a b\": c, x: \"a b\"}")),
        ("another kind", with("kind:", "kind: Deployment")),
        ("another version", with("apiVersion:", "apiVersion: apps/v1")),
        ("no version and no kind", with("apiVersion:", "").replace("kind: App\n", "")),
        ("a text for the spec", with("spec:", "spec: hello\nx:")),
        ("a type to come", also("  type: job")),
        ("a field to come", also("  routes: []\n  canary: {}")),
    ];
    assert!(table.len() >= 60, "{}", table.len());

    let mut told = String::new();
    for (what, text) in &table {
        fixture.file("shop.yaml", text);
        let said = fixture.run(&["diff", "-f", "shop.yaml"]);
        assert_eq!((said.exit, said.stdout.as_str()), (Some(2), ""), "{what}: {said:?}\n{text}");
        let mut lines = said.stderr.lines();
        assert!(lines.next().is_some_and(|line| line.starts_with("error: shop.yaml")), "{what}: {said:?}");
        writeln!(told, "# {what}").unwrap();
        for line in lines {
            let fault = line.trim_start();
            assert!(fault.starts_with("shop.yaml:") && fault.contains(" — "), "{what}: {line}");
            assert!(!fault.chars().any(char::is_control) && fault.len() < 600, "{what}: {line:?}");
            writeln!(told, "{}", fault.trim_start_matches("shop.yaml:")).unwrap();
        }
    }
    insta::assert_snapshot!(told);
}
