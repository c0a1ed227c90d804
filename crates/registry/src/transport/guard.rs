//! Which addresses may be connected to.
//!
//! A registry says where its tokens and its content are. A hostile one says that they are in this machine, or at the
//! address that clouds hand out credentials from. So every host that nobody named is resolved here, judged here, and
//! connected to at the very addresses that were judged: a name that is answered otherwise the next time gains nothing.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The judge of addresses.
#[derive(Debug)]
pub(super) struct Guard {
    /// Hosts that somebody named: their addresses are not judged.
    trusted: Arc<BTreeSet<String>>,
}

/// An address that nobody allowed.
#[derive(Debug, thiserror::Error)]
#[error(
    "it leads to {host}, which is an address of this machine or its link; name the host in the registry's settings if that is meant"
)]
pub(crate) struct Refused {
    host: String,
}

impl Guard {
    pub(super) fn new<'a>(trusted: impl IntoIterator<Item = &'a str>) -> Self {
        let trusted = trusted.into_iter().map(bare).collect();
        Self { trusted: Arc::new(trusted) }
    }

    /// Judges an address that is written out; names are judged when they are resolved.
    pub(super) fn check(&self, url: &Url) -> Result<(), Refused> {
        let host = bare(url.host_str().unwrap_or_default());
        match host.parse::<IpAddr>() {
            Ok(address) if !self.trusted.contains(&host) && is_inward(address) => Err(Refused { host }),
            _ => Ok(()),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let trusted = self.trusted.clone();
        Box::pin(async move {
            let host = bare(name.as_str());
            // The port is put in by the connector.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let allowed = |address: &SocketAddr| trusted.contains(&host) || !is_inward(address.ip());
            let addresses: Vec<SocketAddr> = found.iter().copied().filter(allowed).collect();
            if addresses.is_empty() {
                let refused: Box<dyn std::error::Error + Send + Sync> = if found.is_empty() {
                    Box::new(io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address")))
                } else {
                    Box::new(Refused { host })
                };
                return Err(refused);
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// A host without the brackets of an IPv6 address and without the dot of the root, in lower case.
fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

/// Whether an address stays in this machine or on its link, in whatever form it is written.
fn is_inward(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, ..] = v4.octets();
            v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast() || first == 0
        }
        IpAddr::V6(v6) => {
            // NAT64 and 6to4 carry an IPv4 address inside.
            let bits = v6.to_bits();
            let v4_at = |shift: u32| is_inward(IpAddr::V4(Ipv4Addr::from_bits(low_half(bits >> shift))));
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unicast_link_local()
                || v6.is_multicast()
                // The metadata service of a public cloud.
                || v6.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
                || (bits >> 32 == 0x64_ff9b << 64 && v4_at(0))
                || (bits >> 112 == 0x2002 && v4_at(80))
                || (bits >> 32 == 0 && v4_at(0))
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
fn low_half(bits: u128) -> u32 {
    bits as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, trusted: &[&str]) -> bool {
        Guard::new(trusted.iter().copied()).check(&url.parse().unwrap()).is_ok()
    }

    #[test]
    fn addresses_of_this_machine_and_its_link_are_refused_in_every_spelling() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1:80/",
            "http://0/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[2002:7f00:1::]/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/latest",
            "http://169.254.169.254/latest/meta-data",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
        ] {
            assert!(!check(url, &["registry.example.com"]), "{url}");
        }
        assert!(
            check("http://10.1.2.3/", &[])
                && check("https://[2001:db8::1]/", &[])
                && check("http://a.example/", &[])
        );
    }

    #[test]
    fn what_somebody_named_may_be_anywhere() {
        assert!(check("http://127.0.0.1:9000/", &["127.0.0.1"]) && check("http://[::1]/", &["::1"]));
    }

    #[tokio::test]
    async fn a_name_that_leads_into_this_machine_is_refused_unless_it_is_named() {
        let resolve = async |trusted: &[&str]| {
            let guard = Guard::new(trusted.iter().copied());
            guard
                .resolve("localhost".parse().unwrap())
                .await
                .map(Iterator::count)
                .map_err(|error| error.to_string())
        };
        assert!(resolve(&["localhost"]).await.unwrap() > 0);
        assert!(resolve(&[]).await.unwrap_err().contains("localhost, which is an address of this machine"));
    }
}
