//! What an operator is told who adds a data center and cannot.

use std::collections::BTreeSet;

use plimsoll_core::cluster;
use plimsoll_core::error::{Chain, Error, Kind, Violation};
use plimsoll_core::name::DcName;
use plimsoll_k8s_adapter::ConnectError;

const NOTHING: &str = "nothing was added";

/// The kubeconfig itself cannot be used.
pub(super) fn of_kubeconfig(violations: Vec<Violation>) -> Error {
    Error::invalid(format!("the kubeconfig cannot be used; {NOTHING}"), violations)
}

/// There is no way to the data center by this kubeconfig.
pub(super) fn of_connection(error: ConnectError) -> Error {
    let violation = Violation::new(
        "kubeconfig",
        error.to_string(),
        "send what `kubectl config view --raw --flatten --minify` prints, and try it with kubectl first",
    );
    of_kubeconfig(vec![violation]).with_source(error)
}

/// The data center did not say who it is.
pub(super) fn of_identity(dc: &DcName, error: cluster::Error) -> Error {
    match error {
        // A Kubernetes API server answers this to everybody whom it knows, so this is something else.
        cluster::Error::Refused(_) | cluster::Error::Unreadable(_) => Error::new(
            Kind::Unavailable,
            "NO_KUBERNETES",
            format!(
                "what answers for {dc} is no Kubernetes API server; check the server address in the kubeconfig; \
                 {NOTHING}"
            ),
        )
        .with_source(error),
        error => of_cluster(dc, error),
    }
}

/// The data center did not do what adding it takes.
pub(super) fn of_cluster(dc: &DcName, error: cluster::Error) -> Error {
    match error {
        cluster::Error::Unreachable(_) => {
            let message = format!(
                "{dc} cannot be reached: {}; check the server address in the kubeconfig and the way there; {NOTHING}",
                innermost(&error)
            );
            Error::new(Kind::Unavailable, "DATA_CENTER_UNREACHABLE", message).with_source(error)
        }
        cluster::Error::Untrusted(ref why, _) => {
            let remedy = "take the kubeconfig anew from the cluster";
            of_kubeconfig(vec![Violation::new("kubeconfig", why.clone(), remedy)]).with_source(error)
        }
        cluster::Error::Forbidden(ref why) => {
            let message = format!("its user may not do what it takes there: {why}");
            let remedy = "have an administrator apply deploy/data-center.yaml there, whose ClusterRole `plimsoll` grants \
                          exactly what it takes, and bind it to this user";
            of_kubeconfig(vec![Violation::new("kubeconfig", message, remedy)]).with_source(error)
        }
        cluster::Error::Failing(ref why) => Error::new(
            Kind::Unavailable,
            "DATA_CENTER_FAILS",
            format!(
                "{dc} answers that something of it does not work: {why}; mend the cluster, then try again; {NOTHING}"
            ),
        ),
        cluster::Error::Busy(_) => Error::new(
            Kind::Unavailable,
            "DATA_CENTER_BUSY",
            format!("{dc} has too much to do now; try again in a minute; {NOTHING}"),
        ),
        cluster::Error::Conflict => Error::new(
            Kind::Unavailable,
            "DATA_CENTER_BUSY",
            format!("somebody else changes {dc} at this moment; try again; {NOTHING}"),
        ),
        cluster::Error::Refused(ref why) => Error::new(
            Kind::Refused,
            "DATA_CENTER_REFUSES",
            format!("{dc} cannot be made ready for apps: {why}; {NOTHING}"),
        )
        .with_source(error),
        cluster::Error::Unreadable(_) => Error::new(
            Kind::Unavailable,
            "DATA_CENTER_UNREADABLE",
            format!("an answer of {dc} cannot be read ({}); {NOTHING}", innermost(&error)),
        )
        .with_source(error),
    }
}

/// The data center is that of other installations.
pub(super) fn of_another(dc: &DcName, others: &BTreeSet<String>) -> Error {
    let others = others.iter().map(|other| format!("`{other}`")).collect::<Vec<_>>().join(", ");
    let message = format!(
        "the cluster of {dc} is a data center of another installation of Plimsoll, {others}; if both are to use it, \
         each with Namespaces of its own, say so with `--shared` (`shared` in the APIs); docs/operating.md says what to \
         do where the other one is gone; {NOTHING}"
    );
    Error::new(Kind::Refused, "DATA_CENTER_OF_ANOTHER", message).with("installations", others)
}

/// The last link of the chain: where the way ended, without the layers that it went through.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    Chain(innermost).to_string()
}
