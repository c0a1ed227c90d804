//! Query parameters, and what the verbs read from them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::{
    DeleteOptions, ListOptions, Propagation, Validation, VersionMatch, WatchOptions, WriteOptions,
};
use crate::object;
use crate::resource::Resource;
use crate::select::{FieldSelector, LabelSelector, Selection};
use crate::status::{ApiError, Cause};

/// The query of a request.
#[derive(Debug, Default)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(super) fn parse(text: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(text.unwrap_or_default().as_bytes()).into_owned().collect();
        Self { pairs }
    }

    /// The first value of a parameter, empty when it is absent.
    pub(super) fn get(&self, name: &str) -> &str {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.switch(name) == Some(true)
    }

    fn switch(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            "" if !self.pairs.iter().any(|(key, _)| key == name) => None,
            "false" | "0" => Some(false),
            _ => Some(true),
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        match self.get(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                ApiError::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax"))
            }),
        }
    }

    pub(super) fn selection(&self, resource: &Resource) -> Result<Selection, ApiError> {
        let labels = LabelSelector::parse(self.get("labelSelector")).map_err(ApiError::bad_request)?;
        let fields =
            FieldSelector::parse(self.get("fieldSelector"), resource).map_err(ApiError::bad_request)?;
        Ok(Selection { labels, fields })
    }

    pub(super) fn list(&self, resource: &Resource) -> Result<ListOptions, ApiError> {
        let limit = self.number("limit")?.unwrap_or_default();
        Ok(ListOptions {
            selection: self.selection(resource)?,
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            token: self.get("continue").to_owned(),
            resource_version: self.get("resourceVersion").to_owned(),
            version_match: self.version_match()?,
        })
    }

    pub(super) fn watch(&self, resource: &Resource) -> Result<WatchOptions, ApiError> {
        Ok(WatchOptions {
            selection: self.selection(resource)?,
            resource_version: self.get("resourceVersion").to_owned(),
            version_match: self.version_match()?,
            initial_events: self.switch("sendInitialEvents"),
            bookmarks: self.flag("allowWatchBookmarks"),
            timeout: self.number("timeoutSeconds")?.map(Duration::from_secs),
        })
    }

    /// `kind` is what an error calls the options, such as `CreateOptions`.
    fn dry_run(&self, kind: &str) -> Result<bool, ApiError> {
        match self.get("dryRun") {
            "" => Ok(false),
            "All" => Ok(true),
            other => {
                Err(ApiError::invalid_options(kind, &Cause::unsupported("dryRun", &json!([other]), &["All"])))
            }
        }
    }

    pub(super) fn write(&self, kind: &str) -> Result<WriteOptions, ApiError> {
        let validation = match self.get("fieldValidation") {
            "Strict" => Validation::Strict,
            "Ignore" => Validation::Ignore,
            "" | "Warn" => Validation::Warn,
            other => {
                let supported = ["", "Ignore", "Strict", "Warn"];
                let cause = Cause::unsupported("fieldValidation", &json!(other), &supported);
                return Err(ApiError::invalid_options(kind, &cause));
            }
        };
        Ok(WriteOptions {
            dry_run: self.dry_run(kind)?,
            manager: self.get("fieldManager").to_owned(),
            validation,
            force: self.flag("force"),
        })
    }

    /// Delete options from the query, and from the body where there is one.
    pub(super) fn delete(&self, body: &Value) -> Result<DeleteOptions, ApiError> {
        let grace = self.number("gracePeriodSeconds")?.and_then(|seconds| i64::try_from(seconds).ok());
        let named = |text: &str| match text {
            "" => Ok(None),
            "Background" => Ok(Some(Propagation::Background)),
            "Foreground" => Ok(Some(Propagation::Foreground)),
            "Orphan" => Ok(Some(Propagation::Orphan)),
            other => {
                let supported = ["Foreground", "Background", "Orphan", "nil"];
                let cause = Cause::unsupported("propagationPolicy", &json!(other), &supported);
                Err(ApiError::invalid_options("DeleteOptions", &cause))
            }
        };
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let propagation = match named(object::text(body, "/propagationPolicy"))? {
            Some(propagation) => Some(propagation),
            None => named(self.get("propagationPolicy"))?,
        };
        let dry_run = object::list(body, "/dryRun").iter().any(|entry| entry == "All");
        Ok(DeleteOptions {
            grace_seconds: object::integer(body, "/gracePeriodSeconds").or(grace),
            propagation,
            uid: text("/preconditions/uid"),
            resource_version: text("/preconditions/resourceVersion"),
            dry_run: dry_run || self.dry_run("DeleteOptions")?,
        })
    }

    fn version_match(&self) -> Result<Option<VersionMatch>, ApiError> {
        match self.get("resourceVersionMatch") {
            "" => Ok(None),
            "NotOlderThan" => Ok(Some(VersionMatch::NotOlderThan)),
            "Exact" => Ok(Some(VersionMatch::Exact)),
            other => Err(ApiError::bad_request(format!(
                "resourceVersionMatch: Unsupported value: \"{other}\": supported values: \"Exact\", \"NotOlderThan\", \"\""
            ))),
        }
    }
}
