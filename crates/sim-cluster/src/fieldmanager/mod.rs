//! Server-side apply and the tracking of field owners, by the rules of kube-apiserver v1.37 and its
//! structured-merge-diff.
//!
//! [`apply`] and [`update`] are pure: they take the live object and what the request wants, and give the
//! object with its `metadata.managedFields`. A caller does with the result what it does with any write:
//! reset what the endpoint may not change, bump the generation, then [`settle_timestamps`] against the live
//! object, and store it only if it differs.

mod cap;
mod compare;
mod conflict;
mod last_applied;
mod managed;
mod merge;
mod path;
mod quick;
mod reconcile;
mod reset;
mod scale;
mod set;
mod shapes;
mod timestamps;
mod typed;
mod updater;
mod written;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::schema::Schema;
use crate::tree::{List, Value, json};
use managed::{Managed, ManagerId, Operation, Owned};
use typed::{Duplicates, validate};
use updater::{Conflict, Rules};

pub use conflict::ConflictCause;
pub use path::{Path, PathElement};
pub use reset::StatusSubresource;
pub use scale::ScaleMapping;
pub use set::FieldSet;
pub use shapes::Shapes;
pub use timestamps::settle_timestamps;
pub use updater::OnConflict;

/// Stands for everything that was there before the first apply of an object without managers.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// The endpoint that a request went to.
#[derive(Debug, Clone)]
pub struct Target<'a> {
    schema: &'a Schema,
    api_version: &'a str,
    kind: &'a str,
    subresource: &'a str,
    ignored: &'static FieldSet,
    form: Form,
}

/// How the server holds objects of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In a Go struct: struct fields are always there, null and empty optional fields never.
    Struct,
    /// As the JSON that it was given.
    Json,
}

impl<'a> Target<'a> {
    /// A built-in kind; `subresource` is empty for the object itself.
    pub fn builtin(schema: &'a Schema, api_version: &'a str, kind: &'a str, subresource: &'a str) -> Self {
        let ignored = reset::builtin(api_version, kind, subresource);
        Self { schema, api_version, kind, subresource, ignored, form: Form::Struct }
    }

    /// A custom resource; `subresource` is empty for the object itself.
    pub fn custom(
        schema: &'a Schema,
        api_version: &'a str,
        kind: &'a str,
        subresource: &'a str,
        status: StatusSubresource,
    ) -> Self {
        let ignored = reset::custom(subresource, status);
        Self { schema, api_version, kind, subresource, ignored, form: Form::Json }
    }

    fn rules(&self) -> Rules<'_> {
        Rules { schema: self.schema, api_version: self.api_version, ignored: Some(self.ignored) }
    }

    /// What an object that does not exist yet is compared with.
    fn empty_object(&self) -> Value {
        match self.form {
            Form::Struct => self.schema.zero(self.api_version, self.kind),
            Form::Json => json!({ "apiVersion": self.api_version, "kind": self.kind }),
        }
    }

    fn manager(&self, name: &str, operation: Operation) -> ManagerId {
        ManagerId::new(name, operation, self.api_version, self.subresource)
    }
}

/// An apply request.
#[derive(Clone, Copy)]
pub struct ApplyContext<'a> {
    /// Where it went.
    pub target: &'a Target<'a>,
    /// `fieldManager` of the request.
    pub manager: &'a str,
    /// `force` of the request.
    pub on_conflict: OnConflict,
    /// Stamped, in whole seconds, on the entry of a manager that changed something.
    pub now: Timestamp,
    /// Fills in defaults after merging. Defaults do not become the applier's.
    pub default: &'a dyn Fn(&mut Value),
}

/// A create, replace or patch request.
#[derive(Debug, Clone, Copy)]
pub struct UpdateContext<'a> {
    /// Where it went.
    pub target: &'a Target<'a>,
    /// `fieldManager` of the request, or what came before the `/` in its user agent.
    pub manager: &'a str,
    /// Stamped, in whole seconds, on the entry of a manager that changed something.
    pub now: Timestamp,
    /// What was found of earlier objects by the same schemas.
    pub shapes: &'a Shapes,
}

/// Why an apply was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Answered with 400 `BadRequest`.
    #[error("{0}")]
    BadRequest(String),
    /// Answered with 409 `Conflict`.
    #[error("{message}")]
    Conflict {
        /// The message of the status.
        message: String,
        /// The causes in its details.
        causes: Vec<ConflictCause>,
    },
    /// Answered with 500 and no reason, as the server does for objects that do not fit their schema.
    #[error("{0}")]
    Untyped(String),
}

/// Lays `applied` over `live` on behalf of a manager. `live` is `None` where the object does not exist yet.
///
/// An apply that changes nothing gives an object equal to `live`. As on the real server there is one exception:
/// listing what the Go type drops, such as an empty optional map, may move the manager's time.
pub fn apply(live: Option<&Value>, applied: &Value, ctx: &ApplyContext<'_>) -> Result<Value, ApplyError> {
    let target = ctx.target;
    check_identity(applied, target)?;
    let mut live = live.cloned().unwrap_or_else(|| target.empty_object());
    let entries = take_managed_fields(&mut live);
    let mut owners = Managed::decode(entries.as_ref())
        .map_err(|error| ApplyError::Untyped(format!("failed to decode managed fields: {error}")))?;
    if owners.fields.is_empty() {
        owners = track(&target.empty_object(), &live, owners, target, BEFORE_FIRST_APPLY, ctx.now).map_err(
            |error| ApplyError::Untyped(format!("failed to create manager for existing fields: {error}")),
        )?;
    }
    if applied.pointer("/metadata/managedFields").is_some_and(|entries| !entries.is_null()) {
        return Err(ApplyError::BadRequest("metadata.managedFields must be nil".to_owned()));
    }
    let place = format!("{}; {}", names(applied), gvk(target.api_version, target.kind));
    validate(target.schema, applied, Duplicates::Refused).map_err(|error| {
        ApplyError::Untyped(format!("failed to create typed patch object ({place}): {error}"))
    })?;
    validate(target.schema, &live, Duplicates::Allowed).map_err(|error| {
        ApplyError::Untyped(format!("failed to create typed live object ({place}): {error}"))
    })?;

    let manager = target.manager(ctx.manager, Operation::Apply);
    let rules = target.rules();
    let attempt = |on_conflict| rules.apply(&live, applied, owners.clone(), &manager, on_conflict);
    let (merged, mut owners) = match attempt(ctx.on_conflict) {
        Err(conflicts) if ctx.manager == last_applied::KUBECTL => {
            match last_applied::remaining(target.schema, target.api_version, &live, &conflicts) {
                None => Err(conflicts),
                Some(left) if left.is_empty() => attempt(OnConflict::Force),
                Some(left) => Err(left),
            }
        }
        outcome => outcome,
    }
    .map_err(|conflicts| conflict_error(&conflicts))?;

    strip(&mut owners, &manager);
    let mut object = if let Some(mut merged) = merged {
        owners.touch(&manager, ctx.now);
        target.settle_form(&mut merged);
        (ctx.default)(&mut merged);
        merged
    } else {
        live.clone()
    };
    if ctx.manager == last_applied::KUBECTL {
        last_applied::refresh(&mut object, applied);
    }
    put_managed_fields(&mut object, &owners);
    if let Some(entries) = entries {
        restore_managed_fields(&mut live, Some(entries));
        settle_timestamps(&live, &mut object);
    }
    Ok(object)
}

/// Records in `new` who owns what after it has replaced `old`. `new` is the object as the request leaves it,
/// decoded and defaulted, before the endpoint resets what it may not change. `old` is `None` on create.
pub fn update(old: Option<&Value>, new: &mut Value, ctx: &UpdateContext<'_>) {
    let done = match old {
        Some(old) => quick::update(old, new, ctx),
        None => quick::create(new, ctx),
    };
    if done.is_none() {
        update_in_full(old, new, ctx);
    }
}

fn update_in_full(old: Option<&Value>, new: &mut Value, ctx: &UpdateContext<'_>) {
    let target = ctx.target;
    let mut live = old.cloned().unwrap_or_else(|| target.empty_object());
    let live_entries = take_managed_fields(&mut live);
    let new_entries = take_managed_fields(new);
    let owners = tracked_before(live_entries.as_ref(), new_entries.as_ref(), target.subresource);
    // Objects that were once written without tracking stay so until they are applied.
    if owners.fields.is_empty() && old.is_some() {
        put_managed_fields(new, &owners);
        return;
    }
    // What an object that does not exist is compared with is sound.
    let checked = if old.is_some() { validate(target.schema, &live, Duplicates::Allowed) } else { Ok(()) };
    match checked.and_then(|()| track(&live, new, owners, target, ctx.manager, ctx.now)) {
        Ok(owners) => put_managed_fields(new, &owners),
        Err(_) => restore_managed_fields(new, live_entries),
    }
}

impl Target<'_> {
    fn settle_form(&self, object: &mut Value) {
        if self.form == Form::Struct {
            self.schema.as_struct(object);
        }
    }
}

/// The managers that an update starts from: those of the request if it brings its own, else those of the
/// live object. An empty list, or one empty entry, resets.
fn tracked_before(live: Option<&Value>, new: Option<&Value>, subresource: &str) -> Managed {
    let of_live = || Managed::decode(live).unwrap_or_default();
    if !subresource.is_empty() {
        return of_live();
    }
    let resets = match new.and_then(Value::as_array).map(List::as_slice) {
        Some([]) => true,
        Some([only]) => only.as_object().is_some_and(crate::tree::Map::is_empty),
        _ => false,
    };
    if resets {
        return Managed::default();
    }
    match Managed::decode(new) {
        Ok(owners) if !owners.fields.is_empty() => owners,
        _ => of_live(),
    }
}

/// One update: the manager's entry takes what changed, and its time moves only if something did.
fn track(
    live: &Value,
    new: &Value,
    owners: Managed,
    target: &Target<'_>,
    manager: &str,
    now: Timestamp,
) -> Result<Managed, String> {
    validate(target.schema, new, Duplicates::Allowed)?;
    let current = ManagerId::current_operation();
    let mut owners = target.rules().update(live, new, owners, &current);
    strip(&mut owners, &current);
    if let Some(Owned { mut set, api_version }) = owners.fields.remove(&current) {
        let id = target.manager(manager, Operation::Update);
        if let Some(known) = owners.fields.get(&id) {
            set = set.union(&known.set);
        }
        owners.fields.insert(id.clone(), Owned { set, api_version });
        owners.touch(&id, now);
    }
    cap::cap(&mut owners);
    Ok(owners)
}

fn strip(owners: &mut Managed, manager: &ManagerId) {
    if let Some(owned) = owners.fields.get_mut(manager) {
        owned.set = owned.set.difference(&reset::NEVER_OWNED);
        if owned.set.is_empty() {
            owners.fields.remove(manager);
        }
    }
}

fn check_identity(applied: &Value, target: &Target<'_>) -> Result<(), ApplyError> {
    let text = |name: &str| applied.get(name).and_then(Value::as_str).unwrap_or_default();
    if (text("apiVersion"), text("kind")) == (target.api_version, target.kind) {
        return Ok(());
    }
    let given = gvk(text("apiVersion"), text("kind"));
    Err(ApplyError::BadRequest(format!("invalid object type: {given}")))
}

/// A kind as Go prints it: `apps/v1, Kind=Deployment`, `/v1, Kind=Service`.
fn gvk(api_version: &str, kind: &str) -> String {
    let slash = if api_version.contains('/') { "" } else { "/" };
    format!("{slash}{api_version}, Kind={kind}")
}

fn names(object: &Value) -> String {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    format!("{}/{}", text("/metadata/namespace"), text("/metadata/name"))
}

fn conflict_error(conflicts: &[Conflict]) -> ApplyError {
    ApplyError::Conflict { message: conflict::message(conflicts), causes: conflict::causes(conflicts) }
}

fn take_managed_fields(object: &mut Value) -> Option<Value> {
    object.get_mut("metadata")?.as_object_mut()?.remove("managedFields")
}

fn put_managed_fields(object: &mut Value, owners: &Managed) {
    restore_managed_fields(object, owners.encode());
}

fn restore_managed_fields(object: &mut Value, entries: Option<Value>) {
    let (Some(entries), Some(object)) = (entries, object.as_object_mut()) else {
        return;
    };
    if let Some(metadata) = object.entry("metadata").or_insert_with(|| json!({})).as_object_mut() {
        metadata.insert("managedFields", entries);
    }
}
