//! Query parameters, and what the verbs read from them.

use std::fmt::Write;
use std::time::Duration;

use crate::api::{
    DeleteOptions, ListOptions, Propagation, Validation, VersionMatch, WatchOptions, WriteOptions,
};
use crate::object;
use crate::resource::Resource;
use crate::select::{FieldSelector, LabelSelector, Selection};
use crate::status::{ApiError, Cause, Subject};
use crate::tree::{Value, json};

/// The longest name of a field manager, in bytes.
const LONGEST_MANAGER: usize = 128;

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

    /// All values of a parameter.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
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

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
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
        let mut limit = self.number("limit")?.unwrap_or_default();
        self.number("timeoutSeconds")?;
        if self.get("resourceVersion") == "0" {
            // Any version will do: the answer comes from the cache, which does not page.
            limit = 0;
        }
        let causes = self.faults_of_list();
        if !causes.is_empty() {
            return Err(invalid_list(&causes));
        }
        if !self.get("continue").is_empty() && !["", "0"].contains(&self.get("resourceVersion")) {
            return Err(ApiError::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        let version_match = match self.get("resourceVersionMatch") {
            "NotOlderThan" => Some(VersionMatch::NotOlderThan),
            "Exact" => Some(VersionMatch::Exact),
            _ => None,
        };
        Ok(ListOptions {
            selection: self.selection(resource)?,
            limit: usize::try_from(limit).unwrap_or_default(),
            token: self.get("continue").to_owned(),
            resource_version: self.get("resourceVersion").to_owned(),
            version_match,
            as_of: None,
        })
    }

    /// The rules between the options of a list.
    fn faults_of_list(&self) -> Vec<Cause> {
        const MATCH: &str = "resourceVersionMatch";
        let mut causes = Vec::new();
        let (version, version_match) = (self.get("resourceVersion"), self.get(MATCH));
        if !version_match.is_empty() {
            if version.is_empty() {
                let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
                causes.push(Cause::forbidden(MATCH, why));
            }
            if !self.get("continue").is_empty() {
                let why = "resourceVersionMatch is forbidden when continue is provided";
                causes.push(Cause::forbidden(MATCH, why));
            }
            if !["Exact", "NotOlderThan"].contains(&version_match) {
                let known = ["Exact", "NotOlderThan", ""];
                causes.push(Cause::unsupported(MATCH, &json!(version_match), &known));
            }
            if version_match == "Exact" && version == "0" {
                let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                causes.push(Cause::forbidden(MATCH, why));
            }
        }
        if self.switch("sendInitialEvents").is_some() {
            causes.push(Cause::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
        causes
    }

    /// The rules between the options of a watch.
    fn faults_of_watch(&self) -> Vec<Cause> {
        const MATCH: &str = "resourceVersionMatch";
        let mut causes = Vec::new();
        let (initial, version_match) = (self.switch("sendInitialEvents"), self.get(MATCH));
        if initial.is_some() && version_match != "NotOlderThan" {
            let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            causes.push(Cause::forbidden(MATCH, why));
        }
        if !version_match.is_empty() {
            if initial.is_none() {
                let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                causes.push(Cause::forbidden(MATCH, why));
            }
            if version_match != "NotOlderThan" {
                causes.push(Cause::unsupported(MATCH, &json!(version_match), &["NotOlderThan"]));
            }
        }
        causes
    }

    pub(super) fn watch(&self, resource: &Resource) -> Result<WatchOptions, ApiError> {
        let causes = self.faults_of_watch();
        if !causes.is_empty() {
            return Err(invalid_list(&causes));
        }
        Ok(WatchOptions {
            selection: self.selection(resource)?,
            resource_version: self.get("resourceVersion").to_owned(),
            initial_events: self.switch("sendInitialEvents"),
            bookmarks: self.flag("allowWatchBookmarks"),
            timeout: self
                .number("timeoutSeconds")?
                .and_then(|seconds| u64::try_from(seconds).ok())
                .map(Duration::from_secs),
            as_of: None,
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
        if let Some(cause) = fault_of_manager(self.get("fieldManager")) {
            return Err(ApiError::invalid_options(kind, &cause));
        }
        Ok(WriteOptions {
            dry_run: self.dry_run(kind)?,
            manager: self.get("fieldManager").to_owned(),
            validation,
            force: self.flag("force"),
            doubled: Vec::new(),
        })
    }

    /// Delete options from the query, and from the body where there is one.
    pub(super) fn delete(&self, body: &Value) -> Result<DeleteOptions, ApiError> {
        let grace = self.number("gracePeriodSeconds")?;
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
        let orphan = body.get("orphanDependents").filter(|orphan| !orphan.is_null());
        if orphan.is_some()
            && let Some(asked) = body.get("propagationPolicy").filter(|asked| asked.is_string())
        {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            let cause = Cause::invalid("propagationPolicy", asked, why);
            return Err(ApiError::invalid_options("DeleteOptions", &cause));
        }
        let propagation = match orphan.and_then(Value::as_bool) {
            Some(true) => Some(Propagation::Orphan),
            Some(false) => Some(Propagation::Background),
            None => propagation,
        };
        let dry_runs = object::list(body, "/dryRun");
        if dry_runs.iter().any(|entry| entry != "All") {
            let cause = Cause::unsupported("dryRun", &json!(dry_runs), &["All"]);
            return Err(ApiError::invalid_options("DeleteOptions", &cause));
        }
        let dry_run = !dry_runs.is_empty();
        Ok(DeleteOptions {
            grace_seconds: object::integer(body, "/gracePeriodSeconds").or(grace),
            propagation,
            uid: text("/preconditions/uid"),
            resource_version: text("/preconditions/resourceVersion"),
            dry_run: dry_run || self.dry_run("DeleteOptions")?,
        })
    }
}

fn invalid_list(causes: &[Cause]) -> ApiError {
    let subject = Subject { group: "meta.k8s.io", resource: "listoptions", kind: "ListOptions", name: "" };
    ApiError::invalid(subject, causes)
}

/// Text in quotes, as Go prints it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' | '\r' | '\t' => quoted.extend(c.escape_default()),
            c if c.is_ascii_control() => drop(write!(quoted, "\\x{:02x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Field managers are printable and short.
fn fault_of_manager(manager: &str) -> Option<Cause> {
    if manager.len() > LONGEST_MANAGER {
        return Some(Cause {
            reason: "FieldValueTooLong",
            field: "fieldManager".into(),
            message: format!("Too long: may not be more than {LONGEST_MANAGER} bytes"),
        });
    }
    let (at, c) = manager.chars().enumerate().find(|(_, c)| c.is_control())?;
    let code = u32::from(c);
    Some(Cause {
        reason: "FieldValueInvalid",
        field: "fieldManager".into(),
        message: format!(
            "Invalid value: {}: invalid character U+{code:04X} (at position {at})",
            quoted(manager)
        ),
    })
}
