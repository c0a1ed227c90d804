//! What a data center's answer means, in the closed set of kinds of the port and in plain words.

use std::error::Error as StdError;

use kube::core::Status;
use kube::runtime::watcher;
use plimsoll_core::cluster::Error;
use rustls::CertificateError;

use super::patience::Asked;
use super::validity::Expired;
use crate::plain;

/// What a request was about, for the answers that mean different things for different requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// An App resource: "not found" may mean that there is no definition of them.
    App,
    /// Anything else.
    Other,
}

/// Maps what kube says of a call that failed.
pub(crate) fn to_error(error: kube::Error, subject: Subject) -> Error {
    match error {
        kube::Error::Api(status) => to_refusal(*status, subject),
        kube::Error::SerdeError(_)
        | kube::Error::FromUtf8(_)
        | kube::Error::LinesCodecMaxLineLengthExceeded => Error::Unreadable(Box::new(error)),
        kube::Error::Auth(_) => Error::Untrusted(
            "the credentials of the kubeconfig cannot be used: renew them".to_owned(),
            Box::new(error),
        ),
        other => {
            if let Some(Asked(wait)) = links(&other).find_map(|link| link.downcast_ref()) {
                return Error::Busy(Some(*wait));
            }
            match distrust(&other) {
                Some(why) => Error::Untrusted(why, Box::new(other)),
                None => Error::Unreachable(Box::new(other)),
            }
        }
    }
}

/// Maps what kube says of a watch that failed; `None` where the watch goes on by itself with a new list.
pub(crate) fn to_watch_error(error: watcher::Error, subject: Subject) -> Option<Error> {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => match error {
            kube::Error::Api(status) if is_expired(&status) => None,
            // Half a line, because the connection ended in it.
            error @ kube::Error::ReadEvents(_) => Some(Error::Unreachable(Box::new(error))),
            error => Some(to_error(error, subject)),
        },
        watcher::Error::WatchError(status) if is_expired(&status) => None,
        watcher::Error::WatchError(status) => Some(to_refusal(*status, subject)),
        error @ watcher::Error::NoResourceVersion => Some(Error::Unreadable(Box::new(error))),
    }
}

fn is_expired(status: &Status) -> bool {
    status.code == 410
}

fn to_refusal(status: Status, subject: Subject) -> Error {
    match status.code {
        401 => Error::Untrusted(unaccepted("they are expired or were withdrawn"), Box::new(status)),
        403 => to_forbidden(&status),
        404 => Error::Refused(not_found(&status, subject)),
        409 => Error::Conflict,
        429 => {
            let asked =
                status.details.as_ref().map(|details| details.retry_after_seconds).filter(|wait| *wait > 0);
            Error::Busy(asked.map(|wait| std::time::Duration::from_secs(wait.into())))
        }
        400 | 405..=407 | 410..=428 => Error::Refused(message(&status)),
        code if status.message.is_empty() => Error::Failing(format!("{code} {}", status.reason)),
        code => Error::Failing(format!("{} ({code})", message(&status))),
    }
}

/// Why credentials are not accepted, and what to do.
fn unaccepted(why: &str) -> String {
    format!("the data center does not accept the credentials of the kubeconfig (401): {why}; renew them")
}

/// 403 has three meanings: the credentials may not, a quota stands against it, the namespace is going.
fn to_forbidden(status: &Status) -> Error {
    if let Some(quota) = plain::Quota::parse(&status.message) {
        return Error::Refused(quota.to_string());
    }
    let terminating = has_cause(status, "NamespaceTerminating");
    if terminating {
        return Error::Refused("the namespace is being deleted there; wait until it is gone".to_owned());
    }
    Error::Forbidden(message(status))
}

fn not_found(status: &Status, subject: Subject) -> String {
    let kind = status.details.as_ref().map(|details| details.kind.as_str());
    match (subject, kind) {
        (_, Some("namespaces")) => {
            "the namespace is not there; create it with `plimsoll namespace create`".to_owned()
        }
        // The server's answer for a path that it serves nothing under names nothing.
        (Subject::App, None | Some("")) => {
            "the definition of App resources is not installed there; add the data center \
             again with `plimsoll dc add`"
                .to_owned()
        }
        _ => message(status),
    }
}

/// The server's sentence, or where a rule of ours made it, the rule's.
fn message(status: &Status) -> String {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let sentences: Vec<String> = causes
        .filter(|cause| !cause.message.is_empty())
        .map(|cause| {
            let rule = cause.message.rsplit_once("\"object\": ").or_else(|| {
                // Newer servers leave the type out: `Invalid value: …`.
                cause.message.rsplit_once("Invalid value: ").filter(|(_, rule)| !rule.starts_with('{'))
            });
            match rule {
                Some((_, rule)) => rule.to_owned(),
                None if cause.field.is_empty() => cause.message.clone(),
                None => format!("{}: {}", cause.field, cause.message),
            }
        })
        .collect();
    if sentences.is_empty() {
        if status.message.is_empty() {
            return format!("{} {}", status.code, status.reason);
        }
        return status.message.clone();
    }
    sentences.join("; ")
}

fn has_cause(status: &Status, reason: &str) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    causes.any(|cause| cause.reason == reason)
}

/// Why the two ends do not trust each other, if that is why nothing came about.
fn distrust(error: &(dyn StdError + 'static)) -> Option<String> {
    if let Some(expired) = links(error).find_map(|link| link.downcast_ref::<Expired>()) {
        return Some(unaccepted(&expired.to_string()));
    }
    links(error).find_map(|link| match link.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(why) => Some(distrusted_certificate(why)),
        rustls::Error::AlertReceived(alert) => Some(format!(
            "the data center refuses the client certificate of the kubeconfig ({alert:?}): renew it"
        )),
        _ => None,
    })
}

fn distrusted_certificate(why: &CertificateError) -> String {
    let what = match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired: renew it there",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet: compare the clocks of both machines"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is not made for the address in the kubeconfig: correct the address, or set tls-server-name"
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "is not signed by the certificate-authority of the kubeconfig: either the kubeconfig is of another \
             cluster, or something in between answers in its place"
        }
        _ => "is not acceptable",
    };
    format!("the data center's certificate {what}")
}

/// The links of an error, outermost first. `io::Error` hides what it carries from `source`.
fn links<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |link| {
        let link: &'a (dyn StdError + 'static) = *link;
        match link.downcast_ref::<std::io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
            None => link.source(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(code: u16, reason: &str, message: &str, details: &serde_json::Value) -> kube::Error {
        let status = json!({
            "status": "Failure", "code": code, "reason": reason, "message": message, "details": details,
        });
        kube::Error::Api(serde_json::from_value(status).unwrap())
    }

    fn said(error: &Error) -> String {
        let kind = match error {
            Error::Unreachable(_) => "Unreachable",
            Error::Failing(_) => "Failing",
            Error::Busy(_) => "Busy",
            Error::Untrusted(..) => "Untrusted",
            Error::Forbidden(_) => "Forbidden",
            Error::Conflict => "Conflict",
            Error::Refused(_) => "Refused",
            Error::Unreadable(_) => "Unreadable",
        };
        format!("{kind}: {error}")
    }

    #[test]
    fn every_answer_has_its_kind_and_its_words() {
        let none = json!({});
        let rule = json!({"causes": [{
            "reason": "FieldValueInvalid", "field": "spec",
            "message": "Invalid value: \"object\": an older Order never replaces a newer one",
        }]});
        let tls = |why: CertificateError| {
            let io = std::io::Error::other(rustls::Error::InvalidCertificate(why));
            kube::Error::Service(Box::new(io))
        };
        let table = [
            status(401, "Unauthorized", "Unauthorized", &none),
            status(403, "Forbidden", "apps.dc.plimsoll.io is forbidden: User \"viewer\" cannot list", &none),
            status(
                403,
                "Forbidden",
                "pods \"shop-1\" is forbidden: exceeded quota: team, requested: requests.cpu=500m, used: \
                 requests.cpu=1900m, limited: requests.cpu=2",
                &none,
            ),
            status(
                403,
                "Forbidden",
                "apps \"shop\" is forbidden: unable to create new content in namespace demo because it is being \
                 terminated",
                &json!({"causes": [{"reason": "NamespaceTerminating", "message": "namespace demo is being \
                 terminated", "field": "metadata.namespace"}]}),
            ),
            status(
                404,
                "NotFound",
                "namespaces \"demo\" not found",
                &json!({"kind": "namespaces", "name": "demo"}),
            ),
            status(404, "NotFound", "the server could not find the requested resource", &none),
            status(409, "Conflict", "the object has been modified", &none),
            status(409, "AlreadyExists", "apps \"shop\" already exists", &none),
            status(422, "Invalid", "App \"shop\" is invalid: spec: Invalid value", &rule),
            status(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728", &none),
            status(429, "TooManyRequests", "slow down", &none),
            kube::Error::Service(Box::new(Asked(std::time::Duration::from_mins(1)))),
            status(500, "InternalError", "etcdserver: request timed out", &none),
            status(503, "ServiceUnavailable", "", &none),
            tls(CertificateError::UnknownIssuer),
            tls(CertificateError::Expired),
            tls(CertificateError::NotValidForName),
            kube::Error::Service(Box::new(crate::connection::deadline::Elapsed(
                std::time::Duration::from_secs(5),
            ))),
            kube::Error::Service(Box::new(std::io::Error::from(std::io::ErrorKind::ConnectionRefused))),
            kube::Error::SerdeError(serde_json::from_str::<u8>("<html>").unwrap_err()),
        ];
        let table: Vec<_> = table.into_iter().map(|error| said(&to_error(error, Subject::App))).collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn a_watch_that_was_compacted_away_goes_on_by_itself() {
        let gone = |code| {
            let status =
                json!({"status": "Failure", "code": code, "reason": "Expired", "message": "too old"});
            watcher::Error::WatchError(serde_json::from_value(status).unwrap())
        };
        assert!(to_watch_error(gone(410), Subject::App).is_none());
        assert!(to_watch_error(gone(500), Subject::App).is_some());
    }
}
