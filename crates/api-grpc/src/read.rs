//! From requests to core's words: everything is parsed, and every fault is told at once.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use plimsoll_core::digest::Digest;
use plimsoll_core::error::{Error, Violation};
use plimsoll_core::image::{Home, Host, Named, Reference, Repository, Sample};
use plimsoll_core::name::{AppRef, DcName, InstallationId, NamespaceName, OperationId, ReleaseNumber};
use plimsoll_core::record::Environment;
use plimsoll_core::scale::{Autoscale, Placement, Replication};
use plimsoll_core::usecase::{Mode, PageRequest, ScaleChange, Write};
use plimsoll_core::view::Etag;
use serde_json::Value;

use crate::{json, proto};

/// Collects the faults of a request. What has one is read as `None`, like what may be left out and was; it is
/// [`Faults::check`] that tells the two apart.
#[derive(Default)]
pub(crate) struct Faults(Vec<Violation>);

impl Faults {
    /// What was read, if nothing had a fault.
    pub(crate) fn check<T>(self, read: Option<T>) -> Result<T, Error> {
        match read {
            Some(read) if self.0.is_empty() => Ok(read),
            _ => Err(Error::invalid("the request has faults", self.0)),
        }
    }

    fn fault<T>(&mut self, path: &str, message: impl Into<String>, remedy: &str) -> Option<T> {
        self.0.push(Violation::new(path, message, remedy));
        None
    }

    fn parse<T: FromStr<Err: Display>>(&mut self, path: &str, text: &str, remedy: &str) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => self.fault(path, error.to_string(), remedy),
        }
    }

    pub(crate) fn app(&mut self, app: Option<proto::AppRef>) -> Option<AppRef> {
        let Some(proto::AppRef { namespace, name }) = app else {
            return self.fault("app", "is missing", "give namespace and name");
        };
        let namespace = self.parse("app.namespace", &namespace, "give the Namespace of the App");
        let name = self.parse("app.name", &name, "give the name of the App");
        Some(AppRef { namespace: namespace?, name: name? })
    }

    pub(crate) fn namespace(&mut self, path: &str, name: &str) -> Option<NamespaceName> {
        self.parse(path, name, "give the name of a Namespace")
    }

    pub(crate) fn installation(&mut self, id: &str) -> Option<InstallationId> {
        self.parse("id", id, "give an RFC 1123 label of at most 40 characters")
    }

    pub(crate) fn title(&mut self, name: String) -> Option<String> {
        if name.is_empty() || name.chars().count() > MAX_TITLE {
            return self.fault("name", "is empty or too long", "give 1 to 100 characters");
        }
        Some(name)
    }

    pub(crate) fn environment(&mut self, environment: i32) -> Option<Environment> {
        match proto::Environment::try_from(environment) {
            Ok(proto::Environment::Production) => Some(Environment::Production),
            Ok(proto::Environment::Testing) => Some(Environment::Testing),
            Ok(proto::Environment::Unspecified) | Err(_) => {
                self.fault("environment", "says nothing", "give the environment whose rules hold")
            }
        }
    }

    pub(crate) fn dc(&mut self, path: &str, name: &str) -> Option<DcName> {
        self.parse(path, name, "give the name of a data center: an RFC 1123 label of at most 40 characters")
    }

    pub(crate) fn host(&mut self, host: &str) -> Option<Host> {
        self.parse("host", host, "give the host of a registry, with its port where it has one")
    }

    pub(crate) fn repository(&mut self, path: &str, name: &str) -> Option<Repository> {
        self.parse(path, name, "give a repository without its registry, such as shop/web")
    }

    pub(crate) fn image(&mut self, text: &str) -> Option<Named> {
        self.parse(
            "image",
            text,
            "give one such as registry.example.com/shop/web:1.4, or its digest behind @",
        )
    }

    pub(crate) fn pinned_image(&mut self, text: &str) -> Option<(Home, Digest)> {
        let named = self.image(text)?;
        match named.reference {
            Reference::Digest(digest) => Some((named.home, digest)),
            Reference::Tag(_) => self.fault(
                "image",
                "is named by a tag, which somebody may move",
                "name it by the digest that GetImage shows",
            ),
        }
    }

    pub(crate) fn sample(&mut self, text: &str) -> Option<Sample> {
        if text.is_empty() {
            return Some(Sample::default());
        }
        self.parse("sample", text, "give one such as 100Mi")
    }

    pub(crate) fn operation(&mut self, id: &str) -> Option<OperationId> {
        self.parse("id", id, "give the id of an Operation as it was answered")
    }

    pub(crate) fn release(&mut self, path: &str, number: u64) -> Option<ReleaseNumber> {
        match ReleaseNumber::try_from(number) {
            Ok(number) => Some(number),
            Err(error) => self.fault(path, error.to_string(), "give the number of a Release"),
        }
    }

    pub(crate) fn write(&mut self, options: Option<proto::WriteOptions>) -> Option<Write> {
        let proto::WriteOptions { request_id, if_match, validate_only, reason } = options.unwrap_or_default();
        let request_id =
            self.parse("options.requestId", &request_id, "give an id of your own, such as a UUID");
        let if_match = Some(if_match).filter(|text| !text.is_empty());
        let if_match = if_match.and_then(|text| match text.parse::<Etag>() {
            Ok(etag) => Some(etag),
            Err(Violation { path: _, message, remedy, rule: _ }) => {
                self.fault("options.ifMatch", message, &remedy)
            }
        });
        Some(Write {
            request_id: request_id?,
            if_match,
            mode: if validate_only { Mode::Validate } else { Mode::Do },
            reason: Some(reason).filter(|reason| !reason.is_empty()),
        })
    }

    pub(crate) fn document(&mut self, document: Option<prost_types::Struct>) -> Option<Value> {
        self.json("document", document, "give the App document")
    }

    pub(crate) fn policy(&mut self, policy: Option<prost_types::Struct>) -> Option<Value> {
        self.json("policy", policy, "give the grades")
    }

    fn json(&mut self, path: &str, document: Option<prost_types::Struct>, remedy: &str) -> Option<Value> {
        let Some(document) = document else {
            return self.fault(path, "is missing", remedy);
        };
        match json::document(document) {
            Ok(value) => Some(value),
            Err(violation) => {
                self.0.push(violation);
                None
            }
        }
    }

    fn replication(&mut self, replication: proto::Replication) -> Option<Replication> {
        use proto::replication::Kind;
        match replication.kind {
            None => self.fault("size", "says nothing", "give replicas or autoscale"),
            Some(Kind::Replicas(replicas)) => Some(Replication::Fixed(replicas)),
            Some(Kind::Autoscale(proto::Autoscale { min, max, cpu_percent })) => {
                Some(Replication::Auto(Autoscale { min, max, cpu_percent }))
            }
        }
    }

    fn dcs(&mut self, path: &str, names: &[String]) -> Vec<DcName> {
        names.iter().filter_map(|name| self.parse(path, name, "give the name of a data center")).collect()
    }

    fn placement(&mut self, placement: proto::Placement) -> Option<Placement> {
        use proto::placement::Kind;
        match placement.kind {
            None => self.fault("placement", "says nothing", "give all or only"),
            Some(Kind::All(())) => Some(Placement::All),
            Some(Kind::Only(proto::DataCenterNames { names })) => {
                let mut dcs = self.dcs("placement.only.names", &names);
                dcs.sort();
                dcs.dedup();
                Some(Placement::Only(dcs))
            }
        }
    }

    pub(crate) fn scale(
        &mut self,
        size: Option<proto::Replication>,
        data_centers: &[String],
        placement: Option<proto::Placement>,
    ) -> ScaleChange {
        ScaleChange {
            size: size.and_then(|size| self.replication(size)),
            dcs: self.dcs("dataCenters", data_centers),
            placement: placement.and_then(|placement| self.placement(placement)),
        }
    }

    pub(crate) fn timeout(&mut self, timeout: Option<prost_types::Duration>) -> Option<Duration> {
        let Some(timeout) = timeout else { return Some(DEFAULT_WAIT) };
        match Duration::try_from(timeout) {
            Ok(timeout) if timeout <= MAX_WAIT => Some(timeout),
            _ => self.fault("timeout", "is not between 0 and 1 hour", "wait again when the hour is over"),
        }
    }
}

/// The longest name for people, in characters.
const MAX_TITLE: usize = 100;

/// How long `WaitOperation` waits where nobody says.
const DEFAULT_WAIT: Duration = Duration::from_secs(30);
const MAX_WAIT: Duration = Duration::from_hours(1);

/// Which page; core judges it.
pub(crate) fn page(options: Option<proto::PageOptions>) -> PageRequest {
    let proto::PageOptions { page_size, page_token } = options.unwrap_or_default();
    PageRequest {
        // proto3 cannot tell 0 from nothing said.
        size: Some(page_size).filter(|size| *size > 0),
        token: Some(page_token).filter(|token| !token.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_request_is_told_at_once() {
        let mut faults = Faults::default();
        let app = faults.app(Some(proto::AppRef { namespace: "Demo".into(), name: "-".into() }));
        let write = faults.write(Some(proto::WriteOptions { if_match: "x".into(), ..Default::default() }));
        let _ = faults.scale(
            Some(proto::Replication { kind: None }),
            &["DC".into()],
            Some(proto::Placement { kind: None }),
        );
        let error = faults.check(app.zip(write)).unwrap_err();
        let paths: Vec<_> = error.violations.iter().map(|violation| violation.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "app.namespace",
                "app.name",
                "options.requestId",
                "options.ifMatch",
                "size",
                "dataCenters",
                "placement"
            ]
        );
    }

    #[test]
    fn a_placement_is_sorted_and_names_each_once() {
        let names = ["dc-2", "dc-1", "dc-2"].map(str::to_owned).to_vec();
        let only = proto::placement::Kind::Only(proto::DataCenterNames { names });
        let change = Faults::default().scale(None, &[], Some(proto::Placement { kind: Some(only) }));
        let dcs = ["dc-1", "dc-2"].map(|dc| dc.parse().unwrap()).to_vec();
        assert_eq!(change.placement, Some(Placement::Only(dcs)));
    }

    #[test]
    fn the_wait_is_bounded() {
        let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
        assert_eq!(Faults::default().timeout(None), Some(DEFAULT_WAIT));
        assert_eq!(Faults::default().timeout(seconds(5)), Some(Duration::from_secs(5)));
        assert_eq!(Faults::default().timeout(seconds(3601)), None);
        assert_eq!(Faults::default().timeout(seconds(-1)), None);
    }
}
