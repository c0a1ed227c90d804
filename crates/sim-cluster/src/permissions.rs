//! What users may not do: the little of authorization that operators of real clusters trip over.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::hooks::{RequestInfo, Verb};
use crate::status::ApiError;

/// What is denied to whom. Everything else is allowed: roles and bindings are not modelled.
#[derive(Debug, Clone, Default)]
pub struct Permissions {
    denials: Arc<RwLock<Vec<Denial>>>,
}

#[derive(Debug)]
struct Denial {
    user: String,
    verb: Verb,
    group: String,
    resource: String,
}

/// A request as authorization sees it; `*` asks for everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes<'a> {
    pub(crate) user: &'a str,
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    /// With its subresource, as `apps/status`.
    pub(crate) resource: &'a str,
}

impl Permissions {
    /// From now on `user` may not do this, in any namespace. A resource is named by its plural, with its
    /// subresource, if it is about one: `apps/status`. Watches that run go on, as they do on a real server.
    pub fn deny(&self, user: &str, verb: Verb, group: &str, resource: &str) {
        let (user, group, resource) = (user.to_owned(), group.to_owned(), resource.to_owned());
        self.denials.write().push(Denial { user, verb, group, resource });
    }

    /// Everybody may do everything again.
    pub fn clear(&self) {
        self.denials.write().clear();
    }

    pub(crate) fn allows(&self, asked: &Attributes<'_>) -> bool {
        let meets = |asked: &str, denied: &str| asked == "*" || asked == denied;
        !self.denials.read().iter().any(|denied| {
            denied.user == asked.user
                && meets(asked.verb, denied.verb.name())
                && meets(asked.group, &denied.group)
                && meets(asked.resource, &denied.resource)
        })
    }

    /// Refuses the request, in the words of a real server, where it is denied.
    pub(crate) fn check(&self, info: &RequestInfo) -> Result<(), ApiError> {
        let RequestInfo { user, group, namespace, name, .. } = info;
        let resource = match info.subresource.as_str() {
            "" => info.resource.clone(),
            subresource => format!("{}/{subresource}", info.resource),
        };
        let (verb, resource) = (info.verb.name(), resource.as_str());
        if self.allows(&Attributes { user, verb, group, resource }) {
            return Ok(());
        }
        let place = match namespace.as_str() {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace \"{namespace}\""),
        };
        let qualified = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        let object = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
        Err(ApiError::new(
            http::StatusCode::FORBIDDEN,
            "Forbidden",
            format!(
                "{qualified}{object} is forbidden: User \"{user}\" cannot {verb} resource \"{resource}\" in API \
                 group \"{group}\" {place}"
            ),
        ))
    }
}
