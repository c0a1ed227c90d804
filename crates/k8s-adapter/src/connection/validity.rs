//! Until when the credentials of a kubeconfig are good, as far as they say so themselves: an API server that no
//! longer takes them says nothing but 401.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::DATE;
use http::{Response, StatusCode};
use jiff::Timestamp;
use kube::config::AuthInfo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::ExposeSecret as _;

/// A data center does not take credentials whose time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} expired at {at}")]
pub(crate) struct Expired {
    what: &'static str,
    at: Timestamp,
}

/// The ends that credentials name.
#[derive(Clone, Debug, Default)]
pub(super) struct Validity(Vec<Expired>);

impl Validity {
    pub(super) fn of(credentials: &AuthInfo) -> Self {
        let token = credentials.token.as_ref().and_then(|token| end_of_token(token.expose_secret()));
        let certificate = credentials.client_certificate_data.as_deref().and_then(end_of_certificate);
        let ends = [("the token", token), ("the client certificate", certificate)];
        Self(ends.into_iter().filter_map(|(what, at)| Some(Expired { what, at: at? })).collect())
    }

    /// Gives an answer on, unless it refuses credentials whose time is over by the clock of who refuses them.
    pub(super) fn judge<B>(&self, response: Response<B>) -> Result<Response<B>, Expired> {
        match self.over(&response) {
            Some(expired) => Err(expired),
            None => Ok(response),
        }
    }

    fn over<B>(&self, response: &Response<B>) -> Option<Expired> {
        if response.status() != StatusCode::UNAUTHORIZED {
            return None;
        }
        let date = response.headers().get(DATE)?.to_str().ok()?;
        let now = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
        self.0.iter().find(|end| end.at <= now).copied()
    }
}

/// The `exp` of a token that is a JWT (RFC 7519), as those of service accounts are.
fn end_of_token(token: &str) -> Option<Timestamp> {
    let claims = token.split('.').nth(1)?;
    let claims: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    Timestamp::from_second(claims["exp"].as_i64()?).ok()
}

/// The `notAfter` of the first certificate, which is the client's own.
fn end_of_certificate(data: &str) -> Option<Timestamp> {
    let certificate = CertificateDer::from_pem_slice(&STANDARD.decode(data).ok()?).ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&certificate).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A certificate that was good until 2025-03-01.
    fn mk_certificate() -> String {
        let mut params = rcgen::CertificateParams::default();
        params.not_after = rcgen::date_time_ymd(2025, 3, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().pem()
    }

    fn mk_token(claims: &serde_json::Value) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    fn of(user: &serde_json::Value) -> Validity {
        Validity::of(&serde_json::from_value(user.clone()).unwrap())
    }

    fn answer(status: u16, date: &str) -> Response<()> {
        Response::builder().status(status).header(DATE, date).body(()).unwrap()
    }

    #[test]
    fn what_credentials_say_of_their_end_is_read_and_nothing_else_is_made_up() {
        // 2026-01-01T00:00:00Z.
        let token = mk_token(&json!({"exp": 1_767_225_600, "sub": "shop"}));
        let certificate = STANDARD.encode(mk_certificate());
        let table = [
            (json!({"token": token}), Some("the token expired at 2026-01-01T00:00:00Z")),
            (
                json!({"client-certificate-data": certificate}),
                Some("the client certificate expired at 2025-03-01T00:00:00Z"),
            ),
            (json!({"token": mk_token(&json!({"sub": "shop"}))}), None),
            (json!({"token": mk_token(&json!({"exp": "soon"}))}), None),
            (json!({"token": "0123456789abcdef.0123456789abcdef.01"}), None),
            (json!({"token": ""}), None),
            (json!({"client-certificate-data": "no base64"}), None),
            (json!({"client-certificate-data": STANDARD.encode("no certificate")}), None),
            (json!({}), None),
        ];
        for (user, expected) in table {
            let refused = of(&user).judge(answer(401, "Mon, 23 Nov 2026 13:00:00 GMT"));
            assert_eq!(refused.err().map(|expired| expired.to_string()).as_deref(), expected, "{user}");
        }
    }

    #[test]
    fn credentials_are_over_by_the_clock_of_the_data_center_that_refuses_them() {
        let validity = of(&json!({"token": mk_token(&json!({"exp": 1_767_225_600}))}));
        for (status, date, is_over) in [
            (401, "Thu, 01 Jan 2026 00:00:00 GMT", true),
            (401, "Wed, 31 Dec 2025 23:59:59 GMT", false),
            (401, "yesterday", false),
            (403, "Thu, 01 Jan 2026 00:00:00 GMT", false),
            (200, "Thu, 01 Jan 2026 00:00:00 GMT", false),
        ] {
            assert_eq!(validity.judge(answer(status, date)).is_err(), is_over, "{status} {date}");
        }
    }
}
