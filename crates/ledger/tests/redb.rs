//! What only a ledger in a file does: it outlives its process, and is opened by one at a time or not at all.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the tests share functions")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::{FutureExt as _, StreamExt as _};
use plimsoll_core::ledger::{Committed, Entry, Error, Ledger, Range, Revision, Transaction, Write};
use plimsoll_ledger::{OpenError, RedbLedger};
use redb::{Database, TableDefinition};
use tempfile::TempDir;

/// Names the ledger file to a test that runs as the child of another one.
const CHILD_OF: &str = "PLIMSOLL_TEST_LEDGER";

#[tokio::test]
async fn a_ledger_opened_again_holds_what_it_held() {
    let folder = TempDir::new().unwrap();
    let ledger = open(folder.path()).await;
    for n in 0..50 {
        put(&ledger, &format!("key-{}", n % 9), &n.to_string()).await;
    }
    let before = ledger.range(&Range::prefix("")).await.unwrap();
    ledger.close().await;
    let ledger = open(folder.path()).await;
    assert_eq!(ledger.range(&Range::prefix("")).await.unwrap(), before);
    assert_eq!(put(&ledger, "next", "x").await.0, before.revision.0 + 1);
}

#[tokio::test]
async fn a_ledger_opened_again_is_as_full_as_it_was() {
    let folder = TempDir::new().unwrap();
    let ledger = open(folder.path()).await;
    for n in 0..50 {
        put(&ledger, &format!("key-{}", n % 9), &"v".repeat(n + 1)).await;
    }
    let before = ledger.size().await.unwrap();
    assert!(before.used > 0);
    ledger.close().await;
    assert_eq!(open(folder.path()).await.size().await.unwrap(), before);
}

#[tokio::test]
async fn a_watch_across_a_restart_is_exact_or_compacted() {
    let folder = TempDir::new().unwrap();
    let ledger = open(folder.path()).await;
    let read = put(&ledger, "a", "1").await;
    let last = put(&ledger, "a", "2").await;
    ledger.close().await;
    let ledger = open(folder.path()).await;
    assert!(matches!(ledger.watch("", read).await, Err(Error::Compacted { from }) if from == read));
    let mut watch = ledger.watch("", last).await.unwrap();
    let next = put(&ledger, "a", "3").await;
    let events = watch.next().await.unwrap().unwrap();
    let expected = Entry { key: "a".into(), value: b"3".to_vec(), revision: next };
    assert_eq!(events, [plimsoll_core::ledger::Event::Put(expected)]);
}

#[tokio::test]
async fn closing_ends_watches_and_refuses_what_comes_later() {
    let folder = TempDir::new().unwrap();
    let ledger = open(folder.path()).await;
    let from = put(&ledger, "a", "1").await;
    let mut watch = ledger.watch("", from).await.unwrap();
    let last = put(&ledger, "a", "2").await;
    ledger.close().await;
    ledger.close().await;
    assert_eq!(watch.next().await.unwrap().unwrap().len(), 1);
    assert!(matches!(watch.next().await.unwrap(), Err(Error::Unavailable(_))));
    assert!(watch.next().await.is_none());
    assert!(matches!(ledger.get("a").await, Err(Error::Unavailable(_))));
    assert!(matches!(ledger.transact(Transaction::default()).await, Err(Error::Unavailable(_))));
    assert!(matches!(ledger.watch("", last).await, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn transactions_that_wait_together_share_one_sync() {
    let folder = TempDir::new().unwrap();
    let ledger = Arc::new(open(folder.path()).await);
    let tasks = (0..1000).map(|n| {
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move { put(&ledger, &format!("key-{n}"), "x").await })
    });
    join_all(tasks.collect::<Vec<_>>()).await;
    let metrics = ledger.metrics();
    assert_eq!((metrics.transactions, metrics.queued, metrics.history), (1000, 0, 1000));
    assert!(metrics.syncs < 500, "{metrics:?}");
}

#[tokio::test]
async fn what_changes_nothing_syncs_nothing() {
    let folder = TempDir::new().unwrap();
    let ledger = open(folder.path()).await;
    put(&ledger, "a", "1").await;
    let before = ledger.metrics().syncs;
    for _ in 0..10 {
        ledger.get("a").await.unwrap();
        let empty = ledger.transact(Transaction::default()).await.unwrap();
        assert_eq!(empty, Committed::At(Revision(1)));
    }
    assert_eq!(ledger.metrics().syncs, before);
}

#[tokio::test]
async fn a_second_process_is_refused_and_told_which_file_it_is() {
    let folder = TempDir::new().unwrap();
    let path = file(folder.path());
    let ledger = RedbLedger::open(&path).await.unwrap();
    put(&ledger, "a", "1").await;
    let refused = RedbLedger::open(&path).await.unwrap_err();
    assert!(matches!(&refused, OpenError::AlreadyOpen { path: named } if *named == path));
    assert_eq!(
        refused.to_string(),
        format!(
            "ledger {} is open in another process; stop that one, or use another data directory",
            path.display()
        )
    );
    let output = child("child_opens_and_says_why_not", &path).spawn().unwrap().wait_with_output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    assert!(output.contains("refused: AlreadyOpen"), "{output}");
    // The refused ones did no harm, and the lock goes with its holder.
    put(&ledger, "a", "2").await;
    ledger.close().await;
    assert_eq!(get(&open(folder.path()).await, "a").await, "2");
}

#[tokio::test]
async fn every_acknowledged_write_outlives_a_killed_process() {
    let folder = TempDir::new().unwrap();
    let path = file(folder.path());
    let mut acknowledged = BTreeMap::new();
    for _ in 0..3 {
        let mut killed = Killed(child("child_writes_until_it_is_killed", &path).spawn().unwrap());
        let lines = BufReader::new(killed.0.stdout.take().unwrap()).lines();
        let mut heard = 0;
        for line in lines {
            // What was written before the kill comes to its end, which may be half a line.
            let line = line.unwrap();
            let words: Vec<&str> = line.split(' ').collect();
            let ["acknowledged", key, value, revision, "."] = words[..] else {
                continue;
            };
            heard += 1;
            acknowledged.insert(key.to_owned(), (value.to_owned(), Revision(revision.parse().unwrap())));
            if heard == 300 {
                killed.0.kill().unwrap();
            }
        }
        assert!(heard >= 300, "the child ended by itself after {heard} writes");
        assert!(!killed.0.wait().unwrap().success());
        let ledger = RedbLedger::open(&path).await.unwrap();
        for (key, (value, revision)) in &acknowledged {
            let found = ledger.get(key).await.unwrap().unwrap();
            // A later write of the same key may have happened without being told.
            let found_value: u64 = String::from_utf8(found.value).unwrap().parse().unwrap();
            let value: u64 = value.parse().unwrap();
            let same = found_value == value && found.revision == *revision;
            assert!(same || (found_value > value && found.revision > *revision), "{key}: {value}");
        }
        ledger.close().await;
    }
}

#[test]
#[ignore = "the child of every_acknowledged_write_outlives_a_killed_process"]
fn child_writes_until_it_is_killed() {
    let path = std::env::var_os(CHILD_OF).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let ledger = Arc::new(RedbLedger::open(path).await.unwrap());
        let writers = (0..16).map(|writer| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move {
                let key = format!("writer-{writer}");
                let begin: u64 = match ledger.get(&key).await.unwrap() {
                    Some(entry) => String::from_utf8(entry.value).unwrap().parse().unwrap(),
                    None => 0,
                };
                for value in begin + 1.. {
                    let revision = put(&ledger, &key, &value.to_string()).await;
                    println!("acknowledged {key} {value} {revision} .");
                }
            })
        });
        join_all(writers.collect::<Vec<_>>()).await;
    });
}

#[test]
#[ignore = "the child of a_second_process_is_refused_and_told_which_file_it_is"]
fn child_opens_and_says_why_not() {
    let path = std::env::var_os(CHILD_OF).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match runtime.block_on(RedbLedger::open(path)) {
        Ok(_) => println!("opened"),
        Err(error) => println!("refused: {error:?}"),
    }
}

#[tokio::test]
async fn a_damaged_or_foreign_file_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let path = file(folder.path());
    let ledger = open(folder.path()).await;
    for n in 0..200 {
        put(&ledger, &format!("key-{n}"), &"value".repeat(200)).await;
    }
    ledger.close().await;
    let whole = fs::read(&path).unwrap();
    let random: Vec<u8> = (0..whole.len() as u64)
        .map(|n| u8::try_from((n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 29) & 0xFF).unwrap())
        .collect();
    let mut noise_behind_the_header = whole[..4096].to_vec();
    noise_behind_the_header.extend_from_slice(&random[4096..]);
    let mut zeroes_in_the_middle = whole.clone();
    zeroes_in_the_middle[4096..].fill(0);
    let damaged: [(&str, Vec<u8>); 10] = [
        ("emptied", vec![]),
        ("cut within its first bytes", whole[..5].to_vec()),
        ("cut within its header", whole[..200].to_vec()),
        ("cut behind its header", whole[..4096].to_vec()),
        ("cut in the middle", whole[..whole.len() / 2].to_vec()),
        ("zeroed", vec![0; whole.len()]),
        ("zeroed behind its header", zeroes_in_the_middle),
        ("random", random),
        ("random behind its header", noise_behind_the_header),
        ("text", b"apiVersion: plimsoll.io/v1alpha1\nkind: App\n".repeat(500)),
    ];
    for (what, bytes) in damaged {
        fs::write(&path, &bytes).unwrap();
        let refused = RedbLedger::open(&path).await;
        assert!(
            matches!(&refused, Err(OpenError::Corrupt { path: named, .. }) if *named == path),
            "{what}: {refused:?}"
        );
        assert!(fs::read(&path).unwrap() == bytes, "{what}: was written to");
    }
    // Put back, it is good again.
    fs::write(&path, &whole).unwrap();
    assert_eq!(get(&open(folder.path()).await, "key-199").await, "value".repeat(200));
}

#[tokio::test]
async fn one_damaged_byte_is_found_or_does_not_matter() {
    let folder = TempDir::new().unwrap();
    let path = file(folder.path());
    let ledger = open(folder.path()).await;
    for n in 0..20 {
        put(&ledger, &format!("key-{n}"), "value").await;
    }
    let good = ledger.range(&Range::prefix("")).await.unwrap();
    ledger.close().await;
    let whole = fs::read(&path).unwrap();
    let mut found = 0;
    // Odd, so that it falls on other places of each page.
    for place in (0..whole.len()).step_by((whole.len() / 150) | 1) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0xFF;
        fs::write(&path, &bytes).unwrap();
        match RedbLedger::open(&path).await {
            Ok(ledger) => {
                assert_eq!(ledger.range(&Range::prefix("")).await.unwrap(), good, "byte {place}");
                ledger.close().await;
            }
            Err(OpenError::Corrupt { .. }) => found += 1,
            Err(other) => panic!("byte {place}: {other:?}"),
        }
    }
    assert!(found > 0);
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_keeps_its_content() {
    const OTHERS: TableDefinition<'_, &str, &str> = TableDefinition::new("meta");
    let folder = TempDir::new().unwrap();
    let path = file(folder.path());
    let database = Database::create(&path).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(OTHERS).unwrap().insert("theirs", "kept").unwrap();
    write.commit().unwrap();
    drop(database);
    let refused = RedbLedger::open(&path).await.unwrap_err();
    assert!(matches!(refused, OpenError::Corrupt { .. }), "{refused:?}");
    let database = Database::open(&path).unwrap();
    let read = redb::ReadableDatabase::begin_read(&database).unwrap();
    let kept = read.open_table(OTHERS).unwrap().get("theirs").unwrap().unwrap();
    assert_eq!(kept.value(), "kept");
}

#[tokio::test]
async fn a_file_of_a_newer_format_is_refused_and_keeps_its_content() {
    const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
    let folder = TempDir::new().unwrap();
    let path = file(folder.path());
    let ledger = open(folder.path()).await;
    put(&ledger, "a", "1").await;
    ledger.close().await;
    let set_format = |format: u64| {
        let database = Database::open(&path).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(META).unwrap().insert("format", format).unwrap();
        write.commit().unwrap();
    };
    set_format(2);
    let refused = RedbLedger::open(&path).await.unwrap_err();
    assert!(matches!(&refused, OpenError::Newer { path: named, found: 2 } if *named == path), "{refused:?}");
    set_format(0);
    assert!(matches!(RedbLedger::open(&path).await.unwrap_err(), OpenError::Corrupt { .. }));
    set_format(1);
    assert_eq!(get(&open(folder.path()).await, "a").await, "1");
}

#[tokio::test]
async fn a_place_that_takes_no_file_is_named() {
    let folder = TempDir::new().unwrap();
    let missing = file(&folder.path().join("missing"));
    assert!(matches!(RedbLedger::open(&missing).await, Err(OpenError::NoFolder { path }) if path == missing));
    let no_file = folder.path().to_owned();
    assert!(
        matches!(RedbLedger::open(&no_file).await, Err(OpenError::NotWritable { path, .. }) if path == no_file)
    );
    fs::write(folder.path().join("no-folder"), "text").unwrap();
    let below_a_file = file(&folder.path().join("no-folder"));
    assert!(
        matches!(RedbLedger::open(&below_a_file).await, Err(OpenError::NotWritable { path, .. }) if path == below_a_file)
    );
}

/// Not even root may make a file there.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_that_may_not_be_written_is_named() {
    let path = PathBuf::from("/sys/plimsoll-ledger.redb");
    let refused = RedbLedger::open(&path).await.unwrap_err();
    assert!(matches!(&refused, OpenError::NotWritable { path: named, .. } if *named == path), "{refused:?}");
    assert_eq!(
        refused.to_string(),
        "ledger /sys/plimsoll-ledger.redb cannot be written; give this user the right to, or use another data directory"
    );
}

#[tokio::test]
async fn many_that_open_a_new_file_at_once_agree_on_one() {
    let folder = TempDir::new().unwrap();
    let opened = join_all((0..8).map(|_| RedbLedger::open(file(folder.path())))).await;
    let (held, refused): (Vec<_>, Vec<_>) = opened.into_iter().partition(Result::is_ok);
    assert_eq!(held.len(), 1);
    for refused in refused {
        assert!(matches!(refused, Err(OpenError::AlreadyOpen { .. })), "{refused:?}");
    }
    put(held[0].as_ref().unwrap(), "a", "1").await;
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["ledger.redb"]);
}

/// It holds hashed tokens.
#[cfg(unix)]
#[tokio::test]
async fn a_new_file_can_be_read_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let ledger = open(folder.path()).await;
    let mode = fs::metadata(file(folder.path())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    ledger.close().await;
}

#[tokio::test]
async fn a_ledger_that_is_only_dropped_lets_go_of_its_file() {
    let folder = TempDir::new().unwrap();
    let ledger = open(folder.path()).await;
    let from = put(&ledger, "a", "1").await;
    let mut watch = ledger.watch("", from).await.unwrap();
    drop(ledger);
    assert!(matches!(watch.next().await.unwrap(), Err(Error::Unavailable(_))));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    let opened = async {
        loop {
            match RedbLedger::open(file(folder.path())).await {
                Err(OpenError::AlreadyOpen { .. }) => tokio::task::yield_now().await,
                other => break other.unwrap(),
            }
        }
    };
    let ledger = tokio::time::timeout_at(deadline, opened).await.unwrap();
    assert_eq!(get(&ledger, "a").await, "1");
}

#[tokio::test]
async fn a_caller_that_gives_up_leaves_the_ledger_whole() {
    let folder = TempDir::new().unwrap();
    let ledger = open(folder.path()).await;
    for n in 0..100 {
        // Polled once, so that it is under way, and dropped.
        drop(ledger.transact(write("a", &n.to_string())).now_or_never());
    }
    let revision = put(&ledger, "b", "x").await;
    // All of them were let in before this one, and each is whole.
    assert_eq!(revision, Revision(101));
    assert_eq!(get(&ledger, "a").await, "99");
}

/// A child that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// This very program, running only the test `name`, on the ledger at `path`.
fn child(name: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(CHILD_OF, path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

fn file(folder: &Path) -> PathBuf {
    folder.join("ledger.redb")
}

async fn open(folder: &Path) -> RedbLedger {
    RedbLedger::open(file(folder)).await.unwrap()
}

fn write(key: &str, value: &str) -> Transaction {
    Transaction { compares: vec![], writes: vec![Write::Put(key.into(), value.into())] }
}

async fn put(ledger: &RedbLedger, key: &str, value: &str) -> Revision {
    match ledger.transact(write(key, value)).await.unwrap() {
        Committed::At(revision) => revision,
        Committed::Lost => panic!("it compares nothing"),
    }
}

async fn get(ledger: &RedbLedger, key: &str) -> String {
    String::from_utf8(ledger.get(key).await.unwrap().unwrap().value).unwrap()
}
