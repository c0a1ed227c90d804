//! The kinds that every cluster has, from the documents recorded under `schemas/`.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::openapi::ref_target;
use super::recording::{DOCUMENTS, decode};
use super::{Schema, SchemaError, Types};
use crate::tree::Value;

const RECORDED: [&[u8]; DOCUMENTS.len()] = [
    include_bytes!("../../schemas/api_v1.json.gz"),
    include_bytes!("../../schemas/apis_apiextensions.k8s.io_v1.json.gz"),
    include_bytes!("../../schemas/apis_apps_v1.json.gz"),
    include_bytes!("../../schemas/apis_autoscaling_v2.json.gz"),
    include_bytes!("../../schemas/apis_coordination.k8s.io_v1.json.gz"),
    include_bytes!("../../schemas/apis_discovery.k8s.io_v1.json.gz"),
    include_bytes!("../../schemas/apis_events.k8s.io_v1.json.gz"),
    include_bytes!("../../schemas/apis_policy_v1.json.gz"),
    include_bytes!("../../schemas/apis_scheduling.k8s.io_v1.json.gz"),
];

/// The schemas of the built-in kinds, and the OpenAPI documents that they come from.
#[derive(Debug)]
pub struct Schemas {
    documents: BTreeMap<&'static str, Document>,
}

#[derive(Debug)]
struct Document {
    compressed: &'static [u8],
    parsed: OnceLock<Parsed>,
}

#[derive(Debug)]
struct Parsed {
    document: Arc<Value>,
    kinds: BTreeMap<String, Arc<Schema>>,
}

impl Schemas {
    /// The recorded documents; each is read when it is first asked for, once per process.
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Schemas> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            let documents = DOCUMENTS
                .into_iter()
                .zip(RECORDED)
                .map(|(path, compressed)| (path, Document { compressed, parsed: OnceLock::new() }))
                .collect();
            Self { documents }
        })
    }

    /// The structure of a kind; `group` is empty for the core group. Kinds of subresources, such as
    /// `autoscaling/v1` Scale, are found in the documents of the kinds that have them.
    pub fn get(&self, group: &str, version: &str, kind: &str) -> Option<Arc<Schema>> {
        let path =
            if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
        let key = format!("{group}/{version}/{kind}");
        let found = |document: &Document| document.parsed().kinds.get(&key).cloned();
        match self.documents.get(path.as_str()) {
            Some(document) => found(document),
            None => self.documents.values().find_map(found),
        }
    }

    /// The paths below `/openapi/v3/` that [`Self::document`] answers.
    pub fn paths(&self) -> impl Iterator<Item = &'static str> {
        self.documents.keys().copied()
    }

    /// The document served at `/openapi/v3/{path}`.
    pub fn document(&self, path: &str) -> Option<Arc<Value>> {
        self.documents.get(path).map(|document| Arc::clone(&document.parsed().document))
    }
}

impl Document {
    #[expect(clippy::expect_used, reason = "the bytes are part of the program; a test reads every document")]
    fn parsed(&self) -> &Parsed {
        self.parsed.get_or_init(|| {
            let document = decode(self.compressed).expect("a recorded document is compressed JSON");
            let kinds = kinds(&document).expect("a recorded document has sound schemas");
            Parsed { document: Arc::new(document), kinds }
        })
    }
}

/// Every kind that a document declares, by `group/version/kind`.
fn kinds(document: &Value) -> Result<BTreeMap<String, Arc<Schema>>, SchemaError> {
    let Some(components) = document.pointer("/components/schemas").and_then(Value::as_object) else {
        return Ok(BTreeMap::new());
    };
    let types = Arc::new(Types::from_components(components)?);
    let mut found = BTreeMap::new();
    for (name, component) in components {
        if ref_target(component).is_some() {
            continue;
        }
        let declared = component.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
        for gvk in declared.into_iter().flatten() {
            let part = |part: &str| gvk.get(part).and_then(Value::as_str).unwrap_or_default();
            if let Some(schema) = Schema::named(&types, name) {
                let key = format!("{}/{}/{}", part("group"), part("version"), part("kind"));
                found.insert(key, Arc::new(schema));
            }
        }
    }
    Ok(found)
}
