//! Every verb through the command line, REST and gRPC: the three answer the same.

mod face;
mod plain;
mod table;

use anyhow::{Context, Result, ensure};
use face::{Face, Reply};
use plain::{blind, same_words};
use plimsoll_tests::{Claim, Document, Ground, World};
use serde_json::{Value, json};
use table::Verb;

/// Each face has an App of its own and works it through the same life; what they answer differs in names, ids
/// and times alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_verb_that_changes_something_answers_the_same_on_every_face() -> Result<()> {
    let world = World::new(Ground::Simulated, Claim::Own).await?;
    let lives = futures::future::try_join_all(Face::ALL.map(|face| live(&world, face))).await?;

    let [cli, rest, grpc] = &lives[..] else { anyhow::bail!("three faces") };
    for ((one, two), three) in cli.iter().zip(rest).zip(grpc) {
        assert_eq!(one, two, "command line and REST");
        assert_eq!(two, three, "REST and gRPC");
    }
    assert_eq!((cli.len(), rest.len()), (rest.len(), grpc.len()));
    world.end().await
}

/// One App, asked for in every way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_verb_that_shows_something_shows_the_same_on_every_face() -> Result<()> {
    let world = World::new(Ground::Simulated, Claim::Own).await?;
    world.user().apply_and_wait(&world.shop()).await?;
    let operation = world.user().apply_and_wait(&world.shop().version(2)).await?;
    let id = operation["id"].as_str().context("an operation without id")?;
    // The last counts of terminating pods come after the end of the Operation.
    plimsoll_tests::eventually("nothing moves any more", async || {
        let app = world.look_at_shop().await?.to_string();
        Ok(if app.contains(r#""terminating":0"#) && !app.contains(r#""old":3"#) { Ok(()) } else { Err(app) })
    })
    .await?;

    let installation = world.user().get("/v1/installation").await?;
    let installation = installation["id"].as_str().context("an installation without id")?;
    let reads = table::reads(&world, id, installation)?.into_iter().chain([table::show_policy()]);
    for verb in reads.chain(table::too_late(id)) {
        let mut replies = Vec::new();
        for face in Face::ALL {
            replies.push((face, face.ask(world.user(), &verb).await.with_context(|| verb.name)?));
        }
        let [(_, cli), (_, rest), (_, grpc)] = &replies[..] else { anyhow::bail!("three faces") };
        assert_eq!(same_words(cli), same_words(rest), "{}: command line and REST", verb.name);
        assert_eq!(same_words(rest), same_words(grpc), "{}: REST and gRPC", verb.name);
    }
    world.end().await
}

/// Programs find out by gRPC's own means what there is and whether it serves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_describes_itself_and_tells_its_health() -> Result<()> {
    let world = World::new(Ground::Simulated, Claim::Own).await?;

    // Without a description of its own, grpcurl has learned the method by reflection.
    let health = world.user().grpc("grpc.health.v1.Health/Check", &json!({})).await?.ok()?;
    assert_eq!(serde_json::from_str::<Value>(&health)?, json!({"status": "SERVING"}));
    let document = world.user().get("/openapi.json").await?;
    assert!(document["paths"]["/v1/namespaces/{namespace}/apps/{app}"]["put"].is_object());
    world.end().await
}

/// Reason and faults of an error are read by whoever has nothing but grpcurl.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpcurl_shows_the_details_of_an_error() -> Result<()> {
    let world = World::new(Ground::Simulated, Claim::Own).await?;
    let document = Document::new("demo", "shop").without("/spec/image").without("/spec/size");
    let request = json!({"document": document.value(), "options": {"requestId": "faulty"}});

    let said = world.user().grpc("plimsoll.v1.AppService/ApplyApp", &request).await?;

    let status: Value = serde_json::from_str(&said.stderr).with_context(|| format!("{said:?}"))?;
    insta::assert_json_snapshot!(status);
    world.end().await
}

/// What was asked and what was answered, all through the life of an App.
async fn live(world: &World, face: Face) -> Result<Vec<(&'static str, Value)>> {
    let app = face.app();
    let mut answers = Vec::new();
    for verb in table::writes(world, app)? {
        let reply =
            face.ask(world.user(), &verb).await.with_context(|| format!("{} by {face:?}", verb.name))?;
        let mut said = blind(same_words(&reply), app);
        if let (Verb { name: "namespace create", .. }, Some(namespace)) = (&verb, said.as_object_mut()) {
            // Which data centers have it already is chance; the command line asks again until they do.
            namespace.remove("dataCenters");
        }
        answers.push((verb.name, said));
        let Reply::Answer(answer) = reply else { continue };
        if let Some(id) = answer["operation"]["id"].as_str() {
            let verb = Verb::wait(id);
            let reply = face.ask(world.user(), &verb).await.with_context(|| format!("wait by {face:?}"))?;
            ensure!(matches!(reply, Reply::Answer(_)), "{reply:?}");
            answers.push(("wait", blind(same_words(&reply), app)));
        }
    }
    Ok(answers)
}
