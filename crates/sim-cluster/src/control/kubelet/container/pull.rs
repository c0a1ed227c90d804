//! How the image of a container comes to its node.

use std::time::Duration;

use jiff::Timestamp;

use super::{Container, FIRST_SYNC, Reason, SYNC, Shown, State};
use crate::control::kubelet::{Node, image, later};
use crate::control::recorder::Kind;
use crate::object::text;
use crate::script::{Behavior, Pull};

impl Container {
    pub(super) fn pull(&mut self, node: &mut Node<'_>, behavior: &Behavior) {
        let image = &self.image.clone();
        let policy = text(&self.spec(), "/imagePullPolicy").to_owned();
        if let Some(error) = image::fault(image) {
            let message = format!("Failed to apply default image tag \"{image}\": {error}");
            self.event(node, Kind::Warning, "InspectFailed", &message);
            self.event(node, Kind::Warning, "Failed", "Error: InvalidImageName");
            self.shown = Shown::Waiting(Reason { word: "InvalidImageName", message });
            self.state = State::Unconfigured { retry_at: later(node.now, SYNC) };
            return;
        }
        let held = node.images.contains(&(node.name.to_owned(), image.clone()));
        if held && policy != "Always" {
            let message = format!(
                "Container image \"{image}\" already present on machine and can be accessed by the pod"
            );
            self.event(node, Kind::Normal, "Pulled", &message);
            self.create(node);
            return;
        }
        if policy == "Never" {
            let message = format!("Container image \"{image}\" is not present with pull policy of Never");
            self.event(node, Kind::Warning, "ErrImageNeverPull", &message);
            self.event(node, Kind::Warning, "Failed", "Error: ErrImageNeverPull");
            self.shown = Shown::Waiting(Reason { word: "ErrImageNeverPull", message });
            self.state = State::Unconfigured { retry_at: later(node.now, SYNC) };
            return;
        }
        self.event(node, Kind::Normal, "Pulling", &format!("Pulling image \"{image}\""));
        let takes = match behavior.pull {
            Pull::After(time) => time,
            Pull::NotFound | Pull::Denied | Pull::Fails(_) => Duration::from_millis(100),
        };
        self.state = State::Pulling { until: later(node.now, takes) };
    }

    pub(super) fn pulled(&mut self, node: &mut Node<'_>, behavior: &Behavior) {
        let image = &self.image;
        let error = match &behavior.pull {
            Pull::After(time) => {
                let millis = time.as_millis();
                let message = format!(
                    "Successfully pulled image \"{image}\" in {millis}ms ({millis}ms including waiting). Image \
                     size: {} bytes.",
                    image::SIZE,
                );
                self.event(node, Kind::Normal, "Pulled", &message);
                node.images.insert((node.name.to_owned(), image.clone()));
                self.create(node);
                return;
            }
            Pull::NotFound => image::not_found(image),
            Pull::Denied => image::denied(image),
            Pull::Fails(error) => error.clone(),
        };
        let message = format!("Failed to pull image \"{image}\": {error}");
        self.event(node, Kind::Warning, "Failed", &message);
        self.event(node, Kind::Warning, "Failed", "Error: ErrImagePull");
        self.pulling.extend(node.now, node.now);
        let sync = if self.shown == Shown::Beginning { FIRST_SYNC } else { SYNC };
        self.state = State::PullFailed {
            sync_at: later(node.now, sync),
            retry_at: later(node.now, self.pulling.delay()),
            reason: Reason { word: "ErrImagePull", message: error },
        };
    }

    /// Looks at a pull that failed: what came of the look before is shown, and whether it waits is told.
    pub(super) fn pull_again(
        &mut self,
        node: &mut Node<'_>,
        behavior: &Behavior,
        retry_at: Timestamp,
        reason: Reason,
    ) {
        self.shown = Shown::Waiting(reason.clone());
        if retry_at <= node.now {
            self.pull(node, behavior);
            return;
        }
        let message = format!("Back-off pulling image \"{}\"", self.image);
        self.event(node, Kind::Normal, "BackOff", &message);
        self.event(node, Kind::Warning, "Failed", "Error: ImagePullBackOff");
        let reason = match reason.word {
            "ErrImagePull" => Reason {
                word: "ImagePullBackOff",
                message: format!("{message}: ErrImagePull: {}", reason.message),
            },
            _ => reason,
        };
        self.state = State::PullFailed { sync_at: later(node.now, SYNC), retry_at, reason };
    }
}
