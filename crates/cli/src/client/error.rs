//! Why there was no answer, in a sentence with what to do.

use std::error::Error;
use std::io;

use crate::failure::{FAILED, Failure, Hope, TIMED_OUT};

/// There was no answer.
pub(super) fn unanswered(error: &reqwest::Error, server: &str) -> Failure {
    let message = match find::<rustls::Error>(error) {
        Some(rustls::Error::InvalidCertificate(why)) => {
            format!("{server} shows a certificate that is not trusted: {}", untrusted(why))
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            format!("what listens at {server} speaks no TLS; is it http:// that you mean?")
        }
        Some(other) => format!("no TLS comes about with {server} ({other})"),
        None if error.is_builder() => {
            return Failure::usage(format!("the request cannot be made: {}", root(error)));
        }
        None if error.is_connect() => {
            return Failure::new(FAILED, unconnected(error, server)).passing(Hope::Unreached);
        }
        None if error.is_timeout() => return late(server),
        None => {
            let why = root(error);
            return Failure::new(
                FAILED,
                format!("the connection to {server} ended before the answer ({why}); a repeat is safe"),
            )
            .passing(Hope::Reached);
        }
    };
    Failure::new(FAILED, message)
}

/// The answer did not come in time.
pub(super) fn late(server: &str) -> Failure {
    Failure::new(
        TIMED_OUT,
        format!(
            "{server} took the request and did not answer in time; it may go on, look with `plimsoll get`"
        ),
    )
    .passing(Hope::Reached)
}

/// The innermost reason.
pub(super) fn root(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn unconnected(error: &reqwest::Error, server: &str) -> String {
    let io = find::<io::Error>(error).map(io::Error::kind);
    match io {
        Some(io::ErrorKind::ConnectionRefused) => {
            format!(
                "nothing listens at {server}; start a server with `plimsoll dev`, or name another with --server"
            )
        }
        _ if error.is_timeout() || io == Some(io::ErrorKind::TimedOut) => {
            format!("{server} does not answer; look at the network, or name another with --server")
        }
        _ => format!("{server} cannot be reached ({}); look at its name and the network", root(error)),
    }
}

/// What is wrong with a certificate, and what to do about it.
fn untrusted(why: &rustls::CertificateError) -> String {
    use rustls::CertificateError as Why;
    let told = match why {
        Why::Expired | Why::ExpiredContext { .. } => "it has expired; have its operator renew it",
        Why::NotValidYet | Why::NotValidYetContext { .. } => {
            "it is not valid yet; look at this machine's clock"
        }
        Why::NotValidForName | Why::NotValidForNameContext { .. } => {
            "it is for another name; name the server as its certificate does"
        }
        Why::UnknownIssuer => "nobody who is trusted here has issued it; give its authority's with --ca",
        // The library has no words of its own for what its verifier adds.
        Why::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "it is an authority's own; give the server one that the authority has issued"
        }
        other => return format!("{other}; give its authority's with --ca"),
    };
    told.to_owned()
}

/// The first error of a type in the chain, looking into I/O errors too, which wrap others out of its sight.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref)
            && let Some(found) = find::<T>(inner)
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}
