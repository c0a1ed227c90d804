//! Changing Apps.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use plimsoll_core::scale;
use plimsoll_core::usecase::{Plimsoll, ScaleChange};
use plimsoll_core::view;

use super::document::agree;
use crate::dto::{Accepted, Autoscale, Nothing, Placement, RollbackRequest, ScaleRequest};
use crate::extract::{
    AppPath, AppPathParams, ApplyQuery, Applying, Body, By, Document, Faults, IfMatch, MaybeBody, WriteQuery,
    Writing,
};
use crate::failure::Failure;
use crate::openapi::{Begun, Changing};

/// What was accepted: 202 with the Operation's place where there is one, else 200.
pub(super) struct Answer(view::Accepted);

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let accepted = Accepted::from(self.0);
        match &accepted.operation {
            None => Json(accepted).into_response(),
            Some(operation) => {
                let place = format!("/v1/operations/{}", operation.id);
                (StatusCode::ACCEPTED, [(LOCATION, place)], Json(accepted)).into_response()
            }
        }
    }
}

/// A handler of a verb that needs nothing but the App; `$says` is its documentation.
macro_rules! change {
    ($(#[doc = $says:expr])+ $name:ident, $method:ident, $path:literal, $id:literal) => {
        $(#[doc = $says])+
        #[utoipa::path($method, path = $path, tag = "apps", operation_id = $id,
            params(AppPathParams, WriteQuery, IfMatch), responses(Begun, Changing))]
        pub(super) async fn $name(
            State(plimsoll): State<Plimsoll>,
            By(caller): By,
            AppPath(app): AppPath,
            Writing(write): Writing,
            MaybeBody(Nothing {}): MaybeBody<Nothing>,
        ) -> Result<Answer, Failure> {
            Ok(Answer(plimsoll.$name(&caller, &app, write).await?))
        }
    };
}

/// Publish a document.
///
/// Makes the App, or upgrades it. Name and Namespace that the document leaves out are those of the path;
/// others in it are a fault.
#[utoipa::path(put, path = "/v1/namespaces/{namespace}/apps/{app}", tag = "apps", operation_id = "applyApp",
    params(AppPathParams, ApplyQuery, IfMatch),
    request_body(content = Object, description = "The App document, `plimsoll.io/v1alpha1`."),
    responses(Begun, Changing))]
pub(super) async fn apply(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    AppPath(app): AppPath,
    Applying(write, take_scale): Applying,
    Document(mut document): Document,
) -> Result<Answer, Failure> {
    agree(&app, &mut document)?;
    Ok(Answer(plimsoll.apply(&caller, &document, take_scale, write).await?))
}

/// Roll an App back.
///
/// Brings old content back as a new Release in every data center at once, and pins the App. `If-Match` plays no part.
#[utoipa::path(post, path = "/v1/namespaces/{namespace}/apps/{app}/rollback", tag = "apps", operation_id = "rollbackApp",
    params(AppPathParams, WriteQuery, IfMatch),
    request_body(content = RollbackRequest, description = "May be left out."),
    responses(Begun, Changing))]
pub(super) async fn rollback(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    AppPath(app): AppPath,
    Writing(write): Writing,
    MaybeBody(request): MaybeBody<RollbackRequest>,
) -> Result<Answer, Failure> {
    let mut faults = Faults::default();
    let to = request.to.and_then(|number| faults.release("to", number));
    let () = faults.check(Some(()))?;
    Ok(Answer(plimsoll.rollback(&caller, &app, to, write).await?))
}

change! {
    /// Let a rolled-back App take publishes again.
    unpin, post, "/v1/namespaces/{namespace}/apps/{app}/unpin", "unpinApp"
}

/// Change how much of an App runs where.
#[utoipa::path(post, path = "/v1/namespaces/{namespace}/apps/{app}/scale", tag = "apps", operation_id = "scaleApp",
    params(AppPathParams, WriteQuery, IfMatch),
    request_body(content = ScaleRequest, description = "What is to change."),
    responses(Begun, Changing))]
pub(super) async fn scale(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    AppPath(app): AppPath,
    Writing(write): Writing,
    Body(request): Body<ScaleRequest>,
) -> Result<Answer, Failure> {
    let change = read_scale(request)?;
    Ok(Answer(plimsoll.scale(&caller, &app, change, write).await?))
}

change! {
    /// Replace all pods of an App, a few at a time.
    restart, post, "/v1/namespaces/{namespace}/apps/{app}/restart", "restartApp"
}

change! {
    /// Take the pods of an App away.
    ///
    /// Its Service and its config stay.
    offline, post, "/v1/namespaces/{namespace}/apps/{app}/offline", "offlineApp"
}

change! {
    /// Bring the pods of an App back.
    online, post, "/v1/namespaces/{namespace}/apps/{app}/online", "onlineApp"
}

change! {
    /// Delete an App with everything that was made for it.
    delete, delete, "/v1/namespaces/{namespace}/apps/{app}", "deleteApp"
}

fn read_scale(request: ScaleRequest) -> Result<ScaleChange, Failure> {
    let ScaleRequest { replicas, autoscale, data_centers, placement } = request;
    let mut faults = Faults::default();
    let size = match (replicas, autoscale) {
        (Some(_), Some(_)) => faults.fault("autoscale", "is given beside replicas", "give one of the two"),
        (Some(replicas), None) => Some(scale::Replication::Fixed(replicas)),
        (None, Some(Autoscale { min, max, cpu_percent })) => {
            Some(scale::Replication::Auto(scale::Autoscale { min, max, cpu_percent }))
        }
        (None, None) => None,
    };
    let dcs = faults.dcs("dataCenters", &data_centers);
    let placement = placement.map(|placement| match placement {
        Placement::Every(_) => scale::Placement::All,
        Placement::Only(names) => {
            let mut dcs = faults.dcs("placement", &names);
            dcs.sort();
            dcs.dedup();
            scale::Placement::Only(dcs)
        }
    });
    faults.check(Some(ScaleChange { size, dcs, placement }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(request: Value) -> Result<ScaleChange, Failure> {
        read_scale(serde_json::from_value(request).unwrap())
    }

    #[test]
    fn a_scale_request_is_read_in_every_form() {
        let names = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<_>>();
        let auto = scale::Autoscale { min: 3, max: 9, cpu_percent: 70 };
        for (request, change) in [
            (
                json!({"replicas": 3, "dataCenters": ["dc-1"]}),
                ScaleChange {
                    size: Some(scale::Replication::Fixed(3)),
                    dcs: names(&["dc-1"]),
                    placement: None,
                },
            ),
            (
                json!({"autoscale": {"min": 3, "max": 9}, "placement": "All"}),
                ScaleChange {
                    size: Some(scale::Replication::Auto(auto)),
                    dcs: vec![],
                    placement: Some(scale::Placement::All),
                },
            ),
            (
                json!({"placement": ["dc-2", "dc-1", "dc-2"]}),
                ScaleChange {
                    placement: Some(scale::Placement::Only(names(&["dc-1", "dc-2"]))),
                    ..ScaleChange::default()
                },
            ),
        ] {
            assert_eq!(read(request.clone()).unwrap(), change, "{request}");
        }
    }

    #[test]
    fn a_scale_request_that_says_two_things_is_refused() {
        assert!(read(json!({"replicas": 3, "autoscale": {"min": 3, "max": 9}})).is_err());
        assert!(read(json!({"replicas": 3, "dataCenters": ["DC"]})).is_err());
    }
}
