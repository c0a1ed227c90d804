//! Apply: go live, or upgrade.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::accept::{Ground, Plan, Round, Subject, Verb};
use super::grades::Grades;
use super::rollback::fallback;
use super::tags::{self, Pinned, Unresolved};
use super::{Plimsoll, Write};
use crate::caller::{Caller, Role};
use crate::cluster::Power;
use crate::content::{Content, RendererVersion};
use crate::digest::Digest;
use crate::document::golden::Rule;
use crate::document::{self, AppDocument, Host, Refusal, Written};
use crate::error::{Error, Kind, Violation};
use crate::fold::OperationState;
use crate::image::ImageRef;
use crate::name::{AppRef, ReleaseNumber};
use crate::record::{App, Environment, Kind as OperationKind, Operation, Pace, Pin, Release, Track, Verdict};
use crate::shape::sizes;
use crate::view::Accepted;

/// Whether an apply takes the scale of the document for an App that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum TakeScale {
    /// It leaves the App's own, and says so if they differ.
    #[default]
    No,
    /// It does.
    Yes,
}

/// A valid document with how it is to be taken.
#[derive(Serialize)]
pub(super) struct Application {
    pub(super) document: AppDocument,
    pub(super) take_scale: TakeScale,
    /// The grades that it was admitted by.
    #[serde(skip)]
    pub(super) grades: Grades,
    /// What was sent, where that is not the document: its tags may point elsewhere when it is sent again.
    #[serde(skip)]
    pub(super) asked: Option<Value>,
    /// What its tags were found to point to.
    #[serde(skip)]
    pub(super) notes: Vec<String>,
}

impl Application {
    /// What tells this request from another one under the same id.
    pub(super) fn digest(&self, app: &AppRef) -> Result<Option<Digest>, Error> {
        self.asked.as_ref().map(|asked| asked_digest(app, asked, self.take_scale)).transpose()
    }
}

fn asked_digest(app: &AppRef, asked: &Value, take_scale: TakeScale) -> Result<Digest, Error> {
    Digest::of(&(app, "Apply", asked, take_scale)).map_err(Error::internal)
}

/// A document that was found good, and the grades by which it was.
pub(super) struct Admitted {
    pub(super) document: AppDocument,
    pub(super) grades: Grades,
    /// What was sent, where a tag of it was resolved.
    pub(super) asked: Option<Value>,
    /// What its tags were found to point to.
    pub(super) notes: Vec<String>,
}

impl Plimsoll {
    /// Makes the App of `document`, or upgrades it to what the document says.
    ///
    /// # Errors
    /// `Invalid` with every fault of the document and every golden rule that it breaks; `Refused` where it only
    /// breaks rules, or by a pin; `NotFound` for its Namespace; `Conflict` where `If-Match` names what is not there
    /// any more; `Unavailable` where a registry does not say what a tag of the document points to.
    pub async fn apply(
        &self,
        caller: &Caller,
        document: &Value,
        take_scale: TakeScale,
        write: Write,
    ) -> Result<Accepted, Error> {
        caller.require(Role::Developer)?;
        if let Some(answer) = self.answered_before(caller, document, take_scale, &write).await? {
            return Ok(answer);
        }
        let Admitted { document, grades, asked, notes } = self.admit(document).await?;
        let app = document.app.clone();
        let verb = Verb::Apply(Box::new(Application { document, take_scale, grades, asked, notes }));
        self.accept(caller, &app, &verb, &write).await
    }

    /// The answer to a repeat of a request with tags: it needs no registry.
    async fn answered_before(
        &self,
        caller: &Caller,
        document: &Value,
        take_scale: TakeScale,
        write: &Write,
    ) -> Result<Option<Accepted>, Error> {
        if self.tags(document).is_empty() {
            return Ok(None);
        }
        let name = |field: &str| document["metadata"][field].as_str();
        let (Some(Ok(namespace)), Some(Ok(name))) =
            (name("namespace").map(str::parse), name("name").map(str::parse))
        else {
            return Ok(None);
        };
        let app = AppRef { namespace, name };
        let body = asked_digest(&app, document, take_scale)?;
        match self.seen_before(caller, &app, &write.request_id, body).await? {
            Some(answer) => self.sized(&app, answer).await.map(Some),
            None => Ok(None),
        }
    }

    /// Checks a document against everything that can be known without its App: its own faults, the golden
    /// rules, its Namespace, the data centers that it names, what its tags point to. One answer has all faults.
    pub(super) async fn admit(&self, sent: &Value) -> Result<Admitted, Error> {
        let installation = self.read_installation().await?.value;
        let grades = self.read_grades().await?;
        let host =
            Host { environment: installation.environment, dcs: &installation.dcs, grades: grades.policy() };
        let tags = self.tags(sent);
        let Pinned { document, notes, unresolved } = self.pin(sent, &tags).await;
        let document = document::admit(&document, host).map_err(|mut refusal| {
            self.tell_registries(&mut refusal.faults);
            let passes = unresolved.iter().all(|tag| tag.may_pass) && refusal.broken.is_empty();
            for Unresolved { violation, .. } in unresolved {
                refusal.faults.retain(|fault| fault.path != violation.path);
                refusal.faults.push(violation);
            }
            if passes && !tags.is_empty() && refusal.faults.iter().all(|fault| is_of(&tags, fault)) {
                return tags::unavailable(refusal.faults);
            }
            refused("the document", refusal, host.environment)
        })?;
        self.read_namespace(&document.app.namespace).await?;
        let asked = (!tags.is_empty()).then(|| sent.clone());
        Ok(Admitted { document, grades, asked, notes })
    }

    /// The application by the grades that hold now: whoever changed them after it was admitted was first.
    async fn regraded(&self, application: &Application) -> Result<Application, Error> {
        let grades = self.read_grades().await?;
        let mut document = application.document.clone();
        if grades != application.grades {
            document = document::validate_by(&document.to_value(), grades.policy()).map_err(|faults| {
                refused("the document", Refusal { faults, broken: Vec::new() }, Environment::Production)
            })?;
        }
        let (asked, notes) = (application.asked.clone(), application.notes.clone());
        Ok(Application { document, take_scale: application.take_scale, grades, asked, notes })
    }

    /// The answer to a repeated publish, with the sizes of the content that the first one aimed at.
    pub(super) async fn with_sizes(
        &self,
        subject: &Subject<'_>,
        answer: Accepted,
    ) -> Result<Accepted, Error> {
        if matches!(subject.verb, Verb::Apply(_)) {
            self.sized(subject.app, answer).await
        } else {
            Ok(answer)
        }
    }

    async fn sized(&self, app: &AppRef, answer: Accepted) -> Result<Accepted, Error> {
        let Some(app) = self.read_app(app).await? else { return Ok(answer) };
        let release = answer.operation.as_ref().map(|operation| operation.release);
        let content = match release {
            Some(number) => self.read_release(app.value.uid, number).await?.map(|release| release.content),
            None => Some(app.value.head_content),
        };
        let Some(digest) = content else { return Ok(answer) };
        let content = self.read_content(app.value.uid, &digest).await?;
        Ok(Accepted { sizes: sizes(&content), ..answer })
    }

    pub(super) async fn plan_apply(
        &self,
        caller: &Caller,
        application: &Application,
        reason: Option<&str>,
        ground: &Ground,
        round: Round,
    ) -> Result<Plan, Error> {
        // The transaction compares the grades of the admission, so only who lost one has to look again.
        let regraded = match round {
            Round::First => None,
            Round::Again => Some(self.regraded(application).await?),
        };
        let application = regraded.as_ref().unwrap_or(application);
        let mut plan = match &ground.app {
            None => go_live(caller, &application.document, reason, ground)?,
            Some(app) => self.upgrade(caller, application, &app.value, reason, ground).await?,
        };
        // Whatever it came to, it came to that by these grades.
        let grades = Some(application.grades.clone());
        plan.notes.splice(0..0, application.notes.iter().cloned());
        Ok(Plan { grades, sizes: sizes(&application.document.content), ..plan })
    }

    async fn upgrade(
        &self,
        caller: &Caller,
        application: &Application,
        before: &App,
        reason: Option<&str>,
        ground: &Ground,
    ) -> Result<Plan, Error> {
        let Application { document, take_scale, grades: _, asked: _, notes: _ } = application;
        if let Some(pin) = &before.pin {
            return Err(pinned(&before.app, pin));
        }
        let content_digest = digest_of(&document.content)?;
        let mut app = ground.touched(before, caller);
        app.owner.clone_from(&document.owner);
        app.description.clone_from(&document.description);
        app.labels.clone_from(&document.labels);
        let mut notes = Vec::new();
        if before.power == Power::Offline {
            notes.push(format!(
                "{} is offline: nothing of it runs until `plimsoll online {} -n {}`",
                before.app, before.app.name, before.app.namespace
            ));
        }
        if before.scale != document.scale {
            match take_scale {
                TakeScale::Yes => app.scale = document.scale.clone(),
                TakeScale::No => notes.push(format!(
                    "the document's scale differs from the app's and was left alone; apply --scale takes it, \
                     plimsoll scale {} -n {} changes it by itself",
                    before.app.name, before.app.namespace
                )),
            }
        }
        let rescaled = app.scale != before.scale;
        if let Some(renderer) = made_by(&document.content, before.head_content)?
            && !self.last_publish_failed(before).await?
        {
            if renderer != document.content.renderer {
                notes.push(format!(
                    "release {} was made by renderer {} and stays as it is; the next that changes something is made \
                     by renderer {}",
                    before.head, renderer.0, document.content.renderer.0
                ));
            }
            return Ok(unchanged_content(caller, app, before, rescaled, notes, ground));
        }
        let release = self.next_release(caller, ground, before, content_digest, document, reason).await?;
        let releases = self.read_releases(before.uid).await?;
        notes.extend(moved_tag(&document.content.main.image, &releases));
        app.head = release.number;
        app.head_content = content_digest;
        let operation = Operation {
            from: Some(before.head),
            fallback: fallback(&releases, &release),
            release: release.number,
            pace: Pace::Gated,
            policy: document.content.publish.clone(),
            dcs: ground.counted(),
            ..ground.operation(caller, OperationKind::Upgrade, &app, &BTreeMap::new(), reason)
        };
        // A new scale holds at once and everywhere; only the Release waits for the gates.
        let orders = if rescaled { ground.reordered(&app) } else { BTreeMap::new() };
        let plan = Plan::new(app, operation, orders);
        Ok(Plan { release: Some((release, document.content.clone())), notes, ..plan })
    }

    /// Whether the newest Operation that moved the Release came to nothing, so that the same content is worth
    /// another try.
    async fn last_publish_failed(&self, app: &App) -> Result<bool, Error> {
        let Some(id) = app.operations.get(&Track::Release) else {
            return Ok(false);
        };
        let Some(parts) = self.read_operation(*id).await? else {
            return Ok(false);
        };
        Ok(match parts.standing().state {
            OperationState::Failed
            | OperationState::RolledBack
            | OperationState::Aborted
            | OperationState::Held => true,
            OperationState::Superseded
            | OperationState::Running
            | OperationState::Paused
            | OperationState::Succeeded
            | OperationState::SucceededOwing => false,
        })
    }

    async fn next_release(
        &self,
        caller: &Caller,
        ground: &Ground,
        before: &App,
        content: Digest,
        document: &AppDocument,
        reason: Option<&str>,
    ) -> Result<Release, Error> {
        let head = self.head_release(before).await?;
        Ok(Release {
            number: head.number.next(),
            content,
            previous: Some(Digest::of(&head).map_err(Error::internal)?),
            image: document.content.main.image.to_string(),
            operation: ground.id,
            back_to: None,
            by: caller.name.clone(),
            reason: reason.map(str::to_owned),
            created: ground.now,
        })
    }

    pub(super) async fn head_release(&self, app: &App) -> Result<Release, Error> {
        self.read_release(app.uid, app.head).await?.ok_or_else(|| {
            Error::internal(format!("release {} of {} is not in the ledger", app.head, app.app))
        })
    }
}

/// That the tag of an image stood for another image in a Release that is kept, if it did. What was released stays what
/// it was, so it is said and not refused.
fn moved_tag(image: &ImageRef, releases: &[(Release, Verdict)]) -> Option<String> {
    image.tag.as_ref()?;
    releases.iter().rev().find_map(|(release, _)| {
        let before: ImageRef = release.image.parse().ok()?;
        let is_same = before.repository == image.repository && before.tag == image.tag;
        (is_same && before.digest != image.digest).then(|| {
            let tag = image.tag.as_deref().unwrap_or_default();
            format!(
                "{}:{tag} was {} in release {}: somebody moved the tag; releases keep what they had",
                image.repository, before.digest, release.number
            )
        })
    })
}

/// Whether a fault is that of a tag.
fn is_of(tags: &[Written], fault: &Violation) -> bool {
    tags.iter().any(|tag| tag.path == fault.path)
}

fn go_live(
    caller: &Caller,
    document: &AppDocument,
    reason: Option<&str>,
    ground: &Ground,
) -> Result<Plan, Error> {
    let content = digest_of(&document.content)?;
    let release = Release {
        number: ReleaseNumber::FIRST,
        content,
        previous: None,
        image: document.content.main.image.to_string(),
        operation: ground.id,
        back_to: None,
        by: caller.name.clone(),
        reason: reason.map(str::to_owned),
        created: ground.now,
    };
    let app = App {
        app: document.app.clone(),
        uid: ground.uid,
        owner: document.owner.clone(),
        description: document.description.clone(),
        labels: document.labels.clone(),
        head: release.number,
        head_content: content,
        scale: document.scale.clone(),
        power: Power::Online,
        pin: None,
        operations: BTreeMap::new(),
        created: ground.now,
        changed_by: caller.name.clone(),
        changed: ground.now,
    };
    let operation = Operation {
        pace: Pace::Gated,
        policy: document.content.publish.clone(),
        dcs: ground.counted(),
        ..ground.operation(caller, OperationKind::GoLive, &app, &BTreeMap::new(), reason)
    };
    let plan = Plan::new(app, operation, BTreeMap::new());
    // An App of this name that is still being deleted keeps its Operation: it ends by its own evidence.
    Ok(Plan { release: Some((release, document.content.clone())), ..plan })
}

/// The content is the head's: at most scale and metadata change.
fn unchanged_content(
    caller: &Caller,
    app: App,
    before: &App,
    rescaled: bool,
    mut notes: Vec<String>,
    ground: &Ground,
) -> Plan {
    notes.insert(0, format!("release {} has this content already; nothing to publish", before.head));
    if rescaled {
        let orders = ground.reordered(&app);
        if !orders.is_empty() {
            let operation = ground.operation(caller, OperationKind::Scale, &app, &orders, None);
            return Plan { notes, ..Plan::new(app, operation, orders) };
        }
    }
    let described = app.owner != before.owner
        || app.description != before.description
        || app.labels != before.labels
        || rescaled;
    // Who applies the same document again changes nothing, not even who changed it last.
    let app = if described { app } else { before.clone() };
    Plan { notes, ..Plan::nothing(Some(app), "") }
}

/// The renderer by which this content has that digest, if one has made it so: who applies the same document after an
/// upgrade of Plimsoll has changed nothing, and restarts nobody's pods.
fn made_by(content: &Content, digest: Digest) -> Result<Option<RendererVersion>, Error> {
    for renderer in RendererVersion::all() {
        if digest_of(&Content { renderer, ..content.clone() })? == digest {
            return Ok(Some(renderer));
        }
    }
    Ok(None)
}

fn digest_of(content: &Content) -> Result<Digest, Error> {
    Digest::of(content).map_err(Error::internal)
}

/// One answer for all that is wrong: the faults, then the golden rules that are broken. Where there is a fault it
/// is `Invalid`, for then what is asked for is not known in full.
pub(super) fn refused(subject: &str, refusal: Refusal, environment: Environment) -> Error {
    let Refusal { faults, broken } = refusal;
    let rules: BTreeSet<&str> =
        faults.iter().chain(&broken).filter_map(|violation| violation.rule).map(Rule::name).collect();
    let rules = rules.into_iter().collect::<Vec<_>>().join(",");
    let place = match environment {
        Environment::Production => "production",
        Environment::Testing => "this installation",
    };
    let mut error = if faults.is_empty() {
        let message = count(&format!("{place} refuses:"), broken.len(), "golden rule");
        Error::new(Kind::Refused, "GOLDEN_RULES", format!("{message} broken"))
    } else {
        let mut message = count(&format!("{subject} has"), faults.len(), "fault");
        if !broken.is_empty() {
            message = count(&format!("{message} and breaks"), broken.len(), "golden rule");
        }
        Error::invalid(message, faults)
    };
    error.violations.extend(broken);
    if rules.is_empty() { error } else { error.with("goldenRules", rules) }
}

fn pinned(app: &AppRef, pin: &Pin) -> Error {
    let why = pin.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    Error::new(
        Kind::Refused,
        "PINNED",
        format!(
            "{} was rolled back from release {} by {} at {}{why} and takes no publish until it is released: \
             plimsoll unpin {} -n {}",
            app, pin.from, pin.by, pin.since, app.name, app.namespace
        ),
    )
    .with("pinnedBy", &pin.by)
    .with("pinnedAt", pin.since)
}

fn count(begin: &str, n: usize, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{begin} {n} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// After an upgrade of Plimsoll the same document is the same content, whichever renderer made it; another
    /// document is not.
    #[test]
    fn the_same_document_is_known_again_whichever_renderer_made_its_release() {
        let digest = "a".repeat(64);
        let content = |cpu: &str| {
            let document = json!({
                "apiVersion": "plimsoll.io/v1alpha1", "kind": "App", "metadata": {"name": "shop", "namespace": "demo"},
                "spec": {"grade": "general-2", "image": format!("registry.example.com/shop@sha256:{digest}"),
                         "size": {"cpu": cpu, "memory": "64Mi"}},
            });
            document::validate(&document).unwrap().content
        };
        for renderer in RendererVersion::all() {
            let made = digest_of(&Content { renderer, ..content("1") }).unwrap();
            assert_eq!(made_by(&content("1"), made).unwrap(), Some(renderer));
            assert_eq!(made_by(&content("2"), made).unwrap(), None);
        }
        assert_eq!(RendererVersion::all().collect::<Vec<_>>(), [RendererVersion(2), RendererVersion(1)]);
    }
}
