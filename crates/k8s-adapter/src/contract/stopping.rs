//! What a controller does where too much is missing at once.

use std::time::Duration;

use futures::future::join_all;
use plimsoll_core::breaker::{Cause, Guard, STOPPED, Stop};
use plimsoll_core::cluster::{Cluster as _, Status};

use super::mk::MkDelivery;
use super::running::{Running, mk_app};
use super::target::Target;

/// So many Apps, named after their number.
fn mk_apps(target: &Target, count: usize) -> Vec<MkDelivery> {
    let named = |n| {
        let mut order = mk_app(target);
        order.app.name = format!("shop-{n}").parse().unwrap();
        order
    };
    (0..count).map(named).collect()
}

async fn settle(running: &Running<'_>, apps: &[MkDelivery]) {
    join_all(apps.iter().map(|order| running.settle(order))).await;
}

async fn are_settled(running: &Running<'_>, apps: &[MkDelivery]) {
    join_all(apps.iter().map(|order| running.settled(order))).await;
}

/// Somebody deletes the Deployments of all of them.
async fn lose(target: &Target, apps: &[MkDelivery]) {
    let names = apps.iter().map(|order| format!("deployments/{}", order.app.name));
    join_all(names.map(async |name| target.delete("apis/apps/v1", &name).await)).await;
}

/// How many of them have a Deployment.
async fn count(target: &Target, apps: &[MkDelivery]) -> usize {
    let names = apps.iter().map(|order| format!("deployments/{}", order.app.name));
    let found = join_all(names.map(async |name| target.find("apis/apps/v1", &name).await)).await;
    found.iter().flatten().count()
}

async fn stop(target: &Target) -> Option<Stop> {
    target.cluster.stop(&target.namespace.parse().unwrap()).await.unwrap()
}

fn says_stopped(status: &Status) -> bool {
    status.findings.first().is_some_and(|finding| finding.reason == STOPPED)
}

/// Of those whose Deployments are gone, all but three say that they are stopped.
async fn until_stopped(target: &Target, apps: &[MkDelivery]) {
    let all = apps.len();
    let ask = async || {
        let asked = apps.iter().map(async |order| target.cluster.get(&order.app).await.unwrap());
        let found = join_all(asked).await.into_iter().flatten().filter_map(|resource| resource.status);
        (found.filter(says_stopped).count() == all - 3).then_some(())
    };
    target.until("all but three say that it stopped", ask).await;
}

/// A person deletes one, or three: they come back, and nothing stops.
pub async fn a_few_missing_deployments_come_back(target: &Target) {
    let running = Running::start(target);
    let apps = mk_apps(target, 6);
    settle(&running, &apps).await;
    lose(target, &apps[..3]).await;
    let ask = async || (count(target, &apps).await == 6).then_some(());
    target.until("all are there again", ask).await;
    are_settled(&running, &apps).await;
    assert_eq!(stop(target).await, None);
    running.stop().await;
}

/// All at once: three are made again, then it stops, says so, keeps it, and goes on when that is lifted.
pub async fn when_all_deployments_vanish_it_stops_until_that_is_lifted(target: &Target) {
    let running = Running::start(target);
    let mut apps = mk_apps(target, 6);
    settle(&running, &apps).await;
    lose(target, &apps).await;
    until_stopped(target, &apps).await;
    assert_eq!(count(target, &apps).await, 3);
    let ask = async || stop(target).await;
    let Stop { by, cause, since: _ } = target.until("the stop kept in the cluster", ask).await;
    let Cause::Loss(loss) = cause else { panic!("{cause:?}") };
    assert_eq!((loss.count, loss.limit, loss.apps), (4, 3, 6), "{loss:?}");
    assert!(loss.deeds.iter().all(|deed| deed.object.starts_with("Deployment ")), "{loss:?}");

    // Another controller knows it, and carries out nothing new either.
    running.stop().await;
    let running = Running::start_as(target, "successor");
    for order in &mut apps {
        order.revision += 1;
        order.restarts += 1;
        running.order(order).await;
    }
    for order in &apps {
        running.status(order, "the new Order held back", says_stopped).await;
    }
    assert_eq!(count(target, &apps).await, 3);

    let Guard::Controller { kept } = by else { panic!("{by:?}") };
    let installation = target.namespace.parse().unwrap();
    target.cluster.lift(&installation, "another").await.unwrap();
    assert!(stop(target).await.is_some(), "only that very stop is lifted");
    target.cluster.lift(&installation, &kept).await.unwrap();
    are_settled(&running, &apps).await;
    assert_eq!((count(target, &apps).await, stop(target).await), (6, None));
    running.stop().await;
}

/// What is put back after a stop counts for nothing, and what is lost later counts anew.
pub async fn a_lifted_stop_puts_back_more_than_the_limit_and_counts_anew(target: &Target) {
    let running = Running::start(target);
    let apps = mk_apps(target, 9);
    settle(&running, &apps).await;
    lose(target, &apps).await;
    until_stopped(target, &apps).await;
    let first = target.until("the stop kept in the cluster", async || stop(target).await).await;
    lift(target, &first).await;
    are_settled(&running, &apps).await;
    assert_eq!(count(target, &apps).await, 9);
    lose(target, &apps).await;
    until_stopped(target, &apps).await;
    let second = target.until("the second stop", async || stop(target).await).await;
    assert_ne!(first.by, second.by, "it is told from the first");
    lift(target, &second).await;
    are_settled(&running, &apps).await;
    running.stop().await;
}

async fn lift(target: &Target, stop: &Stop) {
    let Guard::Controller { kept } = &stop.by else { panic!("{stop:?}") };
    target.cluster.lift(&target.namespace.parse().unwrap(), kept).await.unwrap();
}

/// What is ordered by name, however much it is, stops nothing.
pub async fn what_orders_ask_for_stops_nothing(target: &Target) {
    let running = Running::start(target);
    let mut apps = mk_apps(target, 6);
    settle(&running, &apps).await;
    for order in &mut apps {
        // Without a port there is no Service.
        order.revision += 1;
        order.content_mut().ports.clear();
    }
    settle(&running, &apps).await;
    for order in &mut apps {
        order.revision += 1;
        order.content = None;
    }
    settle(&running, &apps).await;
    assert_eq!((count(target, &apps).await, stop(target).await), (0, None));
    running.stop().await;
}

/// The same Deployment deleted again and again is put back each time.
pub async fn one_deployment_deleted_again_and_again_comes_back(target: &Target) {
    let running = Running::start(target);
    let apps = mk_apps(target, 1);
    settle(&running, &apps).await;
    for _ in 0..5 {
        lose(target, &apps).await;
        let ask = async || (count(target, &apps).await == 1).then_some(());
        target.until("it is there again", ask).await;
        are_settled(&running, &apps).await;
    }
    tokio::time::timeout(Duration::from_secs(30), are_settled(&running, &apps)).await.unwrap();
    assert_eq!(stop(target).await, None);
    running.stop().await;
}
