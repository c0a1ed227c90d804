//! What a request names and how it wants to be treated.

use std::sync::Arc;

use http::StatusCode;

use crate::resource::{Resource, api_version};
use crate::status::Subject;
use crate::store::{Key, Object};
use crate::tree::Value;

/// Who makes a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) user: String,
    pub(crate) groups: Vec<String>,
    pub(crate) agent: String,
}

impl Caller {
    /// A controller of the cluster itself.
    pub(crate) fn component(name: &str) -> Self {
        Self { user: format!("system:{name}"), groups: vec!["system:masters".into()], agent: name.to_owned() }
    }

    /// The field manager of a write that names none: the program part of the user agent.
    pub(crate) fn manager(&self) -> &str {
        self.agent.split(['/', ' ']).next().unwrap_or_default()
    }
}

/// Which part of an object a write is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// The object itself; its status is left alone if it has a status subresource.
    Main,
    /// The status alone.
    Status,
    /// The replicas alone, seen as an `autoscaling/v1` Scale.
    Scale,
}

impl Part {
    /// The name as the path and `managedFields` carry it; empty for the object itself.
    pub(crate) fn subresource(self) -> &'static str {
        match self {
            Self::Main => "",
            Self::Status => "status",
            Self::Scale => "scale",
        }
    }
}

/// The object, or with an empty name the collection, that a request is about.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) resource: Arc<Resource>,
    pub(crate) version: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Target {
    pub(crate) fn new(resource: &Arc<Resource>, namespace: &str, name: &str) -> Self {
        let version = resource.versions.first().map(|v| v.name.clone()).unwrap_or_default();
        Self { resource: resource.clone(), version, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    pub(crate) fn key(&self) -> Key {
        Key::new(self.resource.key.clone(), self.namespace.clone(), self.name.clone())
    }

    pub(crate) fn subject(&self) -> Subject<'_> {
        self.resource.subject(&self.name)
    }

    pub(crate) fn api_version(&self) -> String {
        api_version(&self.resource.group, &self.version)
    }

    pub(crate) fn named(&self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self.clone() }
    }

    pub(crate) fn has_status(&self) -> bool {
        self.resource.version(&self.version).is_some_and(|v| v.status)
    }
}

/// What becomes of fields that the schema does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Validation {
    Ignore,
    #[default]
    Warn,
    Strict,
}

/// How a write wants to be treated.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    pub(crate) manager: String,
    pub(crate) validation: Validation,
    pub(crate) force: bool,
    /// Fields that the body names more than once.
    pub(crate) doubled: Vec<String>,
}

impl WriteOptions {
    /// Writes of a controller under its own name.
    pub(crate) fn of(manager: &str) -> Self {
        Self { manager: manager.to_owned(), validation: Validation::Ignore, ..Self::default() }
    }
}

/// A successful answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) code: StatusCode,
    pub(crate) object: Object,
    /// Sent as `Warning` headers.
    pub(crate) warnings: Vec<String>,
}

impl Answer {
    pub(crate) fn ok(object: Object) -> Self {
        Self { code: StatusCode::OK, object, warnings: Vec::new() }
    }

    pub(crate) fn created(object: Object) -> Self {
        Self { code: StatusCode::CREATED, object, warnings: Vec::new() }
    }

    pub(crate) fn value(value: Value) -> Self {
        Self::ok(value.into())
    }

    pub(crate) fn warn(mut self, warnings: Vec<String>) -> Self {
        self.warnings = warnings;
        self
    }
}
