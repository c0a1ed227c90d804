//! The built program: what it says, where, and how it ends.

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod nasty;
#[cfg(test)]
mod qos;

use std::io::{BufRead as _, BufReader};
use std::process::Command;

use fixture::{Fixture, SHOP, Said};
use serde_json::Value;

/// What a run said, as a snapshot shows it.
fn told(arguments: &[&str], said: &Said) -> String {
    let Said { exit, stdout, stderr } = said;
    let exit = exit.map_or_else(|| "signal".to_owned(), |exit| exit.to_string());
    format!("$ plimsoll {}\n[{exit}]\n-- stdout\n{stdout}-- stderr\n{stderr}\n", arguments.join(" "))
}

fn all(fixture: &Fixture, runs: &[&[&str]]) -> String {
    runs.iter().map(|arguments| told(arguments, &fixture.run(arguments))).collect()
}

/// A range of somebody else in one data center, of the Namespace `strict`.
#[test]
fn what_stands_against_apps_in_a_namespace_is_told() {
    let fixture = Fixture::bare();
    fixture.file("one.yaml", "uid-of-dc-1");
    insta::assert_snapshot!(all(
        &fixture,
        &[
            &["init", "--id", "test", "--environment", "testing"],
            &["dc", "add", "dc-1", "--kubeconfig", "one.yaml"],
            &["namespace", "create", "strict"],
            &["namespace", "create", "strict", "-o", "json"],
            &["namespace", "get", "strict"],
            &["namespace", "create", "demo"],
        ],
    ));
}

#[test]
fn an_installation_is_set_up_and_shown() {
    let fixture = Fixture::bare();
    fixture.file("one.yaml", "uid-of-dc-1");
    fixture.file("two.yaml", "uid-of-dc-2");
    insta::assert_snapshot!(all(
        &fixture,
        &[
            &["get"],
            &["init", "--id", "test", "--name", "Test", "--environment", "testing"],
            &["init", "--id", "other"],
            &["dc", "list"],
            &["dc", "add", "dc-1", "--kubeconfig", "one.yaml"],
            &["dc", "add", "dc-2", "--kubeconfig", "two.yaml", "-o", "name"],
            &["dc", "add", "dc-1", "--kubeconfig", "two.yaml"],
            &["dc", "add", "dc-3", "--kubeconfig", "three.yaml"],
            &["dc", "list"],
            &["dc", "get", "dc-2"],
            &["dc", "get", "dc-9"],
            &["namespace", "create", "demo", "--dry-run"],
            &["namespace", "get", "demo"],
            &["namespace", "create", "demo", "-o", "yaml"],
            &["namespace", "create", "kube-system"],
            &["namespace", "create", "other", "--request-id", "one"],
            &["namespace", "create", "other", "--request-id", "one"],
            &["namespace", "create", "third", "--request-id", "one"],
            &["namespace", "get", "other"],
            &["namespace", "list"],
            &["namespace", "list", "-o", "name"],
        ]
    ));
}

#[test]
fn apps_are_listed_and_shown_in_every_form() {
    let fixture = Fixture::with_shop();
    insta::assert_snapshot!(all(
        &fixture,
        &[
            &["get"],
            &["list", "-o", "wide"],
            &["get", "demo/shop"],
            &["get", "shop", "-n", "demo", "-o", "name"],
            &["get", "shop", "-n", "demo", "-o", "yaml"],
            &["history", "demo/shop"],
            &["history", "demo/shop", "-o", "json"],
            &["show", "demo/shop"],
            &["operation", "list"],
            &["operation", "list", "demo/shop", "-o", "wide"],
            &["namespace", "create", "empty"],
            &["get", "-n", "empty"],
        ]
    ));
}

#[test]
fn registries_and_images_are_shown_and_removed() {
    let fixture = Fixture::new();
    let web = format!("qa.example.com/shop/web@{}", plimsoll_fixture::image("shop/web", "1.0"));
    insta::assert_snapshot!(all(
        &fixture,
        &[
            &["registry", "ls"],
            &["registry", "probe", "qa.example.com", "--dry-run"],
            &["registry", "probe", "qa.example.com"],
            &["registry", "probe", "dc-2.example.com"],
            &["registry", "probe", "elsewhere.example.com"],
            &["registry", "ls"],
            &["registry", "ls", "-o", "name"],
            &["image", "ls", "qa.example.com"],
            &["image", "ls", "qa.example.com/shop", "-o", "name"],
            &["image", "ls", "qa.example.com/shops"],
            &["image", "ls", "dc-1.example.com"],
            &["image", "ls", "dc-1.example.com", "-o", "json"],
            &["image", "ls", "dc-2.example.com"],
            &["image", "ls", "Shop/Web"],
            &["image", "tags", "qa.example.com/shop/web"],
            &["image", "tags", "qa.example.com/shop/web", "-o", "yaml"],
            &["image", "tags", "qa.example.com/shop/none"],
            &["image", "tags", "shop/web"],
            &["image", "inspect", "qa.example.com/shop/web:1.0"],
            &["image", "inspect", "qa.example.com/shop/web:1.0", "-o", "name"],
            &["image", "inspect", "qa.example.com/shop/web:1.0", "-o", "json"],
            &["image", "inspect", "qa.example.com/shop/web:9"],
            &["image", "inspect", "qa.example.com/shop/web"],
            &["image", "inspect", "shop/web:1.0"],
            &["image", "where", "qa.example.com/shop/web:1.0"],
            &["image", "where", "qa.example.com/shop/web:1.0", "--sample", "1Mi", "-o", "wide"],
            &["image", "where", "qa.example.com/shop/web:1.0", "-o", "yaml"],
            &["image", "where", "qa.example.com/shop/web:1.0", "--sample", "much"],
            &["image", "rm", &web],
            &["image", "rm", &web, "--dry-run"],
            &["image", "rm", &web, "--yes", "--request-id", "one"],
            &["image", "rm", &web, "--yes", "--request-id", "one", "-o", "json"],
            &["image", "rm", &web, "--yes"],
            &["image", "rm", "qa.example.com/shop/web:1.1", "--yes"],
        ]
    ));
}

#[test]
fn what_a_change_starts_and_what_it_says_beside_it() {
    let fixture = Fixture::with_shop();
    fixture.file("shop.yaml", SHOP);
    fixture.file("other.yaml", &SHOP.replace("500m", "600m"));
    fixture.file("bigger.yaml", &format!("{SHOP}  scale: {{replicas: 5}}\n"));
    insta::assert_snapshot!(all(
        &fixture,
        &[
            &["apply", "-f", "shop.yaml"],
            &["diff", "-f", "shop.yaml"],
            &["diff", "-f", "other.yaml"],
            &["diff", "-f", "other.yaml", "-o", "name"],
            &["apply", "-f", "other.yaml", "--dry-run"],
            &["apply", "-f", "other.yaml", "--reason", "more"],
            &["apply", "-f", "bigger.yaml"],
            &["scale", "demo/shop", "--replicas", "4", "--dc", "dc-2"],
            &["scale", "demo/shop", "--placement", "dc-1,dc-2", "--dry-run"],
            &["scale", "demo/shop", "--min", "3", "--max", "9"],
            &["scale", "demo/shop", "--replicas", "1"],
            &["scale", "demo/shop", "--replicas", "3", "--dc", "dc-9"],
            &["restart", "demo/shop"],
            &["rollback", "demo/shop"],
            &["rollback", "demo/shop", "--to", "9"],
            &["unpin", "demo/shop"],
            &["offline", "demo/shop"],
            &["delete", "demo/shop"],
            &["delete", "demo/shop", "--yes"],
            &["get", "demo/shop"],
        ]
    ));
}

#[test]
fn faults_of_a_document_are_told_by_line_and_column() {
    let fixture = Fixture::new();
    fixture.file(
        "faults.yaml",
        &SHOP.replace("general-2", "gold").replace("@sha256", "#").replace("ports:", "prots:"),
    );
    fixture.file("yaml.yaml", "a: &x 1\nb: *x\na: !!int 2\n");
    fixture.file("two.yaml", &format!("{SHOP}---\n{SHOP}"));
    fixture.file("broken.yaml", "spec: {image: [\n");
    fixture.file("nameless.yaml", "kind: App\nspec: {}\n");
    let tagged =
        "kind: App\nmetadata: {name: Shop, namespace: demo}\nspec: {image: 'qa.example.com/shop:1'}\n";
    fixture.file("tagged.yaml", tagged);
    fixture.file("empty.yaml", "");
    insta::assert_snapshot!(all(
        &fixture,
        &[
            &["apply", "-f", "faults.yaml"],
            &["diff", "-f", "faults.yaml"],
            &["apply", "-f", "yaml.yaml"],
            &["apply", "-f", "two.yaml"],
            &["apply", "-f", "broken.yaml"],
            &["apply", "-f", "nameless.yaml"],
            &["apply", "-f", "tagged.yaml"],
            &["apply", "-f", "empty.yaml"],
            &["apply", "-f", "absent.yaml"],
            &["apply", "-f", "."],
        ]
    ));
}

#[test]
fn a_document_may_come_from_standard_input_and_leave_the_namespace_to_the_command_line() {
    let fixture = Fixture::new();
    let document = SHOP.replace("  namespace: demo\n", "");
    let said = fixture.with_input(&["apply", "-f", "-", "-n", "demo", "-o", "json"], &document);
    let answer: serde_json::Value = serde_json::from_str(&said.stdout).unwrap_or_default();
    assert_eq!(
        (said.exit, answer["namespace"].as_str(), answer["app"].as_str()),
        (Some(0), Some("demo"), Some("shop"))
    );
    let other = fixture.with_input(&["apply", "-f", "-", "-n", "prod"], SHOP);
    insta::assert_snapshot!(told(&["apply", "-f", "-", "-n", "prod"], &other));
}

#[test]
fn whoever_saw_an_older_app_is_told_who_was_faster() {
    let fixture = Fixture::with_shop();
    let arguments = ["scale", "demo/shop", "--replicas", "4", "--if-match", "\"1\""];
    insta::assert_snapshot!(told(&arguments, &fixture.run(&arguments)));
    fixture.ok(&["scale", "demo/shop", "--replicas", "4", "--force"]);
}

#[test]
fn the_same_request_again_does_nothing_twice() {
    let fixture = Fixture::with_shop();
    let scale = ["scale", "demo/shop", "--replicas", "4", "--force", "--request-id", "mine"];
    assert_eq!(fixture.ok(&scale), fixture.ok(&scale));
    let other = ["scale", "demo/shop", "--replicas", "5", "--force", "--request-id", "mine"];
    insta::assert_snapshot!(told(&other, &fixture.run(&other)));
}

#[test]
fn whoever_is_not_known_or_may_not_is_told_so() {
    let fixture = Fixture::with_shop();
    insta::assert_snapshot!(all(
        &fixture,
        &[
            &["get", "--token", "nobody"],
            &["restart", "demo/shop", "--token", "viewer"],
            &["restart", "demo/absent", "--token", "viewer", "--force"],
            &["get", "demo/shop", "--token", "viewer", "-o", "name"],
        ]
    ));
}

#[test]
fn a_server_that_cannot_be_spoken_to_is_told_in_a_sentence() {
    let fixture = Fixture::new();
    // It was free a moment ago, and nothing else on this machine is told to take it.
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let nobody = free.map(|address| format!("http://{address}")).unwrap_or_default();
    let mut text = all(
        &fixture,
        &[
            &["get", "--server", &nobody],
            &["get", "--server", "nonsense"],
            &["get", "--server", "ftp://plimsoll"],
            &["get", "--ca", "absent.pem"],
        ],
    );
    text = text.replace(&nobody, "NOBODY");
    let no_server = fixture.command(&["get"]).env_remove("PLIMSOLL_SERVER").output();
    text.push_str(&no_server.map(|output| told(&["get"], &fixture.said(&output))).unwrap_or_default());
    let secure =
        fixture.command(&["get"]).env("PLIMSOLL_SERVER", fixture.server().replace("http", "https")).output();
    text.push_str(&secure.map(|output| told(&["get"], &fixture.said(&output))).unwrap_or_default());
    insta::assert_snapshot!(text);
}

#[test]
fn the_context_file_says_which_server() {
    let fixture = Fixture::with_shop();
    let get = |context: &str| {
        fixture.file("context.json", context);
        let mut command: Command = fixture.command(&["get", "shop", "-o", "name"]);
        command.env_remove("PLIMSOLL_SERVER").env_remove("PLIMSOLL_TOKEN");
        command.output().map(|output| fixture.said(&output))
    };
    let server = fixture.server();
    let full = format!(r#"{{"server": "{server}", "token": "viewer", "namespace": "demo", "more": 1}}"#);
    assert_eq!(get(&full).map(|said| said.stdout).unwrap_or_default(), "demo/shop\n");
    let tokenless = format!(r#"{{"server": "{server}", "namespace": "demo"}}"#);
    assert_eq!(get(&tokenless).map(|said| said.exit).unwrap_or_default(), Some(4));
    let said = get("{").unwrap_or_else(|error| panic!("{error}"));
    insta::assert_snapshot!(told(&["get", "shop"], &said));
    assert!(fixture.path("context.json").exists());
}

#[test]
fn a_wait_ends_with_the_code_of_how_it_ended() {
    let fixture = Fixture::with_shop();
    let first = fixture.ok(&["operation", "list", "-o", "name"]);
    assert!(first.starts_with("ID-1"), "{first}");
    let first = String::from_utf8(
        fixture
            .command(&["operation", "list", "-o", "name"])
            .output()
            .map(|output| output.stdout)
            .unwrap_or_default(),
    )
    .unwrap_or_default();
    let first = first.trim();
    let mut text = all(&fixture, &[&["operation", "wait", first, "--timeout", "1s"]]);
    fixture.file("other.yaml", &SHOP.replace("500m", "600m"));
    fixture.ok(&["apply", "-f", "other.yaml"]);
    text.push_str(&all(
        &fixture,
        &[
            &["operation", "wait", first],
            &["operation", "watch", first],
            &["operation", "get", first],
            &["operation", "get", "0199f3a0-0000-7000-8000-000000000001"],
            &["operation", "get", "7"],
            &["apply", "-f", "other.yaml", "--wait", "--timeout", "1s"],
            &["scale", "demo/shop", "--replicas", "4", "--wait", "--timeout", "soon"],
        ],
    ));
    insta::assert_snapshot!(text.replace(first, "FIRST"));
}

#[test]
fn several_documents_are_all_checked_before_the_first_is_sent_and_each_is_told() {
    let fixture = Fixture::new();
    let cart = SHOP.replace("name: shop", "name: cart");
    std::fs::create_dir(fixture.path("apps")).unwrap();
    std::fs::create_dir(fixture.path("none")).unwrap();
    fixture.file("apps/b.yaml", &format!("# two of them\n---\n{SHOP}---\n{cart}"));
    fixture.file(
        "apps/a.json",
        &serde_json::to_string(
            &serde_saphyr::from_str::<Value>(&SHOP.replace("name: shop", "name: blog")).unwrap(),
        )
        .unwrap(),
    );
    let hat = SHOP.replace("name: shop", "name: hat");
    let (too_small, of_nobody) = (hat.replace("500m", "0"), SHOP.replace("demo", "nowhere"));
    fixture.file("bad.yaml", &format!("{too_small}---\n{of_nobody}"));
    fixture.file("twice.yaml", &format!("{cart}---\n{}", cart.replace("500m", "600m")));
    fixture.file("broken.yaml", &format!("{hat}---\nspec: [\n"));
    fixture.file("larger.yaml", &format!("{cart}---\n{SHOP}").replace("500m", "600m"));
    insta::assert_snapshot!(all(
        &fixture,
        &[
            &["apply", "-f", "apps", "-f", "bad.yaml"],
            &["apply", "-f", "bad.yaml", "-f", "absent.yaml"],
            &["apply", "-f", "broken.yaml", "-f", "apps"],
            &["apply", "-f", "twice.yaml"],
            &["apply", "-f", "none"],
            &["list"],
            &["apply", "-f", "apps", "--dry-run"],
            &["apply", "-f", "apps", "--request-id", "one"],
            &["apply", "-f", "apps"],
            &["apply", "-f", "apps", "--wait", "--timeout", "1s"],
            &["diff", "-f", "larger.yaml"],
            &["apply", "-f", "larger.yaml", "--wait", "--timeout", "1s"],
            &["diff", "-f", "apps", "-o", "json"],
            &["list"],
        ]
    ));
    let applied = fixture.run(&["apply", "-f", "apps", "-o", "json"]);
    let applied: Value = serde_json::from_str(&applied.stdout).unwrap();
    let apps: Vec<_> = applied["items"].as_array().unwrap().iter().map(|item| item["app"].clone()).collect();
    assert_eq!(apps, ["blog", "shop", "cart"]);
}

#[test]
fn an_app_that_is_offline_says_so_when_it_is_published() {
    let fixture = Fixture::with_shop();
    fixture.ok(&["offline", "demo/shop"]);
    fixture.file("other.yaml", &SHOP.replace("500m", "600m"));
    let said = fixture.run(&["apply", "-f", "other.yaml"]);
    let told = "note: demo/shop is offline: nothing of it runs until `plimsoll online shop -n demo`";
    assert!(said.exit == Some(0) && said.stderr.lines().any(|line| line == told), "{said:?}");
}

/// Nobody waits half an hour for a server that never was there.
#[test]
fn a_wait_for_a_server_that_was_never_there_ends_at_once_with_the_remedy() {
    let fixture = Fixture::new();
    let vacant = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = format!("http://{vacant}");
    let id = "0199f3a0-0000-7000-8000-000000000001";
    for verb in ["wait", "watch"] {
        let said = fixture.run(&["operation", verb, id, "--server", &server]);
        let told = format!(
            "error: nothing listens at {server}; start a server with `plimsoll dev`, or name another with --server"
        );
        assert_eq!((said.exit, said.stderr.trim()), (Some(1), told.as_str()), "{verb}");
    }
}

#[test]
fn an_operation_is_paused_resumed_and_aborted_and_says_how_it_stands() {
    let fixture = Fixture::with_shop();
    let listed = fixture.command(&["operation", "list", "-o", "name"]).output();
    let first = String::from_utf8(listed.map(|output| output.stdout).unwrap_or_default()).unwrap_or_default();
    let first = first.trim();
    let text = all(
        &fixture,
        &[
            &["operation", "pause", first, "--dry-run"],
            &["operation", "pause", first, "--reason", "the lunch rush"],
            &["operation", "pause", first],
            &["operation", "get", first],
            &["operation", "resume", first],
            &["operation", "resume", first],
            &["operation", "abort", first, "--reason", "wrong branch", "--request-id", "abort"],
            &["operation", "abort", first, "--reason", "wrong branch", "--request-id", "abort"],
            &["operation", "abort", first],
            &["operation", "wait", first],
            &["operation", "pause", "0199f3a0-0000-7000-8000-000000000001"],
        ],
    );
    insta::assert_snapshot!(text.replace(first, "FIRST"));
}

/// Nobody waits half an hour for what somebody else has paused without knowing it, even who asked for no progress.
#[test]
fn whoever_waits_for_a_paused_operation_is_told_by_whom_and_how_it_goes_on() {
    let fixture = Fixture::with_shop();
    let listed = fixture.command(&["operation", "list", "-o", "name"]).output();
    let first = String::from_utf8(listed.map(|output| output.stdout).unwrap_or_default()).unwrap_or_default();
    let first = first.trim();
    fixture.ok(&["operation", "pause", first, "--reason", "the lunch rush"]);
    let mut child = fixture.start(&["operation", "wait", first]);
    let stderr = child.stderr.take().into_iter().next().unwrap_or_else(|| panic!("no stderr"));
    let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
    let paused = lines.next();
    fixture.ok(&["operation", "resume", first]);
    let resumed = lines.next();
    fixture.ok(&["operation", "abort", first]);
    let exit = child.wait().ok().and_then(|status| status.code());
    let told = [paused, resumed].map(Option::unwrap_or_default).map(|line| line.replace(first, "FIRST"));
    assert_eq!(
        (exit, told),
        (
            Some(1),
            [
                "note: the go-live of shop as release 1 is paused by operator (the lunch rush); it goes on by `plimsoll \
                 operation resume FIRST`",
                "note: the go-live of shop as release 1 is paused no more",
            ]
            .map(str::to_owned)
        )
    );
}

#[test]
fn interrupted_while_it_waits_it_says_that_the_operation_goes_on() {
    let fixture = Fixture::with_shop();
    fixture.file("other.yaml", &SHOP.replace("500m", "600m"));
    let mut child = fixture.start(&["apply", "-f", "other.yaml", "--wait"]);
    // The first line of progress: it waits from here on.
    let mut lines =
        BufReader::new(child.stderr.take().into_iter().next().unwrap_or_else(|| panic!("no stderr"))).lines();
    let first = lines.next().and_then(Result::ok).unwrap_or_default();
    assert!(first.starts_with("dc-1"), "{first}");
    let second = lines.next().and_then(Result::ok).unwrap_or_default();
    assert!(second.starts_with("dc-2"), "{second}");
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.is_ok_and(|status| status.success()));
    let exit = child.wait().ok().and_then(|status| status.code());
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert_eq!(exit, Some(130), "{rest:?}");
    assert!(
        rest.last().is_some_and(|line| line.starts_with("error: interrupted; the operation goes on")),
        "{rest:?}"
    );
}

#[test]
fn shells_learn_the_verbs_and_whoever_stops_reading_is_no_trouble() {
    let fixture = Fixture::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = fixture.ok(&["completion", shell]);
        assert!(script.contains("rollback") && script.contains("namespace"), "{shell}: {script}");
    }
    for arguments in [&["completion", "bash"][..], &["namespace", "list"], &["dc", "list", "-o", "json"]] {
        let mut child = fixture.start(arguments);
        drop(child.stdout.take());
        let said = fixture.said(&child.wait_with_output().unwrap());
        assert_eq!((said.exit, said.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

/// Nothing here is a terminal, so nothing may steer one, whatever the environment asks for.
#[test]
fn what_is_no_terminal_gets_plain_text() {
    let fixture = Fixture::with_shop();
    for arguments in
        [&["get", "demo/shop"][..], &["--help"], &["scale", "demo/shop"], &["list", "-o", "wide"]]
    {
        for environment in ["NO_COLOR", "CLICOLOR", "TERM"] {
            let output = fixture.command(arguments).env(environment, "1").output().unwrap();
            let bytes = [output.stdout, output.stderr].concat();
            let steers = |byte: &u8| byte.is_ascii_control() && *byte != b'\n';
            assert!(!bytes.iter().any(steers), "{arguments:?} with {environment}");
        }
    }
}

#[test]
fn the_help_names_every_verb_and_every_exit_code() {
    let fixture = Fixture::bare();
    insta::assert_snapshot!(all(
        &fixture,
        &[
            &["--help"],
            &["scale", "--help"],
            &["scale", "shop"],
            &["scale", "shop", "--max", "5"],
            &["frobnicate"]
        ]
    ));
}
