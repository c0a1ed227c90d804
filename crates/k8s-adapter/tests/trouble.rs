//! A data center in trouble, on the simulated cluster: what is said of it, how soon, and that work goes on
//! when it is over.

#![expect(clippy::expect_used, clippy::panic, reason = "what helps a test fails as the test does")]

use std::time::Duration;

use futures::StreamExt;
use plimsoll_core::cluster::{Cluster as _, Error, Event};
use plimsoll_k8s_adapter::contract::mk::MkDelivery;
use plimsoll_k8s_adapter::contract::{Running, Target};
use plimsoll_k8s_adapter::{KubeCluster, Options};
use plimsoll_sim_cluster::SimCluster;

const HASTY: Duration = Duration::from_secs(1);

fn hasty() -> Options {
    Options { deadline: HASTY, silence: HASTY, ..Options::default() }
}

async fn simulated() -> SimCluster {
    SimCluster::builder().start().await.expect("the simulated cluster starts")
}

async fn connected(kubeconfig: &str) -> KubeCluster {
    KubeCluster::from_kubeconfig(kubeconfig, &hasty()).await.expect("the kubeconfig is good")
}

/// The error of an answer, in words, and its kind.
fn said<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Err(error) => format!("{error:?}: {error}"),
        Ok(answer) => panic!("it went well: {answer:?}"),
    }
}

#[tokio::test]
async fn a_data_center_that_stands_still_does_not_hold_its_caller() {
    let cluster = simulated().await;
    let target = Target::with(&cluster.kubeconfig(), &hasty()).await;
    let mut watch = target.cluster.watch(&"test".parse().expect("a name"));
    assert!(matches!(watch.next().await, Some(Ok(Event::All(_)))));
    cluster.freeze();
    let order = MkDelivery::new(&target.namespace).delivery();
    let began = std::time::Instant::now();
    let answers = [
        said(target.cluster.identity().await),
        said(target.cluster.put(&order, None).await),
        said(target.cluster.get(&order.app).await),
    ];
    assert!(began.elapsed() < 10 * HASTY, "{:?}", began.elapsed());
    for answer in answers {
        assert!(answer.starts_with("Unreachable"), "{answer}");
    }
    assert!(matches!(watch.next().await, Some(Err(Error::Unreachable(_)))));
    assert!(watch.next().await.is_none());
    cluster.thaw();
    target.cluster.identity().await.expect("it answers again");
}

#[tokio::test]
async fn a_data_center_that_is_off_is_unreachable() {
    let cluster = simulated().await;
    let target = Target::with(&cluster.kubeconfig(), &hasty()).await;
    let mut watch = target.cluster.watch(&"test".parse().expect("a name"));
    assert!(matches!(watch.next().await, Some(Ok(Event::All(_)))));
    cluster.stop().await;
    assert!(matches!(watch.next().await, Some(Err(Error::Unreachable(_)))));
    let answer = said(target.cluster.identity().await);
    assert!(answer.starts_with("Unreachable"), "{answer}");
    cluster.start().await.expect("it starts again");
    target.cluster.identity().await.expect("it answers again");
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_not_trusted() {
    let (cluster, other) = (simulated().await, simulated().await);
    let kubeconfig = other.kubeconfig().replace(&other.url(), &cluster.url());
    let answer = said(connected(&kubeconfig).await.identity().await);
    assert!(answer.starts_with("Untrusted") && answer.contains("not signed by"), "{answer}");
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_said_to_be_expired_where_it_says_so_itself() {
    let cluster = simulated().await;
    // {"exp":1767225600}, which is the beginning of 2026.
    let expired = "e30.eyJleHAiOjE3NjcyMjU2MDB9.c2ln";
    for (token, why) in [
        ("withdrawn", "they are expired or were withdrawn"),
        (expired, "the token expired at 2026-01-01T00:00:00Z"),
    ] {
        let kubeconfig = cluster.kubeconfig();
        let lines = kubeconfig.lines().map(|line| match line.split_once("token:") {
            Some((before, _)) => format!("{before}token: {token}"),
            None => line.to_owned(),
        });
        let kubeconfig = lines.collect::<Vec<_>>().join("\n");
        assert_ne!(kubeconfig, cluster.kubeconfig());
        let target = connected(&kubeconfig).await;
        let answer = said(target.identity().await);
        let expected = format!(
            ": the data center does not accept the credentials of the kubeconfig (401): {why}; renew them"
        );
        assert!(answer.starts_with("Untrusted") && answer.ends_with(&expected), "{answer}");
        let mut watch = target.watch(&"test".parse().expect("a name"));
        let Some(Err(error)) = watch.next().await else { panic!("it is let in") };
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_text_that_is_no_kubeconfig_is_refused() {
    let error = KubeCluster::from_kubeconfig("hello: world", &hasty()).await.err().expect("it is refused");
    assert!(error.to_string().starts_with("the kubeconfig cannot be read"), "{error}");
}

#[tokio::test]
async fn the_controller_goes_on_when_its_api_server_is_back() {
    let cluster = simulated().await;
    let target = Target::new(&cluster.kubeconfig()).await;
    let running = Running::start(&target);
    let order = running.app();
    running.settle(&order).await;
    cluster.stop().await;
    cluster.start().await.expect("it starts again");
    let next = order.next(|next| next.restarts = 1);
    running.settle(&next).await;
    let hasty = connected(&cluster.kubeconfig()).await;
    cluster.freeze();
    said(hasty.identity().await);
    cluster.thaw();
    running.settle(&next.next(|next| next.restarts = 2)).await;
    running.stop().await;
}
