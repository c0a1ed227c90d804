use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_registry::{Access, Copier, Moves, Place, Registry, Target, Throttle};

use crate::mk::{LINES, mk_bytes, mk_client, mk_repository, mk_server, mk_tag, push_blob, push_image};

/// Names the part of this program that is killed.
const VICTIM: &str = "PLIMSOLL_REGISTRY_VICTIM";

fn mk_targets(hosts: &[String], throttle: Option<&Arc<Throttle>>) -> Vec<Target> {
    let target = |host: &String| Target {
        place: Place {
            registry: Registry::new(Access::new(host.parse().unwrap())).unwrap(),
            repository: mk_repository("prod/web"),
        },
        tag: Some("1.4".parse().unwrap()),
        moves: Moves::Never,
        mounts_from: Vec::new(),
        throttle: throttle.cloned(),
    };
    hosts.iter().map(target).collect()
}

/// Copies slowly, until it is killed. Run by the test below, in a process of its own.
#[tokio::test]
async fn the_victim() {
    let Ok(arguments) = std::env::var(VICTIM) else { return };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut words = arguments.split(' ').map(str::to_owned);
    let (folder, digest, source) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let hosts: Vec<String> = words.collect();
    let source = Place {
        registry: Registry::new(Access::new(source.parse().unwrap())).unwrap(),
        repository: mk_repository("qa/web"),
    };
    let copier = Copier::new(folder).unwrap();
    let slowly = Arc::new(Throttle::new(2_000_000));
    let plan =
        copier.plan(&source, &digest.parse().unwrap(), mk_targets(&hosts, Some(&slowly))).await.unwrap();
    copier.run(&plan, &|event| eprintln!("{event:?}")).await;
}

#[tokio::test]
async fn a_copy_to_three_sites_that_was_killed_goes_on_and_sends_nothing_twice_that_arrived() {
    for line in LINES {
        let (source, client) = mk_server(line).await;
        let repository = mk_repository("qa/web");
        // The blobs that are small arrive before the kill, the large one does not.
        let image = push_image(&client, &repository, Some("1.4"), mk_bytes(1, 6_000_000)).await;
        push_blob(&client, &repository, "application/x", mk_bytes(2, 10)).await;
        let mut servers = Vec::new();
        for _ in 0..3 {
            servers.push(mk_server(line).await);
        }
        let hosts: Vec<String> = servers.iter().map(|(server, _)| server.host()).collect();
        let folder = tempfile::tempdir().unwrap();
        let arguments =
            format!("{} {} {} {}", folder.path().display(), image.digest(), source.host(), hosts.join(" "));
        let mut victim = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kills::the_victim", "--nocapture"])
            .env(VICTIM, arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        // Killed in the middle: when the configuration arrived everywhere and the layer is on its way.
        let mut said = tokio::io::BufReader::new(victim.stderr.take().unwrap());
        let (mut arrived, mut moving) = (0, 0);
        tokio::time::timeout(Duration::from_mins(1), async {
            use tokio::io::AsyncBufReadExt as _;
            let mut line = String::new();
            while arrived < 3 || moving < 20 {
                line.clear();
                assert_ne!(said.read_line(&mut line).await.unwrap(), 0, "it ended before it was killed");
                arrived += usize::from(line.starts_with("Arrived"));
                moving += usize::from(line.starts_with("Moved"));
            }
        })
        .await
        .unwrap();
        victim.kill().await.unwrap();
        for (_, target) in &servers {
            let prod = mk_repository("prod/web");
            assert_eq!(
                target.head(&prod, &mk_tag("1.4")).await.unwrap(),
                None,
                "{line:?}: tagged before it was whole"
            );
        }
        let copier = Copier::new(folder.path()).unwrap();
        let place = Place { registry: mk_client(&source), repository };
        let plan = copier.plan(&place, image.digest(), mk_targets(&hosts, None)).await.unwrap();
        for result in copier.run(&plan, &|_| {}).await {
            let report = result.unwrap();
            assert_eq!((report.present, report.sent, report.bytes), (1, 1, 6_000_000), "{line:?}");
        }
    }
}
