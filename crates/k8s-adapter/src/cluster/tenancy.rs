//! Whose data center a cluster is: each installation that takes one leaves its mark there, a ConfigMap, so that the
//! next one knows before its first App does.

use std::collections::BTreeSet;

use plimsoll_core::cluster::Error;
use plimsoll_core::name::InstallationId;
use serde_json::{Value, json};

use super::SYSTEM_NAMESPACE;
use super::prepare::in_system_namespace;
use crate::connection::{Subject, to_error};
use crate::label::INSTALLATION;
use crate::resource::{GROUP, VERSION};
use crate::rest::Rest;

/// The installations other than `ours` that have left their mark or have an App there, as they name themselves.
pub(super) async fn others(rest: &Rest, ours: &InstallationId) -> Result<BTreeSet<String>, Error> {
    // `INSTALLATION` is there, and is not ours.
    let others = format!("labelSelector={INSTALLATION}%2C{INSTALLATION}%21%3D{ours}");
    let marks = format!("{}?{others}", marks());
    // One is enough to know whose it is, and Apps are large.
    let apps = format!("/apis/{GROUP}/{VERSION}/apps?limit=1&{others}");
    let mut found = BTreeSet::new();
    for path in [marks, apps] {
        // None of them is there before the first `dc add`.
        let list: Option<Value> = rest.find(&path).await.map_err(|error| to_error(error, Subject::Other))?;
        let items = list.as_ref().and_then(|list| list["items"].as_array()).into_iter().flatten();
        found.extend(
            items.filter_map(|item| Some(item["metadata"]["labels"][INSTALLATION].as_str()?.to_owned())),
        );
    }
    Ok(found)
}

/// Leaves the mark of `ours`, unless it is there.
pub(super) async fn mark(rest: &Rest, ours: &InstallationId) -> Result<(), Error> {
    let mark = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": format!("plimsoll-installation-{ours}"),
            "namespace": SYSTEM_NAMESPACE,
            "labels": {"app.kubernetes.io/managed-by": "plimsoll", INSTALLATION: ours},
        },
        "immutable": true,
        "data": {"message": format!("the installation {ours} of Plimsoll delivers into this cluster")},
    });
    match in_system_namespace(rest, &marks(), &mark).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        answer => answer.map(|_| ()).map_err(|error| to_error(error, Subject::Other)),
    }
}

fn marks() -> String {
    format!("/api/v1/namespaces/{SYSTEM_NAMESPACE}/configmaps")
}
