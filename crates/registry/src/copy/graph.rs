//! Everything that belongs to an image.

use std::collections::{BTreeMap, HashMap, HashSet};

use oci_spec::image::{Descriptor, Digest};

use super::Place;
use crate::content::{Links, Manifest, Reference};
use crate::error::{Error, Kind};

/// Indexes within indexes, and referrers of referrers.
const DEEPEST: usize = 8;
/// Manifests of one image, its evidence included.
const MOST: usize = 10_000;
/// Their bytes, which are held in memory.
const LARGEST: usize = 64 << 20;

/// The manifests of an image in the order in which a registry takes them, and the blobs that they name.
#[derive(Debug)]
pub(crate) struct Graph {
    root: Digest,
    nodes: Vec<Node>,
    blobs: Vec<Descriptor>,
    absent: Vec<Digest>,
    /// Referrers that are listed and not there.
    lost: Vec<Digest>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(super) manifest: Manifest,
    pub(super) links: Links,
}

impl Node {
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }
}

impl Graph {
    /// Reads an image with everything below it and everything that refers to any of it.
    pub(crate) async fn read(source: &Place, root: &Digest) -> Result<Self, Error> {
        let mut reading = Reading {
            source,
            nodes: Vec::new(),
            seen: HashSet::new(),
            absent: Vec::new(),
            lost: Vec::new(),
            bytes: 0,
        };
        reading.walk(root.clone()).await?;
        let Reading { nodes, absent, lost, .. } = reading;
        let mut blobs: HashMap<&Digest, &Descriptor> = HashMap::new();
        let mut order = Vec::new();
        for blob in nodes.iter().flat_map(|node| &node.links.blobs) {
            if let Some(other) = blobs.insert(blob.digest(), blob) {
                if other.size() != blob.size() {
                    let message = format!(
                        "it has {} bytes in one manifest and {} in another",
                        other.size(),
                        blob.size()
                    );
                    return Err(Error::new(Kind::Invalid, format_args!("blob {}", blob.digest()), message));
                }
            } else {
                order.push(blob.clone());
            }
        }
        let mut kept = Vec::with_capacity(order.len());
        for blob in order {
            // What may not be distributed lies elsewhere, by its manifest; a registry may have it all the same.
            if !is_foreign(&blob)
                || source.registry.head_blob(&source.repository, blob.digest()).await?.is_some()
            {
                kept.push(blob);
            }
        }
        // The large ones first: the last to arrive is then a small one.
        kept.sort_by_key(|blob| std::cmp::Reverse(blob.size()));
        Ok(Self { root: root.clone(), nodes, blobs: kept, absent, lost })
    }

    /// The same with every referrer that is said to be there.
    pub(super) async fn read_whole(source: &Place, root: &Digest) -> Result<Self, Error> {
        let graph = Self::read(source, root).await?;
        if let Some(lost) = graph.lost.first() {
            let what = format!("manifest {lost} of {}", source.repository);
            let message = "it refers to the image and is not there; the copy would lack evidence";
            return Err(Error::new(Kind::NotFound, what, message));
        }
        Ok(graph)
    }

    pub(super) fn root(&self) -> &Digest {
        &self.root
    }

    /// What a manifest names comes before it, what refers to it after it.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.blobs.iter()
    }

    pub(crate) fn absent(&self) -> &[Digest] {
        &self.absent
    }

    /// What a container runtime may call it: the image, the manifests of an index, and their configurations. What only
    /// refers to it is none of that.
    pub(crate) fn names(&self) -> Vec<Digest> {
        let own = self.nodes.iter().filter(|node| node.links.subject.is_none());
        let names = own.flat_map(|node| {
            let configuration = node.links.blobs.first().map(|blob| blob.digest().clone());
            std::iter::once(node.manifest.digest().clone()).chain(configuration)
        });
        names.chain(self.absent.iter().cloned()).collect()
    }

    /// Referrers that are listed and not there.
    pub(crate) fn lost(&self) -> &[Digest] {
        &self.lost
    }

    pub(super) fn root_manifest(&self) -> Option<&Manifest> {
        self.nodes.iter().map(|node| &node.manifest).find(|manifest| *manifest.digest() == self.root)
    }

    pub(super) fn evidence(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for node in self.nodes.iter().filter(|node| node.links.subject.is_some()) {
            let config = node.links.blobs.first().map(|blob| blob.media_type().to_string());
            let kind = node.links.artifact_type.clone().or(config).unwrap_or_else(|| "unknown".to_owned());
            *kinds.entry(kind).or_default() += 1;
        }
        kinds
    }
}

struct Reading<'a> {
    source: &'a Place,
    nodes: Vec<Node>,
    seen: HashSet<Digest>,
    absent: Vec<Digest>,
    lost: Vec<Digest>,
    bytes: usize,
}

/// Who names a manifest.
#[derive(Clone, Copy)]
enum Named {
    /// The caller.
    Asked,
    /// An index.
    Below,
    /// A list of referrers.
    Refers,
}

/// What is still to be done, the next thing last.
enum Step {
    Read {
        digest: Digest,
        depth: usize,
        named: Named,
    },
    /// Everything below was read: it may be stored now, and who refers to it comes next.
    Put {
        node: Box<Node>,
        depth: usize,
    },
}

impl Reading<'_> {
    async fn walk(&mut self, root: Digest) -> Result<(), Error> {
        let mut steps = vec![Step::Read { digest: root, depth: 0, named: Named::Asked }];
        while let Some(step) = steps.pop() {
            match step {
                Step::Read { digest, depth, named } => {
                    if !self.seen.insert(digest.clone()) {
                        continue;
                    }
                    let Some(node) = self.node(&digest, depth, named).await? else { continue };
                    let children: Vec<Digest> =
                        node.links.manifests.iter().map(|child| child.digest().clone()).collect();
                    steps.push(Step::Put { node: Box::new(node), depth });
                    let read = |digest| Step::Read { digest, depth: depth + 1, named: Named::Below };
                    steps.extend(children.into_iter().rev().map(read));
                }
                Step::Put { node, depth } => {
                    let Place { registry, repository } = self.source;
                    let referrers = registry.referrers(repository, node.manifest.digest(), None).await?;
                    self.nodes.push(*node);
                    let read = |referrer: Descriptor| Step::Read {
                        digest: referrer.digest().clone(),
                        depth: depth + 1,
                        named: Named::Refers,
                    };
                    steps.extend(referrers.into_iter().rev().map(read));
                }
            }
        }
        Ok(())
    }

    async fn node(&mut self, digest: &Digest, depth: usize, named: Named) -> Result<Option<Node>, Error> {
        let Place { registry, repository } = self.source;
        let what = format!("manifest {digest} of {repository}");
        if depth > DEEPEST {
            return Err(Error::new(
                Kind::TooLarge,
                what,
                format!("it lies more than {DEEPEST} manifests deep"),
            ));
        }
        let Some(manifest) = registry.manifest(repository, &Reference::Digest(digest.clone())).await? else {
            match named {
                Named::Asked => return Err(Error::new(Kind::NotFound, what, "it is not there")),
                Named::Below => self.absent.push(digest.clone()),
                Named::Refers => self.lost.push(digest.clone()),
            }
            return Ok(None);
        };
        self.bytes += manifest.bytes().len();
        if self.nodes.len() >= MOST || self.bytes > LARGEST {
            let message = format!("the image has more than {MOST} manifests or {LARGEST} bytes of them");
            return Err(Error::new(Kind::TooLarge, what, message));
        }
        let links = manifest.links()?;
        Ok(Some(Node { manifest, links }))
    }
}

fn is_foreign(blob: &Descriptor) -> bool {
    let kind = blob.media_type().to_string();
    kind.contains(".nondistributable.") || kind.contains(".foreign.")
}
