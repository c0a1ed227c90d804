//! Requests about objects and collections.

use std::sync::Arc;

use axum::body::Body;
use http::request::Parts;
use http::{Method, StatusCode};

use super::body::Expected;
use super::query::Query;
use super::respond::{Form, Reply};
use super::route::{GroupVersion, ResourcePath};
use super::{Server, body, exec, logs, present, respond, reviews, stream};
use crate::api::{
    Answer, Api, Caller, ListOptions, Part, Patch, PatchType, Target, WatchOptions, WriteOptions,
};
use crate::control::renewal;
use crate::hooks::{PatchFormat, RequestInfo, Verb};
use crate::net::ConnectionLost;
use crate::status::ApiError;

pub(super) async fn respond(
    server: &Arc<Server>,
    caller: &Caller,
    parts: &Parts,
    body: Body,
    place: ResourcePath<'_>,
) -> Result<Reply, ConnectionLost> {
    let query = Query::parse(parts.uri.query());
    let verb = verb(&parts.method, &place, &query);
    let info = info(server, caller, parts, &place, &query, verb.unwrap_or(Verb::Get));
    server
        .run(&info, super::deadline(parts), async |as_of| {
            let bytes = body::read(body).await?;
            let permissions = &server.permissions;
            if let Some(reply) = reviews::respond(caller, permissions, parts, &bytes, &place)? {
                return Ok(reply);
            }
            permissions.check(&info)?;
            let target = match target(server, parts, &place) {
                Ok(target) => target,
                Err(NoTarget::Refused(error)) => return Err(error),
                Err(NoTarget::NoGroup) => return Ok(respond::page_not_found()),
            };
            let verb = verb.ok_or_else(ApiError::method_not_allowed)?;
            let deprecation =
                target.resource.version(&target.version).and_then(|version| version.deprecation.clone());
            let request = Request { server, caller, parts, query: &query, target, info: &info, as_of };
            let outcome = request.dispatch(verb, place.subresource, &bytes);
            let Some(deprecation) = deprecation else { return outcome };
            // A refusal is warned of as well.
            let mut reply = outcome.unwrap_or_else(|error| respond::error(&error));
            respond::warn(&mut reply, &deprecation);
            Ok(reply)
        })
        .await
}

/// Subresources that a real server has of what is served here.
const OTHER_SUBRESOURCES: &[(&str, &str)] = &[
    ("namespaces", "finalize"),
    ("nodes", "proxy"),
    ("pods", "attach"),
    ("pods", "binding"),
    ("pods", "ephemeralcontainers"),
    ("pods", "portforward"),
    ("pods", "proxy"),
    ("pods", "resize"),
    ("serviceaccounts", "token"),
    ("services", "proxy"),
];

/// One request about a resource that is served.
struct Request<'a> {
    server: &'a Arc<Server>,
    caller: &'a Caller,
    parts: &'a Parts,
    query: &'a Query,
    target: Target,
    info: &'a RequestInfo,
    as_of: super::AsOf,
}

impl Request<'_> {
    fn dispatch(&self, verb: Verb, subresource: &str, bytes: &bytes::Bytes) -> Result<Reply, ApiError> {
        let api = &self.server.api;
        if subresource == "log" && &*self.target.resource.key == "pods" && verb == Verb::Get {
            return logs::respond(self.server, &self.target, self.query);
        }
        if subresource == "exec"
            && &*self.target.resource.key == "pods"
            && matches!(verb, Verb::Get | Verb::Create)
        {
            return exec::respond(self.server, self.parts, &self.target, self.query, self.info);
        }
        if subresource == "eviction" && &*self.target.resource.key == "pods" {
            return self.evict(verb, bytes);
        }
        let part = self.part(subresource)?;
        if matches!(verb, Verb::Get | Verb::List | Verb::Watch) && self.as_of.is_none() {
            renewal::before_read(api, &self.server.nodes, &self.target)?;
        }
        match verb {
            Verb::Get => {
                api.check_version(self.query.get("resourceVersion"), self.as_of)?;
                let object = match self.as_of {
                    None => api.get(&self.target)?,
                    Some(revision) => api.get_as_of(&self.target, revision)?,
                };
                match part {
                    Part::Scale => self.shown(&Api::scale_of(&self.target, &object)),
                    Part::Main | Part::Status => self.shown(&Answer::ok(object)),
                }
            }
            Verb::List => {
                let options = self.query.list(&self.target.resource)?;
                let page = api.list(&self.target, &ListOptions { as_of: self.as_of, ..options })?;
                let form = Form::of(&self.parts.headers)?;
                let shown = present::list(api, &self.target, form, self.query, &page);
                Ok(respond::with_type(StatusCode::OK, "application/json", shown))
            }
            Verb::Watch => {
                let form = Form::of(&self.parts.headers)?;
                let options = self.query.watch(&self.target.resource)?;
                let watcher =
                    api.watch(self.target.clone(), WatchOptions { as_of: self.as_of, ..options })?;
                Ok(stream::watch(self.server, watcher, form, self.query, self.info))
            }
            Verb::Create if part != Part::Main => Err(ApiError::method_not_allowed()),
            Verb::Create => {
                let (object, doubled) = body::object_of(self.parts, bytes, &self.target)?;
                let options = WriteOptions { doubled, ..self.query.write("CreateOptions")? };
                self.shown(&api.create(self.caller, &self.target, object, &options)?)
            }
            Verb::Update => {
                let (object, doubled) = if part == Part::Scale {
                    body::object(self.parts, bytes, Expected::builtin("autoscaling/v1", "Scale"))?
                } else {
                    body::object_of(self.parts, bytes, &self.target)?
                };
                let options = WriteOptions { doubled, ..self.query.write("UpdateOptions")? };
                self.shown(&api.replace(self.caller, &self.target, part, object, &options)?)
            }
            Verb::Patch => {
                let format = body::patch_type(self.parts)?;
                let patch = Patch { format, body: body::patch(format, bytes)? };
                self.shown(&api.patch(
                    self.caller,
                    &self.target,
                    part,
                    &patch,
                    &self.query.write("PatchOptions")?,
                )?)
            }
            Verb::Delete if part == Part::Main => {
                let options = self.query.delete(&body::options(self.parts, bytes, &self.target)?)?;
                self.shown(&api.delete(&self.target, &options)?)
            }
            Verb::DeleteCollection if !self.target.resource.deletes_collections() => {
                Err(ApiError::method_not_allowed())
            }
            Verb::DeleteCollection => {
                let options = self.query.delete(&body::options(self.parts, bytes, &self.target)?)?;
                let selection = self.query.selection(&self.target.resource)?;
                let deleted = api.delete_collection(&self.target, &selection, &options)?;
                let shown = present::whole(&self.target, api.store.revision(), &deleted);
                Ok(respond::with_type(StatusCode::OK, "application/json", shown))
            }
            Verb::Delete => Err(ApiError::method_not_allowed()),
        }
    }

    fn evict(&self, verb: Verb, bytes: &bytes::Bytes) -> Result<Reply, ApiError> {
        if verb != Verb::Create {
            return Err(ApiError::method_not_allowed());
        }
        let expected = Expected::builtin("policy/v1", "Eviction");
        let (eviction, _) = body::object(self.parts, bytes, expected)?;
        let given = eviction.get("deleteOptions").cloned().unwrap_or_default();
        let mut options = self.query.delete(&given)?;
        options.dry_run |= self.query.write("CreateOptions")?.dry_run;
        let answer = self.server.api.evict(self.caller, &self.target, &eviction, &options)?;
        Ok(respond::answer(&answer, answer.object.json()))
    }

    fn shown(&self, answer: &Answer) -> Result<Reply, ApiError> {
        let form = Form::of(&self.parts.headers)?;
        let shown = present::object(&self.server.api, &self.target, form, self.query, &answer.object);
        Ok(respond::answer(answer, shown))
    }

    fn part(&self, subresource: &str) -> Result<Part, ApiError> {
        let served = self.target.resource.version(&self.target.version);
        match subresource {
            "" => Ok(Part::Main),
            "status" if served.is_some_and(|version| version.status) => Ok(Part::Status),
            "scale" if served.is_some_and(|version| version.scale) => Ok(Part::Scale),
            _ if OTHER_SUBRESOURCES.contains(&(&*self.target.resource.key, subresource)) => {
                Err(ApiError::not_modelled(&format!("{} {}", self.parts.method, self.parts.uri.path())))
            }
            _ => Err(ApiError::no_such_resource()),
        }
    }
}

fn verb(method: &Method, place: &ResourcePath<'_>, query: &Query) -> Option<Verb> {
    let named = !place.name.is_empty();
    match *method {
        Method::GET if named => Some(Verb::Get),
        Method::GET if query.flag("watch") => Some(Verb::Watch),
        Method::GET => Some(Verb::List),
        Method::POST if !named => Some(Verb::Create),
        // Subresources that are made by POST are told apart by their name later.
        Method::POST if !place.subresource.is_empty() => Some(Verb::Create),
        Method::PUT if named => Some(Verb::Update),
        Method::PATCH if named => Some(Verb::Patch),
        Method::DELETE if named => Some(Verb::Delete),
        Method::DELETE => Some(Verb::DeleteCollection),
        _ => None,
    }
}

fn info(
    server: &Server,
    caller: &Caller,
    parts: &Parts,
    place: &ResourcePath<'_>,
    query: &Query,
    verb: Verb,
) -> RequestInfo {
    let patch =
        (verb == Verb::Patch).then(|| body::patch_type(parts).ok()).flatten().map(|format| match format {
            PatchType::Json => PatchFormat::Json,
            PatchType::Merge => PatchFormat::Merge,
            PatchType::Strategic => PatchFormat::Strategic,
            PatchType::Apply => PatchFormat::Apply,
        });
    RequestInfo {
        sequence: server.next(),
        user: caller.user.clone(),
        agent: caller.agent.clone(),
        verb,
        group: place.api.group.to_owned(),
        version: place.api.version.to_owned(),
        resource: place.resource.to_owned(),
        subresource: place.subresource.to_owned(),
        namespace: place.namespace.to_owned(),
        name: place.name.to_owned(),
        patch,
        field_manager: query.get("fieldManager").to_owned(),
        dry_run: query.get("dryRun") == "All",
    }
}

/// Why a path names no resource.
enum NoTarget {
    /// Nobody serves the group: the path itself is unknown.
    NoGroup,
    Refused(ApiError),
}

/// The resource a path names. What the real server has and this one lacks is told apart from what neither
/// has.
fn target(server: &Server, parts: &Parts, place: &ResourcePath<'_>) -> Result<Target, NoTarget> {
    let GroupVersion { group, version } = place.api;
    let not_modelled = || ApiError::not_modelled(&format!("{} {}", parts.method, parts.uri.path()));
    let not_found = || NoTarget::Refused(ApiError::no_such_resource());
    let registry = &server.api.registry;
    let Some(resource) = registry.find(group, version, place.resource) else {
        return Err(if registry.is_missing(group, version, place.resource) {
            NoTarget::Refused(not_modelled())
        } else if registry.has_group(group) {
            not_found()
        } else {
            NoTarget::NoGroup
        });
    };
    let fits = match (resource.is_namespaced(), place.namespace.is_empty()) {
        (true, false) | (false, true) => true,
        // Namespaced resources are listed and watched over all namespaces without one.
        (true, true) => place.name.is_empty() && parts.method == Method::GET,
        (false, false) => false,
    };
    if !fits {
        if resource.is_custom() {
            return Err(NoTarget::NoGroup);
        }
        // A collection without its namespace is there, to be read.
        let refused = resource.is_namespaced() && place.name.is_empty();
        return Err(if refused { NoTarget::Refused(ApiError::method_not_allowed()) } else { not_found() });
    }
    Ok(Target {
        resource,
        version: version.to_owned(),
        namespace: place.namespace.to_owned(),
        name: place.name.to_owned(),
    })
}
