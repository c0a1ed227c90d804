//! What becomes of the ledger when its disk does not do its part.

mod disk;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use futures::future::join_all;
use plimsoll_core::ledger::{Committed, Error, Ledger, Revision, Transaction, Write};

use self::disk::{Disk, Failing};
use super::store::Store;
use super::{Options, RedbLedger, open};
use crate::sync::lock;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_a_power_cut_at_any_moment() {
    let disk = Disk::default();
    let ledger = Arc::new(on(&disk));
    let acknowledged = Arc::new(Mutex::new(BTreeMap::new()));
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (ledger, acknowledged) = (Arc::clone(&ledger), Arc::clone(&acknowledged));
            let stop = Arc::clone(&stop);
            tokio::spawn(async move {
                for n in 0_u64.. {
                    let key = format!("{writer}/{}", n % 10);
                    let revision = put(&ledger, &key, &n.to_string().repeat(50)).await.unwrap();
                    lock(&acknowledged).insert(key, revision);
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            })
        })
        .collect();
    let mut random = 1_u64;
    let mut highest = Revision(0);
    let mut cuts = 0;
    // So often that many of them fall between a write and its sync.
    while cuts < 60 || highest < Revision(60) {
        cuts += 1;
        // In this order: what is acknowledged now is on the disk as it is left then.
        let acknowledged = lock(&acknowledged).clone();
        let left = on(&disk.after_power_cut(|| coin(&mut random)));
        for (key, revision) in acknowledged {
            let found = left.get(&key).await.unwrap().unwrap();
            assert!(found.revision >= revision, "{key} is at {} and was at {revision}", found.revision);
            highest = highest.max(revision);
        }
        left.close().await;
    }
    stop.store(true, Ordering::Relaxed);
    join_all(writers).await.into_iter().for_each(|done| done.unwrap());
}

#[tokio::test]
async fn a_full_disk_refuses_what_needs_room_and_nothing_else() {
    let disk = Disk::default();
    let ledger = on(&disk);
    let first = put(&ledger, "a", "1").await.unwrap();
    let mut watch = ledger.watch("", first).await.unwrap();
    disk.fill();
    let big = "v".repeat(1024 * 1024);
    let mut room = 0;
    let refused = loop {
        match put(&ledger, &format!("big-{room}"), &big).await {
            Ok(_) => room += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::Full), "{refused:?}");
    assert_eq!(ledger.get(&format!("big-{room}")).await.unwrap(), None);
    assert_eq!(ledger.get("a").await.unwrap().unwrap().revision, first);
    disk.make_room();
    let later = put(&ledger, "b", "2").await.unwrap();
    assert_eq!(later.0, first.0 + room + 1);
    // The watch saw all that happened and went on over the trouble.
    let mut seen = 0;
    while seen <= room {
        seen += watch.next().await.unwrap().unwrap().len() as u64;
    }
}

#[tokio::test]
async fn a_write_that_failed_did_not_happen_and_the_next_one_does() {
    let disk = Disk::default();
    let ledger = on(&disk);
    let first = put(&ledger, "a", "1").await.unwrap();
    disk.fail(Failing::Writes);
    // The file cannot be opened again either, so nobody can tell.
    let failed = put(&ledger, "a", "2").await.unwrap_err();
    assert!(matches!(failed, Error::Unknown(_)), "{failed:?}");
    let refused = put(&ledger, "a", "3").await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
    disk.mend();
    let revision = until_well(async || put(&ledger, "a", "4").await).await;
    assert_eq!(revision.0, first.0 + 1);
    assert_eq!(ledger.get("a").await.unwrap().unwrap().value, b"4");
}

#[tokio::test]
async fn nothing_is_built_on_a_sync_that_failed() {
    let disk = Disk::default();
    let ledger = on(&disk);
    let first = put(&ledger, "a", "1").await.unwrap();
    let mut watch = ledger.watch("", first).await.unwrap();
    disk.fail(Failing::Syncs);
    let failed = put(&ledger, "a", "2").await.unwrap_err();
    assert!(matches!(failed, Error::Unknown(_)), "{failed:?}");
    disk.mend();
    let stopped = async { while watch.next().await.unwrap().is_ok() {} };
    // The next transaction may find the file readable, and must find that it holds what nobody was told.
    loop {
        let refused = put(&ledger, "a", "3").await.unwrap_err();
        assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
        if ledger.watch("", first).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    stopped.await;
    assert!(matches!(ledger.get("a").await, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn reads_that_failed_go_on_when_the_disk_is_well() {
    let disk = Disk::default();
    let ledger = on(&disk);
    let revision = put(&ledger, "a", "1").await.unwrap();
    ledger.close().await;
    // Opened with nothing in the cache of redb but what opening read.
    let ledger = on(&disk);
    ledger.store.reopen().unwrap();
    disk.fail(Failing::Reads);
    ledger.store.reopen().unwrap_err();
    assert!(matches!(ledger.get("a").await, Err(Error::Unavailable(_))));
    disk.mend();
    let found = until_well(async || ledger.get("a").await).await.unwrap();
    assert_eq!(found.revision, revision);
}

/// The ledger on a disk, which is made if the disk is empty.
fn on(disk: &Disk) -> RedbLedger {
    let disk = disk.clone();
    let open = move || {
        let database = if disk.is_empty() {
            open::format(disk.clone())
        } else {
            open::builder().create_with_backend(disk.clone()).map_err(Into::into)
        };
        database.map_err(|error| open::unreadable(Path::new("disk"), error))
    };
    RedbLedger::start(Path::new("disk"), Store::open(open).unwrap(), Options::default()).unwrap()
}

async fn put(ledger: &RedbLedger, key: &str, value: &str) -> Result<Revision, Error> {
    let writes = vec![Write::Put(key.into(), value.into())];
    match ledger.transact(Transaction { compares: vec![], writes }).await? {
        Committed::At(revision) => Ok(revision),
        Committed::Lost => panic!("it compares nothing"),
    }
}

/// Tries until it succeeds, as the ledger looks at a failed file again only so often.
async fn until_well<T>(attempt: impl AsyncFn() -> Result<T, Error>) -> T {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error:?}"),
        }
        tokio::task::yield_now().await;
    }
}

/// A coin that falls the same way in every run.
fn coin(random: &mut u64) -> bool {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    random.is_multiple_of(2)
}
