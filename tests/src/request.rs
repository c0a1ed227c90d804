use plimsoll_bench::Mark as AuditMark;
use plimsoll_sim_cluster::Mark as JournalMark;

/// A place in what an API server has seen.
#[derive(Clone, Copy, Debug)]
pub enum Mark {
    /// In the journal of a simulated one.
    Simulated(JournalMark),
    /// In the audit log of a real one.
    Real(AuditMark),
}

/// A request that reached an API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Lower case, as in RBAC: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, …
    pub verb: String,
    /// The plural of what it is about, such as `deployments`; the path of requests about no object.
    pub resource: String,
    /// Such as `status`; empty if none.
    pub subresource: String,
    /// Empty for what lies in no namespace.
    pub namespace: String,
    /// Empty for a collection. Of an object that was made, the simulated API server does not say it.
    pub name: String,
    /// The HTTP status that it was answered with; `None` while it is not, as a watch that goes on.
    pub code: Option<u16>,
}

impl Request {
    /// Whether it was meant to change something.
    pub fn is_write(&self) -> bool {
        // Asking what one may do stores nothing.
        let is_question = self.resource == "selfsubjectaccessreviews";
        !is_question && !matches!(self.verb.as_str(), "get" | "list" | "watch" | "head" | "options")
    }

    /// Verb and object in short, as `update apps/status`.
    pub fn short(&self) -> String {
        let Self { verb, resource, subresource, .. } = self;
        if subresource.is_empty() {
            format!("{verb} {resource}")
        } else {
            format!("{verb} {resource}/{subresource}")
        }
    }
}
