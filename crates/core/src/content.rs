//! What a Release holds: everything that a rollback brings back.
//!
//! The JSON form of [`Content`] is what the ledger stores, what its digest is made over and what an App
//! resource carries into a data center, so a field is only ever added, with a default that is left out.

use std::collections::BTreeMap;
use std::time::Duration;

use plimsoll_qos::{GradeName, Quantity, Terms};
use serde::{Deserialize, Serialize};

use crate::image::ImageRef;
use crate::name::DcName;
use crate::policy::PublishPolicy;

/// The largest [`Content`] in its canonical JSON form, in bytes.
pub const MAX_CONTENT: usize = 256 * 1024;

/// The renderer that turns content into Kubernetes objects; a Release records the one that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RendererVersion(pub u32);

impl RendererVersion {
    /// The one that new Releases are made with.
    pub const CURRENT: Self = Self(2);

    /// Every renderer that ever made a Release, the newest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=Self::CURRENT.0).rev().map(Self)
    }
}

/// The content of a Release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// The renderer of its objects.
    pub renderer: RendererVersion,
    /// Importance, by the name that the installation's policy had for it when the Release was made.
    pub grade: GradeName,
    /// What the grade stood for then; whatever it stands for later, this is what holds.
    pub terms: Terms,
    /// The one main container.
    pub main: Container,
    /// Steps that run to their end, one after the other, before the main container starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub init: Vec<Named<Container>>,
    /// Containers that start before the main one and stop after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sidecars: Vec<Named<Container>>,
    /// Ports of the main container, and what the Service offers of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// Files with their content, put into every container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    /// Files whose content is a key of a Secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_files: Vec<SecretFile>,
    /// Writable paths, emptied with the pod; `/tmp` is always one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scratch: Vec<Scratch>,
    /// The user and group id that all containers run as; never 0.
    pub user: u32,
    /// How a pod leaves.
    pub shutdown: Shutdown,
    /// Whether the pods get a token for the Kubernetes API.
    #[serde(default, skip_serializing_if = "ApiToken::is_none")]
    pub api_token: ApiToken,
    /// What differs per data center.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overlays: BTreeMap<DcName, Overlay>,
    /// How it travels.
    pub publish: PublishPolicy,
}

impl Content {
    /// The containers of a pod: the main one, sidecars, init steps.
    fn containers(&self) -> usize {
        1 + self.sidecars.len() + self.init.len()
    }

    /// The images of its containers.
    pub fn images(&self) -> impl Iterator<Item = &ImageRef> {
        let beside = self.init.iter().chain(&self.sidecars).map(|named| &named.inner.image);
        std::iter::once(&self.main.image).chain(beside)
    }

    /// What the scratch of a pod may hold altogether. `/tmp` counts for every container, for each has its own,
    /// and what an init step left there stays as long as the pod.
    pub fn scratch_of_a_pod(&self) -> Quantity {
        Scratch::of_a_pod(&self.scratch, self.containers())
    }
}

impl Scratch {
    /// Where every container may write without being told.
    pub const TMP: &str = "/tmp";

    /// What [`Scratch::TMP`] may hold where it is not listed.
    pub fn default_tmp() -> Quantity {
        Quantity::from_mebibytes(1024)
    }

    /// What these may hold altogether in a pod of so many containers, each with its own [`Scratch::TMP`].
    pub fn of_a_pod(list: &[Self], containers: usize) -> Quantity {
        let (tmp, shared): (Vec<_>, Vec<_>) = list.iter().partition(|scratch| scratch.path == Self::TMP);
        let tmp = tmp.first().map_or_else(Self::default_tmp, |scratch| scratch.size.clone());
        let tmps = std::iter::repeat_n(tmp, containers);
        shared.into_iter().map(|scratch| scratch.size.clone()).chain(tmps).sum()
    }
}

/// Something that has a name beside its siblings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Named<T> {
    /// An RFC 1123 label, unique among the containers of the pod.
    pub name: String,
    /// What is named.
    #[serde(flatten)]
    pub inner: T,
}

/// One container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// The image, by digest.
    pub image: ImageRef,
    /// Replaces the image's entry point; empty: the image's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Replaces the image's arguments; empty: the image's own, unless `command` is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The limit; the request follows from the grade.
    pub size: Size,
    /// Environment variables, in the order of their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Environment variables whose values are keys of Secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env_from_secrets: BTreeMap<String, SecretKey>,
    /// When it is alive, ready, started.
    #[serde(default, skip_serializing_if = "Probes::is_empty")]
    pub probes: Probes,
}

/// How large a container may become: its limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Size {
    /// CPU, in cores.
    pub cpu: Quantity,
    /// Memory, in bytes.
    pub memory: Quantity,
    /// Disk for scratch, logs and the writable layer, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<Quantity>,
}

/// A key of a Secret in the App's Namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// The Secret's name.
    pub secret: String,
    /// The key in it.
    pub key: String,
}

/// The three probes of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Probes {
    /// Holds the two others back until it succeeds once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<Probe>,
    /// Whether it gets traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<Probe>,
    /// Whether it is to be restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<Probe>,
}

impl Probes {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One probe. The defaults are Kubernetes' own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// What is tried.
    pub check: Check,
    /// How long after the start of the container the first try is made.
    #[serde(with = "crate::duration")]
    pub initial_delay: Duration,
    /// How long between two tries; 1 s at least.
    #[serde(with = "crate::duration")]
    pub period: Duration,
    /// How long a try may take; 1 s at least.
    #[serde(with = "crate::duration")]
    pub timeout: Duration,
    /// So many failures in a row are one.
    pub failure_threshold: u32,
    /// So many successes in a row are one; 1 for startup and liveness.
    pub success_threshold: u32,
}

/// What a probe tries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// A GET that answers 200 to 399.
    Http {
        /// The path, beginning with `/`.
        path: String,
        /// The name of one of the container's ports, or its number.
        port: PortRef,
    },
    /// A connection.
    Tcp {
        /// The name of one of the container's ports, or its number.
        port: PortRef,
    },
    /// A command in the container that ends with 0.
    Exec {
        /// Program and arguments; not empty.
        command: Vec<String>,
    },
    /// `grpc.health.v1.Health/Check` that answers `SERVING`.
    Grpc {
        /// The port's number: Kubernetes takes no name here.
        port: u16,
        /// The service asked about; empty: the whole server.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<String>,
    },
}

/// A port by name or by number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PortRef {
    /// 1 to 65535.
    Number(u16),
    /// The name of one of the container's ports.
    Name(String),
}

/// A port of the main container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// An IANA service name: at most 15 of a-z, 0-9 and '-'.
    pub name: String,
    /// What the container listens on.
    pub port: u16,
    /// How.
    pub protocol: Protocol,
    /// What the Service offers it as.
    pub service_port: u16,
}

/// The protocol of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Protocol {
    /// TCP.
    #[serde(rename = "TCP")]
    Tcp,
    /// UDP.
    #[serde(rename = "UDP")]
    Udp,
}

/// A file that comes with the Release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// An absolute path.
    pub path: String,
    /// What is in it, as text.
    pub content: String,
    /// Unix permission bits, 0 to 0o777, written in octal: `"0644"`.
    #[serde(with = "mode")]
    pub mode: u32,
}

/// A file whose content is a key of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretFile {
    /// An absolute path.
    pub path: String,
    /// Where its content is.
    #[serde(flatten)]
    pub from: SecretKey,
    /// Unix permission bits, 0 to 0o777, written in octal: `"0400"`.
    #[serde(with = "mode")]
    pub mode: u32,
}

/// A writable path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scratch {
    /// An absolute path.
    pub path: String,
    /// How much it may hold, in bytes; a pod that holds more is evicted.
    pub size: Quantity,
}

/// How a pod leaves without losing a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shutdown {
    /// How long it goes on serving after it was told to leave, until no load balancer sends to it any more.
    #[serde(with = "crate::duration")]
    pub drain: Duration,
    /// How long it may take after that to end by itself.
    #[serde(with = "crate::duration")]
    pub grace: Duration,
}

/// Whether pods get a token for the Kubernetes API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApiToken {
    /// They do not.
    #[default]
    None,
    /// They do: of the Namespace's default service account.
    Mounted,
}

impl ApiToken {
    // serde's `skip_serializing_if` hands a reference.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// What is otherwise in one data center: these win over the Release's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Overlay {
    /// Environment variables of the main container.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Files; one of the same path replaces the Release's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
}

/// Permission bits in octal, as people write them.
mod mode {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{mode:04o}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let text = String::deserialize(deserializer)?;
        u32::from_str_radix(&text, 8)
            .ok()
            .filter(|mode| *mode <= 0o777)
            .ok_or_else(|| D::Error::custom(format!("{text:?} are no permission bits such as 0644")))
    }
}
