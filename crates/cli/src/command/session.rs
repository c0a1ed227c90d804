//! What the verbs have in common.

use jiff::Timestamp;
use plimsoll_core::name::{AppRef, NamespaceName};

use crate::arguments::{AppArgument, Format, Global};
use crate::client::Client;
use crate::context::Context;
use crate::failure::Failure;

/// A server, and how its answers are written.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) namespace: Option<NamespaceName>,
    pub(super) format: Format,
    /// When the program began, for ages.
    pub(super) now: Timestamp,
}

impl Session {
    pub(super) fn open(global: &Global) -> Result<Self, Failure> {
        let context = Context::find(global)?;
        let client = Client::new(&context, global)?;
        Ok(Self { client, namespace: context.namespace, format: global.output, now: Timestamp::now() })
    }

    /// The App that is meant.
    pub(super) fn app(&self, app: AppArgument) -> Result<AppRef, Failure> {
        let AppArgument { namespace, name } = app;
        let namespace = namespace.or_else(|| self.namespace.clone()).ok_or_else(|| {
            Failure::usage(format!("in which Namespace is {name}? give it with -n, or say NAMESPACE/{name}"))
        })?;
        Ok(AppRef { namespace, name })
    }
}

/// The path of an App, with what follows it.
pub(super) fn path<'a>(app: &'a AppRef, rest: &[&'a str]) -> Vec<&'a str> {
    let mut path = vec!["namespaces", app.namespace.as_str(), "apps", app.name.as_str()];
    path.extend(rest);
    path
}
