//! The simulated cluster takes its schemas from what a real API server says of them. Here they are compared, and
//! with `PLIMSOLL_RECORD=write` written anew; `cargo xtask record-schemas` does that.

use plimsoll_bench::{Bench, Extent, Options};
use plimsoll_sim_cluster::schema::recording::{DOCUMENTS, decode, encode, file_name, strip};
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_schemas_are_those_of_the_api_server() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/sim-cluster/schemas");
    let write = std::env::var_os("PLIMSOLL_RECORD").is_some_and(|value| value == "write");
    let bench = Bench::start(Options::default().data_centers(1).extent(Extent::ApiServer)).await.unwrap();

    let mut outdated = Vec::new();
    for document in DOCUMENTS {
        let served = bench.dc(1).get_json(&format!("/openapi/v3/{document}")).await.unwrap();
        let wanted = strip(&served.unwrap_or_else(|| panic!("the API server has no /openapi/v3/{document}")));
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
