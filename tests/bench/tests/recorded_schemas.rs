//! The simulated cluster takes its schemas from what a real API server says of them, and from the Go types that its
//! objects are. Here they are compared, and with `PLIMSOLL_RECORD=write` written anew; `cargo xtask record-schemas`
//! does that.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends")]

use plimsoll_bench::{Bench, Extent, Options};
use plimsoll_sim_cluster::schema::recording::{DOCUMENTS, decode, encode, file_name, strip};
use plimsoll_sim_cluster::tree::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/sim-cluster/schemas")
}

fn are_written() -> bool {
    std::env::var_os("PLIMSOLL_RECORD").is_some_and(|value| value == "write")
}

/// What the program beside the schemas prints of the Go types.
fn go_types(arguments: &[&str]) -> String {
    let mut go = Command::new("go");
    go.args(["run", "."]).args(arguments).current_dir(schemas().join("go-types")).stderr(Stdio::inherit());
    let output = go.output().expect("go runs");
    assert!(output.status.success(), "go run: {}", output.status);
    String::from_utf8(output.stdout).expect("JSON")
}

#[test]
fn the_recorded_forms_are_those_of_the_go_types() {
    let (file, printed) = (schemas().join("go_types.json"), go_types(&[]));
    if are_written() {
        std::fs::write(file, printed).unwrap();
    } else {
        assert!(std::fs::read_to_string(file).unwrap() == printed, "run `cargo xtask record-schemas`");
    }
}

#[test]
fn the_recorded_numbers_are_those_of_the_go_types() {
    let file = schemas().join("wire_types.json.gz");
    let wanted: Value = serde_json::from_str(&go_types(&["wire"])).unwrap();
    let recorded = std::fs::read(&file).ok().and_then(|bytes| decode(&bytes).ok());
    if recorded.is_some_and(|recorded| recorded == wanted) {
        return;
    }
    assert!(are_written(), "run `cargo xtask record-schemas`");
    std::fs::write(&file, encode(&wanted).unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_schemas_are_those_of_the_api_server() {
    let (folder, write) = (schemas(), are_written());
    let bench = Bench::start(Options::default().data_centers(1).extent(Extent::ApiServer)).await.unwrap();

    let mut outdated = Vec::new();
    for document in DOCUMENTS {
        let served = bench.dc(1).get_json(&format!("/openapi/v3/{document}")).await.unwrap();
        let served = served.unwrap_or_else(|| panic!("the API server has no /openapi/v3/{document}"));
        let wanted = strip(&served.into());
        let path = folder.join(file_name(document));
        // Compared as documents: another version of the compressor may write other bytes.
        let recorded = std::fs::read(&path).ok().and_then(|bytes| decode(&bytes).ok());
        if recorded.is_none_or(|recorded| recorded != wanted) {
            outdated.push(document);
            if write {
                std::fs::write(&path, encode(&wanted).unwrap()).unwrap();
            }
        }
    }

    if write {
        println!("written: {outdated:?}");
    } else {
        assert!(outdated.is_empty(), "run `cargo xtask record-schemas`: {outdated:?} differ");
    }
}
