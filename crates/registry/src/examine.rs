//! Whether an image is whole where it is said to be.

use std::time::Duration;

use futures::TryStreamExt as _;
use futures::future::join_all;
use oci_spec::image::Digest;

use crate::copy::Place;
use crate::copy::graph::Graph;
use crate::error::{Error, Kind};

/// What of an image is in a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// Manifests that were read and are what their digests say, those of the evidence among them.
    pub manifests: usize,
    /// Blobs that are there in the right size.
    pub blobs: usize,
    /// Blobs that are not there.
    pub missing: Vec<Digest>,
    /// Blobs that are there in another size, or that were read and are not what their digest says.
    pub damaged: Vec<Digest>,
    /// Blobs that were read to their end and are what their digests say.
    pub reread: usize,
    /// Manifests that an index names and nobody put here: the image is sparse.
    pub absent: Vec<Digest>,
    /// What is said to refer to the image and is not there.
    pub lost: Vec<Digest>,
    /// What a container runtime may call it: the image, the manifests of an index, and their configurations.
    pub names: Vec<Digest>,
}

impl Presence {
    /// Whether it can be pulled, and its evidence with it.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.damaged.is_empty() && self.lost.is_empty()
    }
}

impl Place {
    /// Looks whether an image is here: every manifest is read, every blob asked for, and a sample of the blobs, of
    /// `sample` bytes at most, read and checked. Which ones is left to chance, so that many examinations see all.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when the image is not here at all, and whatever keeps the registry from answering.
    pub async fn examine(&self, root: &Digest, sample: u64) -> Result<Presence, Error> {
        let graph = Graph::read(self, root).await?;
        let mut presence = Presence {
            manifests: graph.nodes().len(),
            absent: graph.absent().to_vec(),
            lost: graph.lost().to_vec(),
            names: graph.names(),
            ..Presence::default()
        };
        let mut there = Vec::new();
        for (blob, size) in self.sizes(graph.blobs()).await? {
            match size {
                None => presence.missing.push(blob.digest().clone()),
                // 0 where a registry does not say.
                Some(size) if size == blob.size() || size == 0 => {
                    presence.blobs += 1;
                    there.push(blob);
                }
                Some(_) => presence.damaged.push(blob.digest().clone()),
            }
        }
        fastrand::shuffle(&mut there);
        let mut left = sample;
        for blob in there {
            if blob.size() > left {
                continue;
            }
            left -= blob.size();
            let read =
                self.registry.blob(&self.repository, blob).try_for_each(|_| std::future::ready(Ok(()))).await;
            match read {
                Ok(()) => presence.reread += 1,
                Err(error) if matches!(error.kind(), Kind::Corrupt | Kind::NotFound) => {
                    presence.damaged.push(blob.digest().clone());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(presence)
    }
}

/// Where an image is, of a place that was asked.
#[derive(Debug)]
pub enum Whereabouts {
    /// All of it is here.
    Whole(Presence),
    /// It is here, and something of it is not, or is not what it should be.
    Broken(Presence),
    /// It is not here.
    Absent,
    /// The place gave no answer.
    Unknown(Error),
}

impl Whereabouts {
    /// Whether it can be pulled from there.
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }
}

/// Asks places whether they have an image, all at once, each as [`Place::examine`] does. One that does not answer within
/// `deadline` is unknown and holds up no other. The answers are in the order of the places.
pub async fn whereabouts(
    places: &[Place],
    root: &Digest,
    sample: u64,
    deadline: Duration,
) -> Vec<Whereabouts> {
    let ask = async |place: &Place| match tokio::time::timeout(deadline, place.examine(root, sample)).await {
        Ok(Ok(presence)) if presence.is_whole() => Whereabouts::Whole(presence),
        Ok(Ok(presence)) => Whereabouts::Broken(presence),
        Ok(Err(error)) if error.kind() == Kind::NotFound => Whereabouts::Absent,
        Ok(Err(error)) => Whereabouts::Unknown(error),
        Err(_) => {
            let what = format!("{root} in {} at {}", place.repository, place.registry.host());
            let message = format!("no answer within {} s", deadline.as_secs());
            Whereabouts::Unknown(Error::new(Kind::TimedOut, what, message))
        }
    };
    join_all(places.iter().map(ask)).await
}
