//! Why no capacity can be told.

use std::fmt;

use thiserror::Error;

use crate::{NoSuchGrade, PodFault, StrictError};

/// Whose amount it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holder {
    /// A node, by cluster and name.
    Node {
        /// The cluster.
        cluster: String,
        /// The node.
        node: String,
    },
    /// A pod, by cluster and name.
    Pod {
        /// The cluster.
        cluster: String,
        /// The pod, as `namespace/name`.
        pod: String,
    },
    /// What is to be placed.
    Wanted,
}

/// What is wrong with a fleet, or with what is to be placed in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CapacityError {
    /// An amount below zero.
    #[error("{holder} has {amount} of {resource}, which is below zero")]
    Negative {
        /// Whose amount it is.
        holder: Holder,
        /// The resource.
        resource: String,
        /// The amount.
        amount: String,
    },
    /// Resources that no API server stores, such as a limit below its request; a number from them would be wrong.
    #[error("{holder}: {}: {fault}; {}", fault.field, fault.remedy())]
    Refused {
        /// Whose resources they are.
        holder: Holder,
        /// What is wrong with them.
        fault: Box<PodFault>,
    },
    /// An amount, or a sum of amounts, beyond 2^63 - 1 of its unit, which Kubernetes cannot count either.
    #[error("{holder} has {amount} of {resource}, which is more than can be counted")]
    TooLarge {
        /// Whose amount it is.
        holder: Holder,
        /// The resource.
        resource: String,
        /// The amount.
        amount: String,
    },
    /// More kinds of resources than any fleet has.
    #[error("nodes and pods name more than {max} resources")]
    TooManyResources {
        /// How many names are read.
        max: usize,
    },
    /// More nodes than can be numbered.
    #[error("there are more than {max} nodes")]
    TooManyNodes {
        /// How many nodes are read.
        max: usize,
    },
    /// Something has no name, so no answer could speak of it.
    #[error("{what} has no name")]
    Nameless {
        /// What it is: "a cluster", "a node in cluster `dc-1`".
        what: String,
    },
    /// Two things of one name.
    #[error("{what} is there twice")]
    Twice {
        /// What it is, with its name.
        what: String,
    },
    /// Nothing of that name is there.
    #[error("there is no {what}")]
    Unknown {
        /// What was named.
        what: String,
    },
    /// The request does not say what is wanted, or says it twice.
    #[error("say what is wanted either as `size` with `grade` or as `pod`")]
    NothingWanted,
    /// A grade that the policy does not have.
    #[error(transparent)]
    Grade(#[from] NoSuchGrade),
    /// A size that nobody means.
    #[error("the size is not valid: {0}")]
    Size(StrictError),
    /// A spread constraint that Kubernetes refuses.
    #[error("the spread over `{topology_key}` is not valid: {fault}")]
    Spread {
        /// The node label.
        topology_key: String,
        /// What is wrong with it.
        fault: String,
    },
    /// Something that keeps pods away and that is not counted here; a number without it would be wrong.
    #[error("{field} cannot be counted yet; without it the answer would be wrong")]
    NotCounted {
        /// The field of the pod.
        field: String,
    },
    /// Several hard spread constraints at once are answered by placing one by one, which has an end.
    #[error("under several hard spread constraints at most {max} pods are placed, not {pods}")]
    TooManyToPlay {
        /// How many might be placed.
        pods: u128,
        /// How many are placed at most.
        max: u128,
    },
    /// A share in percent that is none.
    #[error("{field} must be between 1 and 100, not {percent}")]
    PercentOutOfRange {
        /// The field of the request.
        field: String,
        /// The number.
        percent: u32,
    },
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { cluster, node } => write!(f, "node `{node}` in cluster `{cluster}`"),
            Self::Pod { cluster, pod } => write!(f, "pod `{pod}` in cluster `{cluster}`"),
            Self::Wanted => f.write_str("what is wanted"),
        }
    }
}
