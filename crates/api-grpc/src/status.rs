//! From core's one table of errors to `google.rpc.Status`.

use std::collections::HashMap;
use std::time::Duration;

use plimsoll_core::error::{Chain, Error, Kind, Violation};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The `domain` of every `ErrorInfo`.
pub(crate) const DOMAIN: &str = "plimsoll.io";
/// The most bytes of violations in one status. Details travel in a header, of which clients take 8 KiB in
/// all, so a document with more faults than fit gets the first of them and how many more there are.
const MAX_VIOLATIONS: usize = 3 * 1024;

/// The status of `error`, for the caller; what only the log keeps goes there, once.
pub(crate) fn status(error: Error) -> Status {
    let code = Code::from_i32(error.kind.grpc());
    if matches!(error.kind, Kind::Internal | Kind::Unavailable) {
        tracing::error!(reason = error.reason, error = %Chain(&error), "request failed");
    }
    let mut metadata: HashMap<String, String> =
        error.metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let shown = fitting(&error.violations);
    if shown < error.violations.len() {
        let omitted = error.violations.len() - shown;
        metadata.insert("violationsOmitted".to_owned(), omitted.to_string());
    }
    let mut details = ErrorDetails::with_error_info(error.reason, DOMAIN, metadata);
    // The message names its rule; `goldenRules` in the facts has them all.
    for Violation { path, message, remedy, rule: _ } in &error.violations[..shown] {
        details.add_bad_request_violation(path, format!("{message}; {remedy}"));
    }
    if error.kind == Kind::Unavailable {
        details.set_retry_info(Some(Duration::from_secs(1)));
    }
    Status::with_error_details(code, error.message, details)
}

/// How many of the first violations fit.
fn fitting(violations: &[Violation]) -> usize {
    let mut bytes = 0;
    violations
        .iter()
        .take_while(|violation| {
            let Violation { path, message, remedy, rule: _ } = violation;
            bytes += path.len() + message.len() + remedy.len();
            bytes <= MAX_VIOLATIONS
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_code_and_its_reason() {
        for kind in Kind::ALL {
            let status = status(Error::new(kind, kind.reason(), "why").with("key", "value"));
            assert_eq!(status.code() as i32, kind.grpc());
            assert_ne!(status.code(), Code::Ok);
            assert_eq!(status.message(), "why");
            let details = status.get_error_details();
            let info = details.error_info().unwrap();
            assert_eq!((info.reason.as_str(), info.domain.as_str()), (kind.reason(), DOMAIN));
            assert_eq!(info.metadata, HashMap::from([("key".to_owned(), "value".to_owned())]));
        }
    }

    #[test]
    fn violations_are_field_violations() {
        let violation = Violation::new("spec.image", "has no digest", "name the digest");
        let status = status(Error::invalid("the document has faults", vec![violation]));
        let details = status.get_error_details();
        let [fault] = &details.bad_request().unwrap().field_violations[..] else { panic!("{details:?}") };
        assert_eq!(
            (fault.field.as_str(), fault.description.as_str()),
            ("spec.image", "has no digest; name the digest")
        );
    }

    #[test]
    fn the_source_stays_in_the_log() {
        let status = status(Error::internal(std::io::Error::other("canary")));
        assert!(!format!("{status:?}").contains("canary"));
    }

    #[test]
    fn a_thousand_faults_still_fit_a_header() {
        let violations = (0..1000)
            .map(|n| {
                Violation::new(format!("spec.files[{n}].path"), "is not absolute", "begin it with a slash")
            })
            .collect();
        let status = status(Error::invalid("the document has faults", violations));
        assert!(status.details().len() < 6 * 1024, "{}", status.details().len());
        let details = status.get_error_details();
        let shown = details.bad_request().unwrap().field_violations.len();
        let omitted: usize = details.error_info().unwrap().metadata["violationsOmitted"].parse().unwrap();
        assert_eq!(shown + omitted, 1000);
    }
}
