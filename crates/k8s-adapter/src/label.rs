//! Labels and annotations: how what belongs to an App is found, and by whom.

use plimsoll_core::cluster::Delivery;
use plimsoll_core::name::{AppName, AppUid, InstallationId};
use serde_json::{Map, Value, json};

/// The life of the App that an object was made for. Selectors and deletion go by it alone.
pub const APP_UID: &str = "plimsoll.io/app-uid";
/// The installation that ordered it.
pub const INSTALLATION: &str = "plimsoll.io/installation";
/// On pods: what reaches them of the content, as the first 32 hexadecimal digits of a digest.
pub const CONTENT: &str = "plimsoll.io/content";
/// On pods: the grade of the App.
pub const GRADE: &str = "plimsoll.io/grade";
/// On pod templates: how often this content was restarted in this data center.
pub const RESTARTS: &str = "plimsoll.io/restarts";
/// The name of the App.
pub const NAME: &str = "app.kubernetes.io/name";

/// The labels that everything made for an App carries.
pub(crate) fn of_app(installation: &InstallationId, app: &AppName, uid: AppUid) -> Map<String, Value> {
    let labels = json!({
        NAME: app,
        "app.kubernetes.io/instance": app,
        "app.kubernetes.io/managed-by": "plimsoll",
        INSTALLATION: installation,
        APP_UID: uid.to_string(),
    });
    match labels {
        Value::Object(labels) => labels,
        _ => Map::new(),
    }
}

pub(crate) fn of_app_resource(delivery: &Delivery) -> Map<String, Value> {
    of_app(&delivery.installation, &delivery.app.name, delivery.uid)
}
