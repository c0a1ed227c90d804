//! What a registry asks for when it refuses a request: the `WWW-Authenticate` header (RFC 9110 section 11.6.1).

use http::HeaderValue;
use http_auth::parse_challenges;
use reqwest::Url;

/// What a registry wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with each request.
    Basic,
    /// A token from somewhere.
    Bearer(Realm),
}

/// Where tokens are given, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Realm {
    url: Url,
    pub(super) service: Option<String>,
}

impl Realm {
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The host, with the port where it is not that of the scheme.
    pub(super) fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The host alone.
    pub(super) fn name(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// Whether nobody reads along on the way there.
    pub(super) fn is_private(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl Challenge {
    /// The best of those that a registry gives: a token rather than the password with each request.
    pub(super) fn read(headers: &[HeaderValue]) -> Option<Self> {
        let texts: Vec<&str> = headers.iter().filter_map(|header| header.to_str().ok()).collect();
        let read: Vec<_> = texts.iter().filter_map(|text| parse_challenges(text).ok()).flatten().collect();
        let bearer = read.iter().find_map(|challenge| {
            if !challenge.scheme.eq_ignore_ascii_case("bearer") {
                return None;
            }
            let param = |name: &str| {
                let found = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.to_unescaped())
            };
            let url: Url = param("realm")?.parse().ok()?;
            let names_nobody = url.username().is_empty() && url.password().is_none();
            let usable = matches!(url.scheme(), "http" | "https") && url.has_host() && names_nobody;
            usable.then(|| {
                Self::Bearer(Realm { url, service: param("service").filter(|text| !text.is_empty()) })
            })
        });
        let basic = || {
            let offered = read.iter().any(|challenge| challenge.scheme.eq_ignore_ascii_case("basic"));
            offered.then_some(Self::Basic)
        };
        bearer.or_else(basic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Option<Challenge> {
        let headers: Vec<HeaderValue> = texts.iter().map(|text| text.parse().unwrap()).collect();
        Challenge::read(&headers)
    }

    fn bearer(url: &str, service: Option<&str>) -> Challenge {
        Challenge::Bearer(Realm { url: url.parse().unwrap(), service: service.map(str::to_owned) })
    }

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let docker = r#"Bearer realm="https://auth.example.com/token",service="registry.example.com",scope="repository:a/b:pull,push""#;
        assert_eq!(
            read(&[docker]),
            Some(bearer("https://auth.example.com/token", Some("registry.example.com")))
        );
        assert_eq!(
            read(&[r#"bearer Realm="http://a:5001/t?x=1", Service="""#]),
            Some(bearer("http://a:5001/t?x=1", None))
        );
        assert_eq!(
            read(&[r#"Basic realm="r", Bearer realm="https://a/t""#]),
            Some(bearer("https://a/t", None))
        );
        assert_eq!(read(&["Basic realm=\"r\"", "Negotiate"]), Some(Challenge::Basic));
        for none in [
            &["Bearer"][..],
            &[r#"Bearer realm="ftp://a/""#],
            &[r#"Bearer realm="https://u:p@a/""#],
            &["\"", ""],
            &[],
        ] {
            assert_eq!(read(none), None, "{none:?}");
        }
    }
}
