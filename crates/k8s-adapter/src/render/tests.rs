use std::time::Duration;

use plimsoll_core::cluster::Power;
use plimsoll_core::content::{
    ApiToken, Check, Content, File, Named, Overlay, PortRef, Probe, RendererVersion, Scratch, SecretFile,
    SecretKey,
};
use plimsoll_core::document;
use plimsoll_core::policy::OnFailure;
use plimsoll_core::scale::{Autoscale, Replication};
use plimsoll_qos::Grade;
use serde_json::{Value, json};

use super::*;
use crate::contract::mk::{
    DC, MkDelivery, mk_container, mk_content, mk_full_content, mk_image, mk_probe, mk_pulls,
};

/// What the first renderer makes, after a look at what the others make of the same.
fn rendered(change: impl FnOnce(&mut MkDelivery)) -> Rendering {
    let mut delivery = MkDelivery::new("demo");
    change(&mut delivery);
    let first = by(1, &delivery);
    let mut second = by(2, &delivery);
    assert_eq!(without_hints(&mut second), without_hints(&mut first.clone()), "{delivery:?}");
    first
}

fn by(renderer: u32, delivery: &MkDelivery) -> Rendering {
    let mut delivery = delivery.clone();
    delivery.content_mut().renderer = RendererVersion(renderer);
    render(&delivery.delivery()).unwrap().unwrap()
}

const HINTS: [&str; 2] = ["GOMAXPROCS", "JAVA_TOOL_OPTIONS"];

/// The same without what tells containers their processors, and without the digest over it.
fn without_hints(rendering: &mut Rendering) -> &Rendering {
    let template = &mut rendering.deployment.body["spec"]["template"];
    template["metadata"]["labels"].as_object_mut().unwrap().remove("plimsoll.io/content").unwrap();
    for list in ["containers", "initContainers"] {
        for container in template["spec"][list].as_array_mut().into_iter().flatten() {
            let env = container["env"].as_array_mut().unwrap();
            env.retain(|variable| !HINTS.iter().any(|hint| variable["name"] == *hint));
        }
        if template["spec"][list].is_null() {
            template["spec"].as_object_mut().unwrap().remove(list);
        }
    }
    rendering
}

/// The processors that each container is told by renderer 2, sidecars and steps first.
fn hints(change: impl FnOnce(&mut MkDelivery)) -> Vec<String> {
    let mut delivery = MkDelivery::new("demo");
    change(&mut delivery);
    let rendering = by(2, &delivery);
    let pod = &template(&rendering)["spec"];
    let containers =
        ["initContainers", "containers"].into_iter().filter_map(|list| pod[list].as_array()).flatten();
    let said = containers.flat_map(|container| {
        let env = container["env"].as_array().unwrap();
        env.iter().filter_map(|variable| {
            let name = variable["name"].as_str().unwrap();
            let is_hint = HINTS.contains(&name) && variable["value"].is_string();
            is_hint.then(|| {
                let value = variable["value"].as_str().unwrap();
                format!("{}: {name}={value}", container["name"].as_str().unwrap())
            })
        })
    });
    said.collect()
}

fn with(content: Content) -> Rendering {
    rendered(|delivery| delivery.content = Some(content))
}

fn changed(change: impl FnOnce(&mut Content)) -> Rendering {
    rendered(|delivery| change(delivery.content_mut()))
}

type Change = fn(&mut Content);
type Edit = Box<dyn Fn(&mut Content)>;

fn shown(rendering: &Rendering) -> Vec<Value> {
    let Rendering { config_maps, deployment, replicas, service, disruption_budget, autoscaler } = rendering;
    let mut shown = vec![json!({"replicas": format!("{replicas:?}")})];
    let objects =
        config_maps.iter().chain([deployment]).chain(service).chain([disruption_budget]).chain(autoscaler);
    shown.extend(objects.map(|object| object.body.clone()));
    shown
}

fn template(rendering: &Rendering) -> &Value {
    &rendering.deployment.body["spec"]["template"]
}

#[test]
fn a_minimal_app() {
    insta::assert_yaml_snapshot!(shown(&with(mk_content())));
}

#[test]
fn an_app_that_uses_all_there_is() {
    insta::assert_yaml_snapshot!(shown(&with(mk_full_content())));
}

#[test]
fn an_app_without_ports_has_no_service() {
    insta::assert_yaml_snapshot!(shown(&changed(|content| content.ports.clear())));
}

#[test]
fn an_important_app_gets_what_it_may_use() {
    insta::assert_yaml_snapshot!(shown(&changed(|content| {
        content.grade = Grade::Important.into();
        content.terms = Grade::Important.terms();
    })));
}

#[test]
fn an_autoscaled_app_sold_ten_times() {
    insta::assert_yaml_snapshot!(shown(&rendered(|delivery| {
        delivery.content_mut().grade = Grade::General10.into();
        delivery.content_mut().terms = Grade::General10.terms();
        delivery.replication = Replication::Auto(Autoscale { min: 3, max: 20, cpu_percent: 80 });
    })));
}

#[test]
fn an_offline_app_keeps_all_but_its_pods() {
    insta::assert_yaml_snapshot!(shown(&rendered(|delivery| {
        delivery.power = Power::Offline;
        delivery.replication = Replication::Auto(Autoscale { min: 3, max: 20, cpu_percent: 80 });
    })));
}

#[test]
fn the_example_of_a_java_web_application() {
    let document: Value =
        serde_saphyr::from_str(include_str!("../../../../examples/java-tomcat.yaml")).unwrap();
    let document = document::validate(&document).unwrap();
    insta::assert_yaml_snapshot!(shown(&rendered(|delivery| {
        delivery.app = document.app;
        delivery.content = Some(document.content);
        delivery.replication = Replication::Auto(Autoscale { min: 3, max: 12, cpu_percent: 60 });
    })));
}

#[test]
fn a_worker_with_steps_and_sidecars_and_no_ports() {
    insta::assert_yaml_snapshot!(shown(&changed(|content| {
        let named =
            |name: &str| Named { name: name.to_owned(), inner: mk_container(&format!("tools/{name}")) };
        content.ports.clear();
        content.init = vec![named("wait"), named("migrate")];
        content.init[1].inner.env.insert("TARGET".to_owned(), "latest".to_owned());
        content.sidecars = vec![named("proxy"), named("shipper")];
        content.sidecars[0].inner.probes.startup =
            Some(mk_probe(Check::Tcp { port: PortRef::Number(15000) }));
        content.sidecars[1].inner.args = vec!["--from=/var/log/app".to_owned()];
    })));
}

#[test]
fn an_app_with_other_values_in_this_data_center() {
    let file =
        |content: &str| File { path: "/etc/app.conf".to_owned(), content: content.to_owned(), mode: 0o644 };
    let overlay = |region: &str| Overlay {
        env: [("REGION".to_owned(), region.to_owned())].into(),
        files: vec![file(&format!("region = {region}\n"))],
    };
    insta::assert_yaml_snapshot!(shown(&changed(|content| {
        content.main.env = [("REGION", "none"), ("MODE", "live")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        content.files = vec![file("region = none\n")];
        content.overlays =
            [(DC.parse().unwrap(), overlay("here")), ("dc-2".parse().unwrap(), overlay("elsewhere"))].into();
    })));
}

#[test]
fn an_app_with_secrets_and_places_to_write() {
    let key = |key: &str| SecretKey { secret: "app".to_owned(), key: key.to_owned() };
    let scratch = |path: &str, size: u64| Scratch {
        path: path.to_owned(),
        size: plimsoll_qos::Quantity::from_mebibytes(size),
    };
    insta::assert_yaml_snapshot!(shown(&changed(|content| {
        content.main.env_from_secrets = [("TOKEN".to_owned(), key("token"))].into();
        content.secret_files =
            [("/etc/tls/tls.crt", "tls.crt", 0o444), ("/etc/tls/tls.key", "tls.key", 0o400)]
                .map(|(path, name, mode)| SecretFile { path: path.to_owned(), from: key(name), mode })
                .into();
        content.scratch = vec![scratch("/var/cache/app", 2048), scratch("/tmp", 64)];
    })));
}

/// What admission compares with the pod's disk is what the pod really gets.
#[test]
fn the_scratch_of_a_pod_is_what_was_promised() {
    let scratch = |path: &str, size: u64| Scratch {
        path: path.to_owned(),
        size: plimsoll_qos::Quantity::from_mebibytes(size),
    };
    for listed in [vec![], vec![scratch("/var/cache/app", 2048), scratch("/tmp", 64)]] {
        let change = |content: &mut Content| {
            let named = |name: &str| Named { name: name.to_owned(), inner: mk_container("tools/step") };
            content.init = vec![named("migrate")];
            content.sidecars = vec![named("proxy"), named("shipper")];
            content.scratch = listed.clone();
        };
        let mut content = mk_content();
        change(&mut content);
        let promised = content.scratch_of_a_pod();

        let rendering = with(content);

        let volumes = template(&rendering)["spec"]["volumes"].as_array().unwrap();
        let sizes = volumes.iter().filter_map(|volume| volume.pointer("/emptyDir/sizeLimit")?.as_str());
        let total: plimsoll_qos::Quantity =
            sizes.map(|size| size.parse::<plimsoll_qos::Quantity>().unwrap()).sum();
        assert_eq!(total, promised);
    }
}

#[test]
fn an_app_with_probes_of_every_kind() {
    insta::assert_yaml_snapshot!(shown(&changed(|content| {
        let slow = mk_probe(Check::Exec { command: vec!["/bin/started".to_owned(), "--quiet".to_owned()] });
        content.main.probes.startup = Some(Probe {
            initial_delay: Duration::from_secs(15),
            period: Duration::from_secs(5),
            failure_threshold: 60,
            ..slow
        });
        let grpc = Check::Grpc { port: 9000, service: Some("ready".to_owned()) };
        content.main.probes.readiness = Some(Probe { success_threshold: 2, ..mk_probe(grpc) });
        content.main.probes.liveness = Some(mk_probe(Check::Tcp { port: PortRef::Name("http".to_owned()) }));
    })));
}

#[test]
fn an_app_that_was_restarted_three_times() {
    insta::assert_yaml_snapshot!(shown(&rendered(|delivery| {
        delivery.content = Some(mk_content());
        delivery.restarts = 3;
    })));
}

#[test]
fn an_app_that_is_not_placed_here() {
    let away = rendered(|delivery| delivery.replication = Replication::ZERO);
    assert_eq!(away.replicas, Replicas::Fixed(0));
    assert_eq!(away.deployment, rendered(|_| ()).deployment);
}

#[test]
fn a_restarted_app_differs_by_its_count() {
    let restarted = rendered(|delivery| delivery.restarts = 2);
    assert_eq!(template(&restarted)["metadata"]["annotations"], json!({"plimsoll.io/restarts": "2"}));
    let mut without = restarted.clone();
    without.deployment.body["spec"]["template"]["metadata"].as_object_mut().unwrap().remove("annotations");
    assert_eq!(without, rendered(|_| ()));
}

#[test]
fn an_app_that_talks_to_kubernetes() {
    let app = changed(|content| content.api_token = ApiToken::Mounted);
    assert_eq!(template(&app)["spec"]["automountServiceAccountToken"], true);
}

#[test]
fn an_app_that_leaves_at_once() {
    let app = changed(|content| content.shutdown.drain = Duration::ZERO);
    assert_eq!(template(&app)["spec"]["terminationGracePeriodSeconds"], 30);
    assert_eq!(template(&app)["spec"]["containers"][0].get("lifecycle"), None);
}

#[test]
fn what_differs_between_deliveries_of_one_content_is_in_no_object() {
    let another = rendered(|delivery| {
        delivery.epoch = 7;
        delivery.revision = 99;
        delivery.release = 12;
    });
    assert_eq!(another, rendered(|_| ()));
}

#[test]
fn what_does_not_reach_the_pods_does_not_restart_them() {
    let here = rendered(|delivery| delivery.content = Some(mk_full_content()));
    let changes: [(&str, Change); 4] = [
        ("a publish policy", |content| content.publish.on_failure = OnFailure::Rollback),
        ("the overlay of another data center", |content| {
            let overlay = content.overlays.values().next().unwrap().clone();
            content.overlays.insert("dc-2".parse().unwrap(), overlay);
        }),
        ("another tag on the same digest", |content| content.main.image.tag = Some("2.0".to_owned())),
        ("another port of the Service", |content| content.ports[0].service_port = 81),
    ];
    for (what, change) in changes {
        let mut content = mk_full_content();
        change(&mut content);
        assert_eq!(template(&with(content)), template(&here), "{what}");
    }
}

#[test]
fn what_reaches_the_pods_changes_their_digest() {
    let here = with(mk_full_content());
    let digest =
        |rendering: &Rendering| template(rendering)["metadata"]["labels"]["plimsoll.io/content"].clone();
    let changes: [(&str, Change); 5] = [
        ("an image", |content| content.main.image = mk_image("shop/web", 'b')),
        ("a variable", |content| {
            content.main.env.insert("LISTEN".to_owned(), ":81".to_owned()).map(drop).unwrap();
        }),
        ("a file", |content| content.files[1].content.push('x')),
        ("a mode", |content| content.files[1].mode = 0o700),
        ("a probe", |content| content.main.probes.liveness = None),
    ];
    for (what, change) in changes {
        let mut content = mk_full_content();
        change(&mut content);
        assert_ne!(digest(&with(content)), digest(&here), "{what}");
    }
}

#[test]
fn renderer_2_tells_every_container_its_processors() {
    let mut delivery = MkDelivery::new("demo");
    delivery.content = Some(mk_full_content());
    insta::assert_yaml_snapshot!(shown(&by(2, &delivery)));
}

#[test]
fn processors_are_the_limit_rounded_up_whatever_the_request() {
    let cpu = |millis: u64| {
        move |delivery: &mut MkDelivery| {
            delivery.content_mut().main.size.cpu = plimsoll_qos::Quantity::from_millis(millis);
        }
    };
    assert_eq!(hints(cpu(10)), ["app: GOMAXPROCS=1", "app: JAVA_TOOL_OPTIONS=-XX:ActiveProcessorCount=1"]);
    assert_eq!(hints(cpu(2500)), ["app: GOMAXPROCS=3", "app: JAVA_TOOL_OPTIONS=-XX:ActiveProcessorCount=3"]);
    assert_eq!(
        hints(|delivery| {
            cpu(4000)(delivery);
            let named = |name: &str| Named { name: name.to_owned(), inner: mk_container("tools/step") };
            delivery.content_mut().init = vec![named("migrate")];
            delivery.content_mut().sidecars = vec![named("proxy")];
        }),
        [
            "migrate: GOMAXPROCS=1",
            "migrate: JAVA_TOOL_OPTIONS=-XX:ActiveProcessorCount=1",
            "proxy: GOMAXPROCS=1",
            "proxy: JAVA_TOOL_OPTIONS=-XX:ActiveProcessorCount=1",
            "app: GOMAXPROCS=4",
            "app: JAVA_TOOL_OPTIONS=-XX:ActiveProcessorCount=4",
        ]
    );
}

/// A JVM that counts by the request counts right where that is the limit.
#[test]
fn a_jvm_that_gets_all_it_may_use_is_told_nothing() {
    let important = |delivery: &mut MkDelivery| {
        delivery.content_mut().grade = Grade::Important.into();
        delivery.content_mut().terms = Grade::Important.terms();
    };
    assert_eq!(hints(important), ["app: GOMAXPROCS=1"]);
}

#[test]
fn what_the_app_says_of_its_processors_is_left_to_it() {
    const GO: &str = "app: GOMAXPROCS=1";
    const JVM: &str = "app: JAVA_TOOL_OPTIONS=-XX:ActiveProcessorCount=1";
    let env = |name: &'static str, value: &'static str| {
        move |content: &mut Content| {
            content.main.env.insert(name.to_owned(), value.to_owned());
        }
    };
    let secret = |name: &'static str| {
        move |content: &mut Content| {
            let key = SecretKey { secret: "app".to_owned(), key: "x".to_owned() };
            content.main.env_from_secrets.insert(name.to_owned(), key);
        }
    };
    let overlay = |dc: &'static str| {
        move |content: &mut Content| {
            let env = [("GOMAXPROCS".to_owned(), "7".to_owned())].into();
            content.overlays.insert(dc.parse().unwrap(), Overlay { env, files: Vec::new() });
        }
    };
    let cases: [(&str, Edit, &[&str]); 9] = [
        ("nothing", Box::new(|_| {}), &[GO, JVM]),
        ("Go's own", Box::new(env("GOMAXPROCS", "8")), &[JVM]),
        ("Go's own from a Secret", Box::new(secret("GOMAXPROCS")), &[JVM]),
        ("Go's own here", Box::new(overlay(DC)), &[JVM]),
        ("Go's own elsewhere", Box::new(overlay("dc-2")), &[GO, JVM]),
        ("options of every JVM", Box::new(env("JAVA_TOOL_OPTIONS", "-Xss1m")), &[GO]),
        ("options of every JVM from a Secret", Box::new(secret("JAVA_TOOL_OPTIONS")), &[GO]),
        ("a count in other options", Box::new(env("JAVA_OPTS", "-Xss1m -XX:ActiveProcessorCount=4")), &[GO]),
        (
            "a count on the command line",
            Box::new(|content| content.main.args = vec!["-XX:ActiveProcessorCount=4".to_owned()]),
            &[GO],
        ),
    ];
    for (what, change, expected) in cases {
        assert_eq!(hints(|delivery| change(delivery.content_mut())), expected, "{what}");
    }
}

#[test]
fn a_release_of_a_newer_plimsoll_is_not_guessed_at() {
    let mut delivery = MkDelivery::new("demo");
    delivery.content_mut().renderer = RendererVersion(9);
    assert_eq!(render(&delivery.delivery()), Err(RenderError::Newer { needed: 9 }));
}

#[test]
fn a_deletion_renders_nothing() {
    let mut delivery = MkDelivery::new("demo");
    delivery.content = None;
    assert_eq!(render(&delivery.delivery()), Ok(None));
}

#[test]
fn images_are_pulled_from_where_the_data_center_has_them() {
    let images = |pulls| {
        let rendering = rendered(|delivery| {
            delivery.content = Some(mk_full_content());
            delivery.content_mut().sidecars[0].inner.image.repository =
                "elsewhere.example.com/beside".to_owned();
            delivery.pulls = pulls;
        });
        let pod = &template(&rendering)["spec"];
        let containers =
            ["containers", "initContainers"].into_iter().flat_map(|list| pod[list].as_array().unwrap());
        let name =
            |container: &Value| container["image"].as_str().unwrap().split('@').next().unwrap().to_owned();
        containers.map(name).collect::<Vec<_>>()
    };
    let written = images(None);
    let here = images(Some(mk_pulls()));
    assert_eq!(written.len(), here.len());
    for (written, here) in written.iter().zip(&here) {
        let below = |repository| format!("mirror.dc-1.example.com:5000/plimsoll/{repository}");
        let expected = written.strip_prefix("registry.example.com/").map_or_else(|| written.clone(), below);
        assert_eq!(*here, expected);
    }
    assert!(here.iter().any(|image| image.starts_with("mirror")), "{here:?}");
    assert!(here.iter().any(|image| image.starts_with("elsewhere")), "{here:?}");
}
