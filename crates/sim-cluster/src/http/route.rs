//! From a path to what it names.

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// `/api`.
    CoreVersions,
    /// `/apis`.
    Groups,
    /// `/apis/{group}`.
    Group(&'a str),
    /// `/api/{version}` and `/apis/{group}/{version}`.
    GroupVersion(GroupVersion<'a>),
    /// Objects and collections.
    Resource(ResourcePath<'a>),
    /// `/version`.
    Version,
    /// `/healthz`, `/livez`, `/readyz`, and single checks below them.
    Health,
    /// `/openapi/v3`.
    OpenApiIndex,
    /// `/openapi/v3/{path}`.
    OpenApiDocument(&'a str),
    /// `/openapi/v2`.
    OpenApiV2,
    /// Anything else.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupVersion<'a> {
    pub(super) group: &'a str,
    pub(super) version: &'a str,
}

/// The path of an object or collection; parts that are absent are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ResourcePath<'a> {
    pub(super) api: GroupVersion<'a>,
    pub(super) namespace: &'a str,
    pub(super) resource: &'a str,
    pub(super) name: &'a str,
    pub(super) subresource: &'a str,
}

impl<'a> Route<'a> {
    pub(super) fn parse(path: &'a str) -> Self {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match parts.as_slice() {
            ["api"] => Self::CoreVersions,
            ["apis"] => Self::Groups,
            ["apis", group] => Self::Group(group),
            ["api", version] => Self::GroupVersion(GroupVersion { group: "", version }),
            ["apis", group, version] => Self::GroupVersion(GroupVersion { group, version }),
            ["api", version, rest @ ..] => resource(GroupVersion { group: "", version }, rest),
            ["apis", group, version, rest @ ..] => resource(GroupVersion { group, version }, rest),
            ["version"] => Self::Version,
            ["healthz" | "livez" | "readyz", ..] => Self::Health,
            ["openapi", "v2"] => Self::OpenApiV2,
            ["openapi", "v3"] => Self::OpenApiIndex,
            ["openapi", "v3", ..] => {
                Self::OpenApiDocument(path.trim_matches('/').trim_start_matches("openapi/v3/"))
            }
            _ => Self::Unknown,
        }
    }
}

fn resource<'a>(api: GroupVersion<'a>, parts: &[&'a str]) -> Route<'a> {
    let path = |namespace, resource, name, subresource| {
        Route::Resource(ResourcePath { api, namespace, resource, name, subresource })
    };
    match *parts {
        // A namespace itself, rather than something in it.
        ["namespaces"] => path("", "namespaces", "", ""),
        ["namespaces", name] => path("", "namespaces", name, ""),
        ["namespaces", name, sub @ ("status" | "finalize")] => path("", "namespaces", name, sub),
        ["namespaces", namespace, resource] => path(namespace, resource, "", ""),
        ["namespaces", namespace, resource, name] => path(namespace, resource, name, ""),
        ["namespaces", namespace, resource, name, sub] => path(namespace, resource, name, sub),
        [resource] => path("", resource, "", ""),
        [resource, name] => path("", resource, name, ""),
        [resource, name, sub] => path("", resource, name, sub),
        // Longer than any path of a resource: there is none of that name.
        _ => path("", "", "", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::{GroupVersion, ResourcePath, Route};

    #[test]
    fn paths_name_what_the_api_conventions_say() {
        let apps = GroupVersion { group: "apps", version: "v1" };
        let core = GroupVersion { group: "", version: "v1" };
        let resource = |api, namespace, resource, name, subresource| {
            Route::Resource(ResourcePath { api, namespace, resource, name, subresource })
        };
        let cases = [
            ("/api", Route::CoreVersions),
            ("/apis/apps/v1", Route::GroupVersion(apps)),
            ("/api/v1/namespaces", resource(core, "", "namespaces", "", "")),
            ("/api/v1/namespaces/demo", resource(core, "", "namespaces", "demo", "")),
            ("/api/v1/namespaces/demo/pods", resource(core, "demo", "pods", "", "")),
            ("/api/v1/namespaces/demo/pods/x/log", resource(core, "demo", "pods", "x", "log")),
            ("/apis/apps/v1/deployments", resource(apps, "", "deployments", "", "")),
            (
                "/apis/apps/v1/namespaces/a/deployments/b/scale",
                resource(apps, "a", "deployments", "b", "scale"),
            ),
            ("/openapi/v3/apis/apps/v1", Route::OpenApiDocument("apis/apps/v1")),
            ("/readyz/etcd", Route::Health),
            ("/", Route::Unknown),
        ];
        for (path, route) in cases {
            assert_eq!(Route::parse(path), route, "{path}");
        }
    }
}
