use std::fmt;

use serde_json::Value;

/// The kinds of objects that an App is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `v1` `ConfigMap`.
    ConfigMap,
    /// `apps/v1` `Deployment`.
    Deployment,
    /// `v1` `Service`.
    Service,
    /// `policy/v1` `PodDisruptionBudget`.
    PodDisruptionBudget,
    /// `autoscaling/v2` `HorizontalPodAutoscaler`.
    HorizontalPodAutoscaler,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::ConfigMap,
        Self::Deployment,
        Self::Service,
        Self::PodDisruptionBudget,
        Self::HorizontalPodAutoscaler,
    ];

    /// The kind's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Deployment => "Deployment",
            Self::Service => "Service",
            Self::PodDisruptionBudget => "PodDisruptionBudget",
            Self::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
        }
    }

    /// Group and version, as in `apiVersion`.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::ConfigMap | Self::Service => "v1",
            Self::Deployment => "apps/v1",
            Self::PodDisruptionBudget => "policy/v1",
            Self::HorizontalPodAutoscaler => "autoscaling/v2",
        }
    }

    /// The name in paths.
    pub fn plural(self) -> &'static str {
        match self {
            Self::ConfigMap => "configmaps",
            Self::Deployment => "deployments",
            Self::Service => "services",
            Self::PodDisruptionBudget => "poddisruptionbudgets",
            Self::HorizontalPodAutoscaler => "horizontalpodautoscalers",
        }
    }

    /// The path of the objects of this kind in `namespace`.
    pub(crate) fn collection(self, namespace: &str) -> String {
        let root = if self.api_version() == "v1" { "/api" } else { "/apis" };
        format!("{root}/{}/namespaces/{namespace}/{}", self.api_version(), self.plural())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A rendered object: exactly the fields that Plimsoll means to own.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The whole of it, with `apiVersion`, `kind` and `metadata`.
    pub body: Value,
}

impl Object {
    /// The path that it lies under.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.kind.collection(&self.namespace), self.name)
    }

    /// `Deployment/shop`.
    pub fn title(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}
