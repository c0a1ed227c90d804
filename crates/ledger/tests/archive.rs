//! The archive port, on files and in memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use plimsoll_core::archive::{Archive, Record};
use plimsoll_core::name::AppUid;
use plimsoll_ledger::{FileArchive, MemoryArchive};
use tempfile::TempDir;

const UID: &str = "0199f3a0-0000-7000-8000-000000000001";

fn uid() -> AppUid {
    UID.parse().unwrap()
}

fn mk_record(key: &str) -> Record {
    let value = format!("{{\"schemaVersion\":1,\"z\":\"ä \\\\\\\" {key}\",\"a\":{{\"b\":[1,2.50]}}}}");
    Record { key: key.to_owned(), value: value.into_bytes() }
}

#[tokio::test]
async fn what_was_appended_is_read_in_its_order_each_key_once() {
    let folder = TempDir::new().unwrap();
    let archives: [Arc<dyn Archive>; 2] =
        [Arc::new(FileArchive::new(folder.path().join("archive"))), Arc::new(MemoryArchive::new())];
    for archive in archives {
        assert_eq!(archive.read(uid()).await.unwrap(), []);
        let [a, b, c] = ["a/1", "b/2", "c/3"].map(mk_record);
        archive.append(uid(), &[b.clone(), a.clone()]).await.unwrap();
        // As after a crash between the archive and the ledger.
        archive.append(uid(), &[b.clone(), a.clone(), c.clone()]).await.unwrap();
        assert_eq!(archive.read(uid()).await.unwrap(), [b, a, c], "{}", archive.place(uid()));
        let other = "0199f3a0-0000-7000-8000-000000000002".parse().unwrap();
        assert_eq!(archive.read(other).await.unwrap(), []);
    }
}

#[tokio::test]
async fn an_append_cut_off_at_any_byte_costs_nothing_that_was_kept() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(format!("{UID}.jsonl"));
    let archive = FileArchive::new(folder.path());
    archive.append(uid(), &[mk_record("a/1")]).await.unwrap();
    let kept = fs::read(&path).unwrap();
    archive.append(uid(), &[mk_record("b/2")]).await.unwrap();
    let whole = fs::read(&path).unwrap();
    for cut in kept.len()..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let found = archive.read(uid()).await.unwrap();
        let complete = cut == whole.len() - 1;
        assert_eq!(found.len(), if complete { 2 } else { 1 }, "cut at {cut}");
        archive.append(uid(), &[mk_record("b/2"), mk_record("c/3")]).await.unwrap();
        assert_eq!(archive.read(uid()).await.unwrap(), ["a/1", "b/2", "c/3"].map(mk_record), "cut at {cut}");
        assert!(fs::read(&path).unwrap().starts_with(&whole[..cut]), "nothing is rewritten");
    }
}

#[tokio::test]
async fn rubbish_in_the_file_hides_nothing() {
    let folder = TempDir::new().unwrap();
    let archive = FileArchive::new(folder.path());
    archive.append(uid(), &[mk_record("a/1")]).await.unwrap();
    let path = folder.path().join(format!("{UID}.jsonl"));
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"\xff\x00{}\n{\"key\":1}\n\n")
        .unwrap();
    archive.append(uid(), &[mk_record("b/2")]).await.unwrap();
    assert_eq!(archive.read(uid()).await.unwrap(), ["a/1", "b/2"].map(mk_record));
}

#[tokio::test]
async fn the_archive_is_its_owners_alone_and_says_where_it_lies() {
    let folder = TempDir::new().unwrap();
    let archive = FileArchive::new(folder.path().join("archive"));
    archive.append(uid(), &[mk_record("a/1")]).await.unwrap();
    let place = archive.place(uid());
    assert_eq!(place, folder.path().join("archive").join(format!("{UID}.jsonl")).display().to_string());
    let mode = |path: &str| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place), 0o600);
    assert_eq!(mode(folder.path().join("archive").to_str().unwrap()), 0o700);
}

#[tokio::test]
async fn an_archive_that_cannot_be_written_says_so() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("archive"), "a file").unwrap();
    let archive = FileArchive::new(folder.path().join("archive"));
    let error = archive.append(uid(), &[mk_record("a/1")]).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the archive {} cannot be written", archive.place(uid())));
}
