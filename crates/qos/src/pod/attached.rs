//! What a pod has beside its containers that the scheduler looks at and that is not counted here.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::bounded;

/// A volume of a pod: its name, and what it is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, Part>", into = "BTreeMap<String, Part>")]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// The field that says what it is of: `persistentVolumeClaim`, `emptyDir` and so on; empty where none does.
    pub source: String,
}

/// A field of a volume: its name, or something that is not read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Part {
    Name(String),
    Source(Unread),
}

/// Something that is there and not read.
#[derive(Clone, Debug, Default, Serialize)]
struct Unread {}

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self {})
    }
}

impl From<BTreeMap<String, Part>> for Volume {
    fn from(fields: BTreeMap<String, Part>) -> Self {
        let mut volume = Self::default();
        for (field, part) in fields {
            match part {
                Part::Name(name) if field == "name" => volume.name = name,
                _ => volume.source = field,
            }
        }
        volume
    }
}

impl From<Volume> for BTreeMap<String, Part> {
    fn from(volume: Volume) -> Self {
        let Volume { name, source } = volume;
        let source = Some((source, Part::Source(Unread {}))).filter(|(source, _)| !source.is_empty());
        [("name".to_owned(), Part::Name(name))].into_iter().chain(source).collect()
    }
}

impl Volume {
    /// Whether the scheduler looks at such a volume: at disks, not at what a node makes itself.
    pub(crate) fn is_scheduled(&self) -> bool {
        const DISKS: [&str; 11] = [
            "persistentVolumeClaim",
            "ephemeral",
            "csi",
            "awsElasticBlockStore",
            "azureDisk",
            "cinder",
            "gcePersistentDisk",
            "iscsi",
            "portworxVolume",
            "rbd",
            "vsphereVolume",
        ];
        DISKS.contains(&self.source.as_str())
    }
}

/// Something of a pod that is known by its name alone: a claim to devices, or a gate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NamedPart {
    /// Its name.
    pub name: String,
}

/// The group that a pod is placed with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SchedulingGroup {
    /// The name of the group.
    #[serde(deserialize_with = "bounded::or_default")]
    pub pod_group_name: String,
}
