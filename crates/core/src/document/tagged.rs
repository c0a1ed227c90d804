//! Images that a document names by a tag: only an installation knows of which registries that is enough.

use serde_json::Value;

use super::Path;
use crate::image::Tagged;

/// An image of a document that is written by its registry and a tag alone.
pub(crate) struct Written {
    /// Where it is in the document, for machines.
    pub(crate) pointer: String,
    /// Where it is, for people.
    pub(crate) path: String,
    /// What it is.
    pub(crate) tagged: Tagged,
}

/// The images of a document that are written by a registry and a tag, and by no digest.
pub(crate) fn tagged(document: &Value) -> Vec<Written> {
    let places = ["init", "sidecars"].into_iter().flat_map(|list| {
        let count = document["spec"][list].as_array().map_or(0, Vec::len);
        let path = move |n| Path::root().field("spec").field(list).index(n).field("image");
        (0..count).map(move |n| (format!("/spec/{list}/{n}/image"), path(n).to_string()))
    });
    let main = ("/spec/image".to_owned(), Path::root().field("spec").field("image").to_string());
    std::iter::once(main)
        .chain(places)
        .filter_map(|(pointer, path)| {
            let tagged = Tagged::parse(document.pointer(&pointer)?.as_str()?)?;
            Some(Written { pointer, path, tagged })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::faults;

    #[test]
    fn a_tag_is_no_fault_of_a_document_by_itself_where_it_says_in_which_registry_it_lies() {
        let told = |main: &str, sidecar: &str| -> Vec<String> {
            let document = json!({"spec": {"image": main, "sidecars": [{"name": "log", "image": sidecar}]}});
            let images = faults(&document).into_iter().filter(|fault| fault.path.ends_with("image"));
            images.map(|fault| format!("{}: {}", fault.path, fault.message)).collect()
        };
        assert_eq!(told("qa.example.com/shop:1.4", "qa.example.com/log:2"), Vec::<String>::new());
        let why = "the image is not pinned by digest";
        assert_eq!(told("shop:1.4", "qa.example.com/log:2"), [format!("spec.image: {why}")]);
        assert_eq!(
            told("qa.example.com/shop", "qa.example.com/log:-"),
            [format!("spec.image: {why}"), format!("spec.sidecars[0].image: {why}")]
        );
    }
}
