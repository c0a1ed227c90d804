//! The verbs, each in the words of every face.

use anyhow::Result;
use plimsoll_core::error::Kind;
use plimsoll_tests::{Document, World};
use reqwest::Method;
use serde_json::{Value, json};

/// A verb: what is typed, what is sent, what is called.
pub(super) struct Verb {
    pub(super) name: &'static str,
    pub(super) cli: Vec<String>,
    pub(super) rest: (Method, String, Option<Value>),
    /// Service and method, the request, and the field of the response that holds the answer; empty where the
    /// response is the answer.
    pub(super) grpc: (&'static str, Value, &'static str),
    /// The kind of error that it ends with, if it is to fail.
    pub(super) error: Option<Kind>,
}

impl Verb {
    fn failing(self, kind: Kind) -> Self {
        Self { error: Some(kind), ..self }
    }

    /// Waits for an Operation.
    pub(super) fn wait(id: &str) -> Self {
        Self {
            name: "operation wait",
            cli: words(&["operation", "wait", id, "--timeout", "1m"]),
            rest: (Method::POST, format!("/v1/operations/{id}/wait?timeout=1m"), None),
            grpc: ("OperationService/WaitOperation", json!({"id": id, "timeout": "60s"}), "operation"),
            error: None,
        }
    }
}

/// What is said to an Operation that has ended, which is refused.
pub(super) fn too_late(id: &str) -> [Verb; 3] {
    let say = |name: &'static str, verb: &str, method| Verb {
        name,
        cli: words(&["operation", verb, id]),
        rest: (Method::POST, format!("/v1/operations/{id}/{verb}{}", query()), None),
        grpc: (method, json!({"id": id, "options": options()}), "accepted"),
        error: Some(Kind::Refused),
    };
    [
        say("operation pause", "pause", "OperationService/PauseOperation"),
        say("operation resume", "resume", "OperationService/ResumeOperation"),
        say("operation abort", "abort", "OperationService/AbortOperation"),
    ]
}

/// The life of an App, with what is refused on its way.
pub(super) fn writes(world: &World, app: &'static str) -> Result<Vec<Verb>> {
    let namespace = world.namespace();
    let document = Document::new(namespace, app);
    let apply = |version| apply(world, app, &document.clone().version(version), &version.to_string());
    let on = |name, method, rest: Option<Value>, more: &[&str]| {
        let mut request = json!({"app": {"namespace": namespace, "name": app}, "options": options()});
        if let Some(Value::Object(rest)) = &rest {
            request.as_object_mut().into_iter().for_each(|request| request.extend(rest.clone()));
        }
        Verb {
            name,
            cli: words(&[&[name, app, "-n", namespace], more].concat()),
            rest: (Method::POST, format!("/v1/namespaces/{namespace}/apps/{app}/{name}{}", query()), rest),
            grpc: (method, request, "accepted"),
            error: None,
        }
    };
    let mut scale = on("scale", "AppService/ScaleApp", Some(json!({"replicas": 4})), &["--replicas", "4"]);
    scale.grpc.1 = json!({
        "app": {"namespace": namespace, "name": app}, "options": options(), "size": {"replicas": 4},
    });
    let mut delete = on("delete", "AppService/DeleteApp", None, &["--yes"]);
    delete.rest = (Method::DELETE, format!("/v1/namespaces/{namespace}/apps/{app}{}", query()), None);
    let to = Some(json!({"to": 2}));
    let mut back = on("rollback", "AppService/RollbackApp", to, &["--to", "2", "--reason", "as before"]);
    back.rest.1 += "&reason=as+before";
    back.grpc.1["options"]["reason"] = "as before".into();
    let mut get = show(world, "get", app, "GetApp", "", "app");
    get.name = "get what was deleted";

    Ok(vec![
        apply(1)?,
        apply(2)?,
        on("rollback", "AppService/RollbackApp", None, &[]),
        apply(3)?.failing(Kind::Refused),
        on("unpin", "AppService/UnpinApp", None, &[]),
        scale,
        on("restart", "AppService/RestartApp", None, &[]),
        on("offline", "AppService/OfflineApp", None, &[]),
        on("online", "AppService/OnlineApp", None, &[]),
        back,
        self::apply(world, app, &document.clone().without("/spec/image"), "without-image")?
            .failing(Kind::Invalid),
        delete,
        get.failing(Kind::NotFound),
        decide("confirm", "dc confirm", "InstallationService/ConfirmDataCenter").failing(Kind::Refused),
        decide("refuse", "dc refuse", "InstallationService/RefuseDataCenter").failing(Kind::Refused),
        set_policy(world, "2", 700_000_000)?,
        set_policy(world, "2", 1)?.failing(Kind::Refused),
        set_policy(world, "1/2", 1)?.failing(Kind::Invalid),
        create_namespace(app, app),
        create_namespace(app, app),
        create_namespace(app, &format!("{app}-2")).failing(Kind::Refused),
        create_namespace(&format!("{app}-system"), "kube-system").failing(Kind::Refused),
    ])
}

/// A word on a data center that needs none.
fn decide(verb: &str, name: &'static str, method: &'static str) -> Verb {
    Verb {
        name,
        cli: words(&["dc", verb, "dc-1"]),
        rest: (Method::POST, format!("/v1/datacenters/dc-1/{verb}{}", query()), None),
        grpc: (method, json!({"name": "dc-1", "options": options()}), "dataCenter"),
        error: None,
    }
}

/// Everything that shows something, of the App `shop`, its Operation `id` and the installation.
pub(super) fn reads(world: &World, id: &str, installation: &str) -> Result<Vec<Verb>> {
    let namespace = world.namespace();
    let in_namespace = json!({"namespace": namespace});
    let page = |name, cli: &[&str], path: &str, grpc| Verb {
        name,
        cli: words(cli),
        rest: (Method::GET, path.to_owned(), None),
        grpc,
        error: None,
    };
    let operation = |name: &'static str, rest: &str, method, field| Verb {
        name,
        cli: words(&[&name.split(' ').collect::<Vec<_>>()[..], &[id]].concat()),
        rest: (Method::GET, format!("/v1/operations/{id}{rest}"), None),
        grpc: (method, json!({"id": id}), field),
        error: None,
    };
    let mut document = show(world, "show", "shop", "GetDocument", "/releases/2", "document");
    document.cli.extend(words(&["--release", "2"]));
    document.grpc.1["release"] = 2.into();

    Ok(vec![
        show(world, "get", "shop", "GetApp", "", "app"),
        show(world, "history", "shop", "ListReleases", "/history", "releases"),
        document,
        diff(world)?,
        page(
            "list",
            &["list", "-n", namespace],
            &format!("/v1/namespaces/{namespace}/apps"),
            ("AppService/ListApps", in_namespace, "apps"),
        ),
        page("list all", &["list"], "/v1/apps", ("AppService/ListApps", json!({}), "apps")),
        operation("operation get", "", "OperationService/GetOperation", "operation"),
        operation("operation watch", "/watch", "OperationService/WatchOperation", "operation"),
        Verb::wait(id),
        page(
            "operation list",
            &["operation", "list"],
            "/v1/operations",
            ("OperationService/ListOperations", json!({}), "operations"),
        ),
        page(
            "operation list of an app",
            &["operation", "list", "shop", "-n", namespace],
            &format!("/v1/namespaces/{namespace}/apps/shop/operations"),
            (
                "OperationService/ListOperations",
                json!({"app": {"namespace": namespace, "name": "shop"}}),
                "operations",
            ),
        ),
        page(
            "dc list",
            &["dc", "list"],
            "/v1/datacenters",
            ("InstallationService/ListDataCenters", json!({}), "dataCenters"),
        ),
        page(
            "namespace list",
            &["namespace", "list"],
            "/v1/namespaces",
            ("InstallationService/ListNamespaces", json!({}), "namespaces"),
        ),
        page(
            "dc get",
            &["dc", "get", "dc-1"],
            "/v1/datacenters/dc-1",
            ("InstallationService/GetDataCenter", json!({"name": "dc-1"}), "dataCenter"),
        ),
        page(
            "dc get nothing",
            &["dc", "get", "dc-9"],
            "/v1/datacenters/dc-9",
            ("InstallationService/GetDataCenter", json!({"name": "dc-9"}), "dataCenter"),
        )
        .failing(Kind::NotFound),
        page(
            "namespace get",
            &["namespace", "get", namespace],
            &format!("/v1/namespaces/{namespace}"),
            ("InstallationService/GetNamespace", json!({"name": namespace}), "namespace"),
        ),
        page(
            "namespace get nothing",
            &["namespace", "get", "nowhere"],
            "/v1/namespaces/nowhere",
            ("InstallationService/GetNamespace", json!({"name": "nowhere"}), "namespace"),
        )
        .failing(Kind::NotFound),
        page(
            "get nothing",
            &["get", "nobody", "-n", namespace],
            &format!("/v1/namespaces/{namespace}/apps/nobody"),
            ("AppService/GetApp", json!({"app": {"namespace": namespace, "name": "nobody"}}), "app"),
        )
        .failing(Kind::NotFound),
        init(installation),
        init("another").failing(Kind::AlreadyExists),
        add_dc(world, "dc-1")?,
        add_dc(world, "dc-4")?.failing(Kind::AlreadyExists),
    ])
}

fn apply(world: &World, app: &str, document: &Document, folder: &str) -> Result<Verb> {
    let namespace = world.namespace();
    let folder = world.folder().join(folder);
    std::fs::create_dir_all(&folder)?;
    let file = document.write(&folder)?;
    Ok(Verb {
        name: "apply",
        cli: words(&["apply", "-f", &file.to_string_lossy()]),
        rest: (
            Method::PUT,
            format!("/v1/namespaces/{namespace}/apps/{app}{}", query()),
            Some(document.value().clone()),
        ),
        grpc: (
            "AppService/ApplyApp",
            json!({"document": document.value(), "options": options()}),
            "accepted",
        ),
        error: None,
    })
}

fn diff(world: &World) -> Result<Verb> {
    let document = world.shop().version(7).with("/spec/env/GREETING", "good day");
    let folder = world.folder().join("diff");
    std::fs::create_dir_all(&folder)?;
    let file = document.write(&folder)?;
    Ok(Verb {
        name: "diff",
        cli: words(&["diff", "-f", &file.to_string_lossy()]),
        rest: (
            Method::POST,
            format!("/v1/namespaces/{}/apps/shop/diff", world.namespace()),
            Some(document.value().clone()),
        ),
        grpc: ("AppService/DiffApp", json!({"document": document.value()}), ""),
        error: None,
    })
}

fn show(world: &World, name: &'static str, app: &str, method: &str, rest: &str, field: &'static str) -> Verb {
    let namespace = world.namespace();
    let method = match method {
        "GetApp" => "AppService/GetApp",
        "ListReleases" => "AppService/ListReleases",
        _ => "AppService/GetDocument",
    };
    Verb {
        name,
        cli: words(&[name, app, "-n", namespace]),
        rest: (Method::GET, format!("/v1/namespaces/{namespace}/apps/{app}{rest}"), None),
        grpc: (method, json!({"app": {"namespace": namespace, "name": app}}), field),
        error: None,
    }
}

/// The grades, which nobody has set.
pub(super) fn show_policy() -> Verb {
    Verb {
        name: "policy show",
        cli: words(&["policy", "show"]),
        rest: (Method::GET, "/v1/policy".to_owned(), None),
        grpc: ("InstallationService/GetPolicy", json!({}), "policy"),
        error: None,
    }
}

/// Looks what would come of having the grade of these Apps alone.
fn set_policy(world: &World, cpu: &str, priority: u32) -> Result<Verb> {
    let grade = json!({
        "name": "general-2", "qosClass": "Burstable", "cpu": cpu, "memory": "3/2", "priority": priority,
    });
    let body = json!({"grades": [grade]});
    let file = world.folder().join(format!("grades-{}.yaml", uuid::Uuid::now_v7()));
    std::fs::write(&file, body.to_string())?;
    let mut options = options();
    options["validateOnly"] = true.into();
    Ok(Verb {
        name: "policy set",
        cli: words(&["policy", "set", "-f", &file.to_string_lossy(), "--dry-run"]),
        rest: (Method::PUT, format!("/v1/policy{}&validateOnly=true", query()), Some(body.clone())),
        grpc: ("InstallationService/SetPolicy", json!({"policy": body, "options": options}), ""),
        error: None,
    })
}

/// Names the installation again, or otherwise.
fn init(id: &str) -> Verb {
    let name = "System tests";
    let body = json!({"id": id, "name": name, "environment": "Production"});
    Verb {
        name: "init",
        cli: words(&["init", "--id", id, "--name", name]),
        rest: (Method::POST, format!("/v1/installation{}", query()), Some(body)),
        grpc: (
            "InstallationService/Init",
            json!({"id": id, "name": name, "environment": "ENVIRONMENT_PRODUCTION", "options": options()}),
            "installation",
        ),
        error: None,
    }
}

/// Checks whether the first data center could be added under this name.
fn add_dc(world: &World, name: &str) -> Result<Verb> {
    let file = world.dcs()[0].kubeconfig();
    let mut body = json!({"name": name, "kubeconfig": std::fs::read_to_string(file)?});
    let rest = (Method::POST, format!("/v1/datacenters{}&validateOnly=true", query()), Some(body.clone()));
    body["options"] = options();
    body["options"]["validateOnly"] = true.into();
    Ok(Verb {
        name: "dc add",
        cli: words(&["dc", "add", name, "--kubeconfig", &file.to_string_lossy(), "--dry-run"]),
        rest,
        grpc: ("InstallationService/AddDataCenter", body, "dataCenter"),
        error: None,
    })
}

/// Makes a Namespace by a request whose id is made of `request`.
fn create_namespace(request: &str, name: &str) -> Verb {
    let id = format!("namespace-{request}");
    Verb {
        name: "namespace create",
        cli: words(&["namespace", "create", name, "--request-id", &id]),
        rest: (Method::POST, format!("/v1/namespaces?requestId={id}"), Some(json!({"name": name}))),
        grpc: (
            "InstallationService/CreateNamespace",
            json!({"name": name, "options": {"requestId": id}}),
            "namespace",
        ),
        error: None,
    }
}

/// What names a request that changes something.
fn query() -> String {
    format!("?requestId={}", uuid::Uuid::now_v7())
}

fn options() -> Value {
    json!({"requestId": uuid::Uuid::now_v7().to_string()})
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
