//! An installation with grades of its own, on simulated and on real data centers.

use crate::ground::on_both_grounds;

on_both_grounds!(apps_of_own_grades_get_what_their_grades_say: Shared);

mod scenario {
    use anyhow::{Context, Result};
    use plimsoll_tests::{DataCenter, Document, World, eventually};
    use reqwest::Method;
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    use crate::trouble::assert_trouble;

    /// Classes are the cluster's own, and control planes are shared: the names are of this test alone.
    fn names(world: &World) -> [String; 3] {
        let own = world.namespace().trim_start_matches("demo-");
        [format!("gold-{own}"), format!("silver-{own}"), format!("bronze-{own}")]
    }

    /// Grades of which the middle one is sold so often.
    fn grades(world: &World, silver: &str) -> Value {
        let [gold, middle, bronze] = names(world);
        json!({"grades": [
            {"name": gold, "qosClass": "Guaranteed", "cpu": "1", "memory": "1", "priority": 900},
            {"name": middle, "qosClass": "Burstable", "cpu": silver, "memory": "3/2", "priority": 800},
            {"name": bronze, "qosClass": "Burstable", "cpu": "20", "memory": "3/2", "priority": 700},
        ]})
    }

    fn write(world: &World, name: &str, value: &Value) -> Result<String> {
        let path = world.folder().join(name);
        std::fs::write(&path, serde_saphyr::to_string(value)?)?;
        Ok(path.to_string_lossy().into_owned())
    }

    fn app(world: &World, name: &str, grade: &str) -> Document {
        Document::new(world.namespace(), name)
            .with("/spec/grade", grade)
            .with("/spec/size", json!({"cpu": "333m", "memory": "100Mi"}))
    }

    /// The pods of an App: class, priority class and its value, requests; each kind once.
    async fn pods(world: &World, dc: &DataCenter, app: &str) -> Result<BTreeSet<String>> {
        let pods = dc.list(&world.path("api/v1", "pods")).await?;
        let own = pods.iter().filter(|pod| {
            pod["metadata"]["labels"]["app.kubernetes.io/name"] == *app
                && pod["metadata"]["deletionTimestamp"].is_null()
        });
        Ok(own
            .map(|pod| {
                let spec = &pod["spec"];
                let requests = &spec["containers"][0]["resources"]["requests"];
                format!(
                    "{} {} {} cpu {} memory {}",
                    pod["status"]["qosClass"].as_str().unwrap_or("?"),
                    spec["priorityClassName"].as_str().unwrap_or("?"),
                    spec["priority"],
                    requests["cpu"].as_str().unwrap_or("?"),
                    requests["memory"].as_str().unwrap_or("?"),
                )
            })
            .collect())
    }

    async fn names_of_pods(world: &World, dc: &DataCenter) -> Result<BTreeSet<String>> {
        let pods = dc.list(&world.path("api/v1", "pods")).await?;
        Ok(pods.iter().filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned)).collect())
    }

    pub(super) async fn apps_of_own_grades_get_what_their_grades_say(world: World) -> Result<()> {
        let user = world.user();
        let [gold, silver, bronze] = names(&world);
        let file = write(&world, "grades.yaml", &grades(&world, "3"))?;

        let looked = user.json(&["policy", "set", "-f", &file, "--dry-run"]).await?;
        assert_eq!(looked["changes"].as_array().context("changes")?.len(), 8, "three new, five gone");
        let before = user.json(&["policy", "show"]).await?;
        assert_eq!(before["grades"][0]["name"], "system", "a look changes nothing");
        user.ok(&["policy", "set", "-f", &file, "--reason", "metals"]).await?;

        let expected = [
            (&gold, format!("Guaranteed plimsoll-{gold} 900 cpu 333m memory 100Mi")),
            (&silver, format!("Burstable plimsoll-{silver} 800 cpu 111m memory 67Mi")),
            (&bronze, format!("Burstable plimsoll-{bronze} 700 cpu 17m memory 67Mi")),
        ];
        for (grade, expected) in &expected {
            let name = grade.split('-').next().unwrap_or_default();
            let operation = user.apply_and_wait(&app(&world, name, grade)).await?;
            assert_eq!(operation["state"], "Succeeded", "{operation}");
            for dc in world.dcs() {
                assert_eq!(
                    pods(&world, dc, name).await?,
                    BTreeSet::from([expected.clone()]),
                    "{}",
                    dc.name()
                );
            }
        }

        let shown = user.json(&["get", "silver", "-n", world.namespace()]).await?;
        assert_eq!(
            shown["sizes"],
            json!([{
                "container": "app",
                "cpu": {
                    "limit": "333m", "request": "111m", "because": format!("ceil(333m / 3), grade {silver}"),
                },
                "memory": {
                    "limit": "100Mi", "request": "67Mi",
                    "because": format!("ceil(100Mi × 2/3) to whole Mi, grade {silver}"),
                },
            }])
        );

        the_same_grade_for_other_terms(&world, &silver).await?;
        an_unknown_grade_is_refused_in_the_same_words(&world).await?;
        what_cannot_be(&world, &silver).await?;
        world.end().await
    }

    async fn the_same_grade_for_other_terms(world: &World, silver: &str) -> Result<()> {
        let user = world.user();
        let running =
            futures::future::try_join_all(world.dcs().iter().map(|dc| names_of_pods(world, dc))).await?;
        let file = write(world, "four.yaml", &grades(world, "4"))?;
        let answer = user.json(&["policy", "set", "-f", &file]).await?;
        assert_eq!(answer["changes"].as_array().map(Vec::len), Some(1), "{answer}");
        assert_eq!(answer["changes"][0]["apps"], json!([format!("{}/silver", world.namespace())]));

        let document = app(world, "silver", silver);
        let path = document.write(world.folder())?.to_string_lossy().into_owned();
        let diff = user.run(&["diff", "-f", &path]).await?;
        assert_eq!(diff.code, 3, "{diff:?}");
        for line in ["\"111m: ceil(333m / 3)", "\"84m: ceil(333m / 4)", "terms.cpu"] {
            assert!(diff.stdout.contains(line), "{diff:?}");
        }
        let note = user.json(&["get", "silver", "-n", world.namespace()]).await?["gradeNote"].clone();
        assert!(note.as_str().is_some_and(|note| note.contains("CPU sold 4 times")), "{note}");
        let now =
            futures::future::try_join_all(world.dcs().iter().map(|dc| names_of_pods(world, dc))).await?;
        assert_eq!(now, running, "a policy restarts nobody's pods");

        user.apply_and_wait(&document.version(2)).await?;
        for dc in world.dcs() {
            let expected = format!("Burstable plimsoll-{silver} 800 cpu 84m memory 67Mi");
            assert_eq!(pods(world, dc, "silver").await?, BTreeSet::from([expected]), "{}", dc.name());
        }
        Ok(())
    }

    /// By the command line as the built program says it, by REST and by gRPC.
    async fn an_unknown_grade_is_refused_in_the_same_words(world: &World) -> Result<()> {
        let user = world.user();
        let document = app(world, "tin", "silver");
        let path = document.write(world.folder())?.to_string_lossy().into_owned();
        let words = |text: &str| {
            names(world)
                .iter()
                .zip(["GOLD", "SILVER", "BRONZE"])
                .fold(text.to_owned(), |text, (name, plain)| text.replace(name.as_str(), plain))
        };
        let (message, remedy) = ("`silver` is not known here", "write one of GOLD, SILVER, BRONZE");
        let said = user.run(&["apply", "-f", &path]).await?;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(words(&said.stderr).contains(&format!("spec.grade: {message} — {remedy}")), "{said:?}");

        let place = format!("/v1/namespaces/{}/apps/tin?requestId=tin-rest", world.namespace());
        let answer = user.rest(Method::PUT, &place, Some(document.value())).await?;
        assert_eq!(answer.status, 422, "{answer:?}");
        let fault = answer.body["violations"][0].clone();
        assert_eq!(
            (&fault["path"], &fault["message"], words(fault["remedy"].as_str().unwrap_or_default())),
            (&json!("spec.grade"), &json!(message), remedy.to_owned())
        );

        let request = json!({"document": document.value(), "options": {"requestId": "tin-grpc"}});
        let said = user.grpc("plimsoll.v1.AppService/ApplyApp", &request).await?;
        assert!(words(&said.stderr).contains(&format!("{message}; {remedy}")), "{said:?}");
        Ok(())
    }

    async fn what_cannot_be(world: &World, silver: &str) -> Result<()> {
        let user = world.user();
        let mut left_out = grades(world, "4");
        left_out["grades"][1]["name"] = json!("copper");
        left_out["grades"][0]["priority"] = json!(901);
        let file = write(world, "left-out.yaml", &left_out)?;
        let said = user.run(&["policy", "set", "-f", &file]).await?;
        assert_eq!(said.code, 7, "{said:?}");
        for words in [
            format!("`{silver}` is left out and is the grade of 1 App ({}/silver)", world.namespace()),
            "has the priority 900".to_owned(),
        ] {
            assert!(said.stderr.contains(&words), "{said:?}");
        }

        let nonsense = "grades:\n  - {name: Gold, qosClass: Guaranteed, cpu: 1, memory: 1, priority: 9}\n  \
                        - {name: iron, qosClass: Burstable, cpu: 1.5, memory: 3/2, prio: 8}\n";
        std::fs::write(world.folder().join("nonsense.yaml"), nonsense)?;
        let said = user.run(&["policy", "set", "-f", "nonsense.yaml"]).await?;
        assert_trouble("policy_nonsense", world.folder(), &said);
        let orderless = "grades:\n  - {name: iron, qosClass: Burstable, cpu: 5, memory: 3/2, priority: 8}\n  \
                         - {name: gold, qosClass: Guaranteed, cpu: 2, memory: 1, priority: 9}\n";
        std::fs::write(world.folder().join("orderless.yaml"), orderless)?;
        let said = user.run(&["policy", "set", "-f", "orderless.yaml"]).await?;
        assert_trouble("policy_without_order", world.folder(), &said);

        let shown = user.ok(&["policy", "show", "-o", "yaml"]).await?;
        std::fs::write(world.folder().join("shown.yaml"), &shown)?;
        let again = user.json(&["policy", "set", "-f", "shown.yaml"]).await?;
        assert_eq!(again["changes"], json!([]), "what is shown is what is taken");
        eventually("every data center has the classes", async || {
            for dc in world.dcs() {
                let path = format!("apis/scheduling.k8s.io/v1/priorityclasses/plimsoll-{silver}");
                if dc.get(&path).await?.is_none() {
                    return Ok(Err(format!("{} has none", dc.name())));
                }
            }
            Ok(Ok(()))
        })
        .await
    }
}

/// Named with its grades at once, and never by other ones again without being told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_begins_with_grades_of_its_own() -> anyhow::Result<()> {
    use plimsoll_tests::{Server, User};

    let folder = tempfile::tempdir()?;
    let server = Server::start(folder.path()).await?;
    let user = User::operator(&server, folder.path())?;
    let grades = "grades:\n  - {name: gold, qosClass: Guaranteed, cpu: 1, memory: 1, priority: 9}\n";
    std::fs::write(folder.path().join("grades.yaml"), grades)?;
    user.ok(&["init", "--id", "metals", "--policy", "grades.yaml"]).await?;
    assert_eq!(user.ok(&["policy", "show", "-o", "name"]).await?.trim(), "gold");
    user.ok(&["init", "--id", "metals", "--policy", "grades.yaml"]).await?;
    user.ok(&["init", "--id", "metals"]).await?;
    std::fs::write(folder.path().join("grades.yaml"), grades.replace("gold", "iron"))?;
    let said = user.run(&["init", "--id", "metals", "--policy", "grades.yaml"]).await?;
    assert_ne!(said.code, 0, "{said:?}");
    assert!(said.stderr.contains("`plimsoll policy set` changes them"), "{said:?}");
    server.stop().await
}
