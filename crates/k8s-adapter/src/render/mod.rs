//! Rendering: from a Delivery to the Kubernetes objects of an App, as a pure function.
//!
//! A Release records the renderer that made it, and this crate keeps every renderer that ever made one: an
//! upgrade of Plimsoll must not restart a pod. So the objects of a version are never changed, not even for
//! the better; what is better is a new version.
//!
//! Nothing that differs between deliveries of the same content (the Release's number, the fence, the
//! Operation) is in an object, so that a rollback to content that ran before revives its ReplicaSet.

mod object;
mod v1;

use plimsoll_core::cluster::{Delivery, Want};
use plimsoll_core::content::RendererVersion;

pub use object::{Kind, Object};

/// What an App is to be in a data center, as objects.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendering {
    /// The content-named `ConfigMaps`, which are made before anything that refers to them.
    pub config_maps: Vec<Object>,
    /// The Deployment without `spec.replicas`, which [`Rendering::replicas`] tells.
    pub deployment: Object,
    /// How many pods.
    pub replicas: Replicas,
    /// The Service, if the App has ports.
    pub service: Option<Object>,
    /// The `PodDisruptionBudget`.
    pub disruption_budget: Object,
    /// The `HorizontalPodAutoscaler`, if one is to run.
    pub autoscaler: Option<Object>,
}

/// How many pods a Deployment is told to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replicas {
    /// So many.
    Fixed(u32),
    /// What its autoscaler says, within these bounds.
    Between {
        /// Never fewer.
        min: u32,
        /// Never more.
        max: u32,
    },
}

/// Why a Delivery cannot be rendered; waiting does not help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The Release was made by a newer Plimsoll.
    #[error(
        "this data center is older than the Release: it knows renderers up to {}, the Release needs {needed}; \
         upgrade Plimsoll there",
        RendererVersion::CURRENT.0
    )]
    Newer {
        /// The renderer that made the Release.
        needed: u32,
    },
    /// Autoscaling with numbers that no autoscaler holds.
    #[error("{0}")]
    Autoscale(#[from] plimsoll_qos::HpaTargetError),
    /// A value has no JSON form.
    #[error("the content cannot be rendered: {0}")]
    Json(String),
}

impl From<serde_json::Error> for RenderError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}

/// The objects of what is delivered; `None` where everything is to be gone.
pub fn render(delivery: &Delivery) -> Result<Option<Rendering>, RenderError> {
    let Want::Run {
        release: _,
        content_digest: _,
        content,
        power,
        replication,
        restarts,
        last_good: _,
        pulls,
    } = &delivery.want
    else {
        return Ok(None);
    };
    match content.renderer {
        RendererVersion(1 | 2) => v1::render(&v1::Input {
            installation: &delivery.installation,
            dc: &delivery.dc,
            app: &delivery.app,
            uid: delivery.uid,
            content,
            power: *power,
            replication,
            restarts: *restarts,
            pulls: pulls.as_ref(),
        })
        .map(Some),
        RendererVersion(needed) => Err(RenderError::Newer { needed }),
    }
}

#[cfg(test)]
mod accepted;
#[cfg(test)]
mod tests;
