//! The seeds of the fuzz targets, and what once broke a property: every property holds of them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::fs;
use std::path::{Path, PathBuf};

use plimsoll_fuzzed::PROPERTIES;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} holds nothing", folder.display());
    paths
}

fn replay(target: &str, folder: &Path) {
    let (_, property) = PROPERTIES.iter().find(|(name, _)| *name == target).unwrap();
    for path in files(folder) {
        // Told where the property is broken.
        eprintln!("{}", path.display());
        property(&fs::read(path).unwrap());
    }
}

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

#[test]
fn quantities_of_the_corpus_are_printed_as_what_they_are() {
    replay("quantity", &corpus("quantity"));
}

#[test]
fn lines_of_the_corpus_are_answered_by_one_line() {
    replay("eval", &corpus("eval"));
}

#[test]
fn grades_of_the_corpus_read_the_same_when_they_are_printed() {
    replay("policy", &corpus("policy"));
}

#[test]
fn documents_of_the_corpus_and_the_examples_are_taken_again_from_their_canonical_form() {
    replay("document", &corpus("document"));
    replay("document", &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples"));
}

#[test]
fn requests_of_the_corpus_are_answered_and_leave_nothing_unreadable() {
    replay("router", &corpus("router"));
}

#[test]
fn names_of_images_of_the_corpus_are_printed_as_they_were_read() {
    replay("image", &corpus("image"));
}

#[test]
fn manifests_of_the_corpus_name_what_can_be_checked() {
    replay("manifest", &corpus("manifest"));
}

#[test]
fn headers_of_the_corpus_lead_to_where_they_say() {
    replay("answer", &corpus("answer"));
}

/// A target is a file of its own in a package that the workspace does not build.
#[test]
fn every_property_has_its_fuzz_target_and_every_target_its_property() {
    let targets = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/targets"));
    let mut targets: Vec<_> =
        targets.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    let mut names = PROPERTIES.map(|(name, _)| name);
    names.sort_unstable();
    targets.sort_unstable();
    assert_eq!(targets, names);
}
