//! Doing one thing of a plan, with its precondition.

use plimsoll_core::cluster::{Error, Fatal, Finding, Status};
use plimsoll_core::name::{AppRef, AppUid};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::gone::FOR_GOOD;
use super::held::Held;
use super::world::{Said, World};
use crate::cluster::app_path;
use crate::connection::{Subject, to_error};
use crate::fields::{Managers, Sort, claim, compare};
use crate::label;
use crate::reconcile::{Action, Had, Live, Pod};
use crate::render::{Kind, Object};
use crate::resource::to_wire_status;
use crate::rest::Rest;
use crate::{GROUP, KIND, VERSION};

/// How the API server refuses another selector.
const IMMUTABLE: &str = "field is immutable";

/// What became of an action.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Done {
    /// It is done.
    Written,
    /// Things are not as they were seen; what is known has been brought up to date.
    LookAgain,
    /// Something must go away first.
    Later,
    /// It cannot be done, and why.
    Impossible(Finding),
    /// The server took it and made something else of these fields.
    Futile { title: String, fields: Vec<String> },
}

pub(super) struct Executor<'a> {
    pub(super) rest: &'a Rest,
    pub(super) world: &'a World,
    pub(super) app: &'a AppRef,
    pub(super) uid: AppUid,
}

impl Executor<'_> {
    /// Does what writes an object; everything else is done already.
    pub(super) async fn perform(&self, action: &Action) -> Result<Done, Error> {
        match action {
            Action::Create(object) => self.create(object).await,
            Action::Apply { object, uid, had, repairs: _ } => {
                if *had == Had::Additions {
                    let claimed = self.claim(object).await?;
                    if claimed != Done::Written {
                        return Ok(claimed);
                    }
                }
                self.apply(object, uid.as_deref(), *had).await
            }
            Action::Delete { kind, name, uid } => self.delete(*kind, name, uid).await,
            Action::FindUnmarked(_)
            | Action::ReadPods
            | Action::ConfirmGone(_)
            | Action::WriteStatus(_)
            | Action::LookAgain(_) => Ok(Done::Written),
        }
    }

    /// Makes an object that never changes.
    async fn create(&self, object: &Object) -> Result<Done, Error> {
        let collection = object.kind.collection(&object.namespace);
        match self.rest.create::<_, Box<RawValue>>(&collection, &object.body).await {
            Ok(made) => self.took(object.kind, &made),
            Err(kube::Error::Api(status)) if status.is_already_exists() => self.adopt(object).await,
            Err(error) => self.failed(object, error),
        }
    }

    /// One of that name is there, though nothing marks it as ours: the marks were taken off, or it is
    /// somebody else's.
    async fn adopt(&self, object: &Object) -> Result<Done, Error> {
        let there: Option<Value> = self.rest.find(&object.path()).await.map_err(other)?;
        let Some(there) = there else { return Ok(Done::LookAgain) };
        if !is_same_config(object, &there) {
            return Ok(Done::Impossible(taken(object, &there)));
        }
        let patch = json!({"metadata": {
            "uid": there["metadata"]["uid"],
            "labels": object.body["metadata"]["labels"],
        }});
        match self.rest.merge::<Box<RawValue>>(&object.path(), &patch).await {
            Ok(marked) => self.took(object.kind, &marked),
            Err(error) => self.failed(object, error),
        }
    }

    /// Makes ours what others added to an object, for the apply after it to remove. Its values stay, so that
    /// nothing is made of it before then.
    async fn claim(&self, object: &Object) -> Result<Done, Error> {
        // Fresh and whole: of what is remembered, those are missing who wrote the status.
        let there: Option<Value> = self.rest.find(&object.path()).await.map_err(other)?;
        let Some(there) = there else {
            self.world.absent(self.app, object.kind, &object.name);
            return Ok(Done::LookAgain);
        };
        let found = compare(&object.body, &there, &Managers::of(&there));
        let Some(managers) = claim(&object.body, &there, &found) else { return Ok(Done::Written) };
        let metadata = &there["metadata"];
        let patch = json!({"metadata": {
            "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"], "managedFields": managers,
        }});
        match self.rest.merge::<Box<RawValue>>(&object.path(), &patch).await {
            Ok(claimed) => self.took(object.kind, &claimed),
            // It is not as it was read.
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => {
                self.refresh(object.kind, &object.name).await?;
                Ok(Done::LookAgain)
            }
            Err(error) => self.failed(object, error),
        }
    }

    /// Brings an object to what was rendered.
    async fn apply(&self, object: &Object, uid: Option<&str>, had: Had) -> Result<Done, Error> {
        let mut body = object.body.clone();
        match uid {
            Some(uid) => body["metadata"]["uid"] = json!(uid),
            // The selector of a Deployment is fixed for ever, and no other has this one.
            None if object.kind == Kind::Deployment => {}
            None => {
                // Not seen is not the same as not there: the marks that it is seen by may have been taken
                // off, or it may be somebody else's.
                if let Some(there) = self.rest.find::<Value>(&object.path()).await.map_err(other)? {
                    if there["metadata"]["deletionTimestamp"].is_string() {
                        return Ok(Done::Later);
                    }
                    if !self.is_ours(&there) {
                        return Ok(Done::Impossible(taken(object, &there)));
                    }
                    body["metadata"]["uid"] = there["metadata"]["uid"].clone();
                }
            }
        }
        match self.rest.apply::<Box<RawValue>>(&object.path(), &body).await {
            Ok(there) => self.applied(object, &there, had),
            Err(kube::Error::Api(status)) if status.is_conflict() => {
                self.refresh(object.kind, &object.name).await?;
                Ok(Done::LookAgain)
            }
            Err(kube::Error::Api(status)) if status.message.contains(IMMUTABLE) => {
                let there: Option<Value> = self.rest.find(&object.path()).await.map_err(other)?;
                Ok(there.map_or(Done::LookAgain, |there| Done::Impossible(taken(object, &there))))
            }
            Err(error) => self.failed(object, error),
        }
    }

    /// Takes over what an apply came to. What is as rendered need not be compared again with the next look.
    fn applied(&self, object: &Object, there: &RawValue, had: Had) -> Result<Done, Error> {
        let live = read(object.kind, there)?;
        let there: Value =
            serde_json::from_str(there.get()).map_err(kube::Error::SerdeError).map_err(other)?;
        let mut left = compare(&object.body, &there, &Managers::of(&there));
        if left.is_empty() {
            let replicas = object.body["spec"]["replicas"].as_u64();
            let replicas = replicas.and_then(|replicas| u32::try_from(replicas).ok());
            self.world.remember(self.app, |memory| memory.matches.note(&live, replicas));
        }
        self.world.put(self.app, live, Said::Since);
        if had == Had::Nothing {
            // What was not there before has come with the answer: the next look sees to it.
            left.retain(|difference| difference.sort != Sort::Added);
        }
        if left.is_empty() {
            return Ok(Done::Written);
        }
        let fields = left.into_iter().map(|difference| difference.field).collect();
        Ok(Done::Futile { title: object.title(), fields })
    }

    /// Removes the object of that uid.
    async fn delete(&self, kind: Kind, name: &str, uid: &str) -> Result<Done, Error> {
        let path = format!("{}/{name}", kind.collection(self.app.namespace.as_str()));
        let sort = super::world::Sort::Object(kind);
        match self.rest.delete::<Box<RawValue>>(&path, uid).await {
            // It goes when whoever holds it lets it.
            Ok(leaving) => match Live::parse(kind, leaving.get()) {
                Some(leaving) => drop(self.world.put(self.app, leaving, Said::Since)),
                // A `Status`, which has no uid: it has gone.
                None => self.world.remove(self.app, sort, name, uid, FOR_GOOD),
            },
            Err(kube::Error::Api(status)) if status.is_not_found() => {
                self.world.remove(self.app, sort, name, uid, FOR_GOOD);
            }
            Err(kube::Error::Api(status)) if status.is_conflict() => {
                self.world.remove(self.app, sort, name, uid, FOR_GOOD);
                self.refresh(kind, name).await?;
            }
            Err(error) => return Err(other(error)),
        }
        Ok(Done::LookAgain)
    }

    /// Those of the objects that are there after all, and are of this life though no mark says so.
    pub(super) async fn unmarked(&self, objects: &[Object]) -> Result<Vec<Live>, Error> {
        let mut found = Vec::new();
        for object in objects {
            let there: Option<Value> = self.rest.find(&object.path()).await.map_err(other)?;
            let is_ours = |there: &Value| match object.kind {
                Kind::ConfigMap => is_same_config(object, there),
                _ => self.is_ours(there),
            };
            if let Some(there) = there.filter(is_ours) {
                found.extend(Live::parse(object.kind, &there.to_string()).map(|live| live.of_life(self.uid)));
            }
        }
        Ok(found)
    }

    /// The pods of a life, fresh and complete. Those that have run to their end take up nothing.
    pub(super) async fn pods(&self, uid: AppUid) -> Result<Vec<Pod>, Error> {
        let list = self.list("/api/v1", "pods", uid).await?;
        let ended = |pod: &&Value| pod["status"]["phase"] == "Succeeded";
        Ok(list.iter().filter(|pod| !ended(pod)).map(Pod::new).collect())
    }

    /// What its server complains of about a pod; nothing, where that may not be read. The cause is worth more than
    /// the request, which the API server answers from its store: it is for pods that do not begin.
    pub(super) async fn warnings(&self, pod: &str) -> Result<Vec<Value>, Error> {
        let namespace = &self.app.namespace;
        let path = format!(
            "/api/v1/namespaces/{namespace}/events?fieldSelector=involvedObject.uid%3D{pod},type%3DWarning"
        );
        match self.items(&path).await {
            Err(Error::Forbidden(_)) => Ok(Vec::new()),
            answer => answer,
        }
    }

    /// Whether nothing of these lives is left, by fresh and complete lists of everything that was made.
    pub(super) async fn is_gone(&self, lives: &[AppUid]) -> Result<bool, Error> {
        for uid in lives {
            let kinds = Kind::ALL.map(|kind| (kind.api_version(), kind.plural()));
            // What goes last is asked for first.
            for (api_version, plural) in [("v1", "pods"), ("apps/v1", "replicasets")].into_iter().chain(kinds)
            {
                let api =
                    if api_version == "v1" { "/api/v1".to_owned() } else { format!("/apis/{api_version}") };
                if !self.list(&api, plural, *uid).await?.is_empty() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Without a resourceVersion: as it is now, not as some memory of the server has it.
    async fn list(&self, api: &str, plural: &str, uid: AppUid) -> Result<Vec<Value>, Error> {
        let namespace = &self.app.namespace;
        self.items(&format!("{api}/namespaces/{namespace}/{plural}?labelSelector={}%3D{uid}", label::APP_UID))
            .await
    }

    async fn items(&self, path: &str) -> Result<Vec<Value>, Error> {
        let mut list: Value = self.rest.get(path).await.map_err(other)?;
        match list["items"].take() {
            Value::Array(items) => Ok(items),
            // An empty list may be written as none.
            Value::Null if list["kind"].as_str().is_some_and(|kind| kind.ends_with("List")) => Ok(Vec::new()),
            _ => Err(Error::Unreadable("a list without items".into())),
        }
    }

    /// Says what is there.
    pub(super) async fn write_status(&self, held: &Held, status: &Status) -> Result<Done, Error> {
        let status = to_wire_status(status).map_err(|error| Error::Unreadable(Box::new(error)))?;
        let body = json!({
            "apiVersion": format!("{GROUP}/{VERSION}"),
            "kind": KIND,
            "metadata": {
                "name": self.app.name,
                "namespace": self.app.namespace,
                "uid": held.uid,
                "resourceVersion": held.resource_version,
            },
            "status": status,
        });
        let answer: kube::Result<Box<RawValue>> =
            self.rest.replace(&format!("{}/status", app_path(self.app)), &body).await;
        match answer {
            Ok(written) => {
                // What of the resource was not known yet comes with its watch.
                if let Some(held) = Held::parse(written.get()) {
                    self.world.put_app(self.app, held, Said::Since);
                }
                Ok(Done::Written)
            }
            // A newer Order has come, or the resource has gone; the watch says which.
            Err(kube::Error::Api(status)) if status.code == 409 || status.code == 404 => Ok(Done::LookAgain),
            Err(error) => Err(to_error(error, Subject::App)),
        }
    }

    /// By the life that it was made for; or, where that mark was taken off, by who has applied it.
    fn is_ours(&self, there: &Value) -> bool {
        match there["metadata"]["labels"][label::APP_UID].as_str() {
            Some(uid) => uid == self.uid.to_string(),
            None => Managers::of(there).ours().is_some(),
        }
    }

    fn took(&self, kind: Kind, object: &RawValue) -> Result<Done, Error> {
        self.world.put(self.app, read(kind, object)?, Said::Since);
        Ok(Done::Written)
    }

    async fn refresh(&self, kind: Kind, name: &str) -> Result<(), Error> {
        let path = format!("{}/{name}", kind.collection(self.app.namespace.as_str()));
        let there: Option<Box<RawValue>> = self.rest.find(&path).await.map_err(other)?;
        if let Some(there) = there {
            return self.took(kind, &there).map(drop);
        }
        self.world.absent(self.app, kind, name);
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "reads as what became of it")]
    fn failed(&self, object: &Object, error: kube::Error) -> Result<Done, Error> {
        match other(error) {
            Error::Refused(why) => Ok(Done::Impossible(Finding {
                reason: "Refused".to_owned(),
                message: format!("the data center refuses {}: {why}", object.title()),
                fatal: Fatal::No,
            })),
            Error::Forbidden(why) => Ok(Done::Impossible(Finding {
                reason: "Forbidden".to_owned(),
                message: format!("Plimsoll's credentials may not write {}: {why}", object.title()),
                fatal: Fatal::No,
            })),
            Error::Conflict => Ok(Done::LookAgain),
            error => Err(error),
        }
    }
}

fn read(kind: Kind, object: &RawValue) -> Result<Live, Error> {
    Live::parse(kind, object.get()).ok_or_else(|| Error::Unreadable("an object without a uid".into()))
}

/// Its name says what is in it, so what has the same in it is as good.
fn is_same_config(object: &Object, there: &Value) -> bool {
    there["data"] == object.body["data"] && there["immutable"] == true
}

fn taken(object: &Object, there: &Value) -> Finding {
    let Object { kind, name, .. } = object;
    let installation =
        |object: &Value| object["metadata"]["labels"][label::INSTALLATION].as_str().map(str::to_owned);
    let message = match installation(there) {
        Some(other) if Some(&other) != installation(&object.body).as_ref() => format!(
            "the installation `{other}` of Plimsoll has a {kind} named {name} here: delete its App there, or give this \
             one another name or namespace"
        ),
        Some(_) => format!(
            "there is already a {kind} named {name} here, of another App or of an earlier life of this one: remove it"
        ),
        None => format!(
            "there is already a {kind} named {name} here that Plimsoll did not make: remove or rename it"
        ),
    };
    Finding { reason: "NameTaken".to_owned(), message, fatal: Fatal::Yes }
}

fn other(error: kube::Error) -> Error {
    to_error(error, Subject::Other)
}
