//! Renderer 1, and renderer 2, which is the first with the processors of each container told to it. What each makes
//! of a content is fixed for ever.

mod config;
mod container;
mod name;
mod pod;
mod processors;
mod volume;
mod workload;

use plimsoll_core::cluster::Power;
use plimsoll_core::content::{Content, File, Overlay};
use plimsoll_core::image::{ImageRef, Pulls};
use plimsoll_core::name::{AppRef, AppUid, DcName, InstallationId};
use plimsoll_core::scale::{Autoscale, Replication};
use plimsoll_core::shape::MAIN;
use serde_json::{Map, Value, json};

use super::{Kind, Object, RenderError, Rendering, Replicas};
use crate::label;

/// What a Delivery says that objects are made of, and nothing that differs between two of the same content.
pub(super) struct Input<'a> {
    pub(super) installation: &'a InstallationId,
    pub(super) dc: &'a DcName,
    pub(super) app: &'a AppRef,
    pub(super) uid: AppUid,
    pub(super) content: &'a Content,
    pub(super) power: Power,
    pub(super) replication: &'a Replication,
    pub(super) restarts: u64,
    pub(super) pulls: Option<&'a Pulls>,
}

pub(super) fn render(input: &Input<'_>) -> Result<Rendering, RenderError> {
    let config = config::Config::of(input)?;
    let template = pod::template(input, &config)?;
    let (replicas, autoscale) = match (input.power, input.replication) {
        (Power::Offline, _) => (Replicas::Fixed(0), None),
        (Power::Online, Replication::Fixed(replicas)) => (Replicas::Fixed(*replicas), None),
        (Power::Online, Replication::Auto(auto)) => {
            let Autoscale { min, max, cpu_percent: _ } = *auto;
            (Replicas::Between { min, max }, Some(auto))
        }
    };
    Ok(Rendering {
        deployment: workload::deployment(input, template),
        replicas,
        service: workload::service(input),
        disruption_budget: workload::disruption_budget(input),
        autoscaler: autoscale.map(|auto| workload::autoscaler(input, auto)).transpose()?,
        config_maps: config.maps,
    })
}

impl Input<'_> {
    fn labels(&self) -> Map<String, Value> {
        label::of_app(self.installation, &self.app.name, self.uid)
    }

    /// What selects the App's pods. It is fixed when the Deployment is made, so it holds what never changes
    /// in the life of an App, and nothing else.
    fn selector(&self) -> Value {
        json!({label::APP_UID: self.uid.to_string()})
    }

    fn object<const N: usize>(
        &self,
        kind: Kind,
        name: String,
        labels: Map<String, Value>,
        rest: [(&str, Value); N],
    ) -> Object {
        let mut body = json!({
            "apiVersion": kind.api_version(),
            "kind": kind.name(),
            "metadata": {"name": name, "namespace": self.app.namespace},
        });
        body["metadata"]["labels"] = Value::Object(labels);
        for (field, value) in rest {
            body[field] = value;
        }
        Object { kind, namespace: self.app.namespace.to_string(), name, body }
    }

    /// What is to be pulled for an image here: by its digest, so that a moved tag restarts no pod.
    fn pinned(&self, image: &ImageRef) -> String {
        self.pulls.map_or_else(|| image.pinned(), |pulls| pulls.pinned(image))
    }

    fn overlay(&self) -> Option<&Overlay> {
        self.content.overlays.get(self.dc)
    }

    /// The files of this data center, in the order of their paths.
    fn files(&self) -> Vec<&File> {
        let mut files: std::collections::BTreeMap<&str, &File> =
            self.content.files.iter().map(|file| (file.path.as_str(), file)).collect();
        for file in self.overlay().into_iter().flat_map(|overlay| &overlay.files) {
            files.insert(&file.path, file);
        }
        files.into_values().collect()
    }
}
