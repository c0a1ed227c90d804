use plimsoll_registry::{Links, Manifest, MediaType};

/// As what a registry may give it.
const KINDS: [&str; 6] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/vnd.example.unknown",
];
/// What the largest manifest names.
const MOST: usize = 40_000;

/// A manifest is its bytes, whatever they are. What is read of it can be checked and is bounded, is of one kind, and comes
/// out the same when it is written as JSON and read again.
pub fn manifest(bytes: &[u8]) {
    for kind in KINDS {
        let manifest = Manifest::new(bytes.to_vec(), MediaType::from(kind));
        assert_eq!(manifest.bytes(), bytes, "written anew");
        assert_eq!(manifest.descriptor().size(), bytes.len() as u64, "another size");
        let Ok(links) = manifest.links() else { continue };
        let Links { blobs, manifests, subject, artifact_type: _, annotations: _ } = &links;
        assert!(blobs.len() + manifests.len() <= MOST, "too much");
        assert!(blobs.is_empty() || manifests.is_empty(), "an image that is an index");
        for named in blobs.iter().chain(manifests).chain(subject) {
            let algorithm = named.digest().algorithm().to_string();
            let digits = match algorithm.as_str() {
                "sha256" => 64,
                "sha512" => 128,
                other => panic!("{other} is not checked"),
            };
            let hex = named.digest().digest();
            assert!(hex.len() == digits && hex.bytes().all(|digit| digit.is_ascii_hexdigit()), "{hex:?}");
        }
        assert!(std::str::from_utf8(bytes).is_ok(), "read of what is no text");
        // What is not read of it may be a number or a character that no tree of JSON holds.
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes) else { continue };
        let again = Manifest::new(value.to_string(), MediaType::from(kind));
        assert_eq!(again.links().expect("the same is read"), links, "read otherwise");
    }
}
