//! The string formats that CRDs may name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use base64::Engine as _;
use regex::Regex;

use super::structural::Kind;

/// Whether a string has a format. Formats that the server does not know are ignored by it, and here.
pub(super) fn accepts(format: &str, text: &str) -> bool {
    match format.replace('-', "").as_str() {
        "datetime" => text.parse::<jiff::Timestamp>().is_ok(),
        "date" => DATE.is_match(text) && text.parse::<jiff::civil::Date>().is_ok(),
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).is_ok(),
        "duration" => DURATION.is_match(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => cidr(text),
        "mac" => MAC.is_match(text),
        "uuid" => UUID.is_match(text),
        "hostname" => text.len() <= 255 && HOSTNAME.is_match(text),
        "uri" => URI.is_match(text),
        "email" => EMAIL.is_match(text),
        "hexcolor" => HEX_COLOR.is_match(text),
        "k8sshortname" => text.len() <= 63 && LABEL.is_match(text),
        "k8slongname" => text.len() <= 253 && text.split('.').all(|label| LABEL.is_match(label)),
        _ => true,
    }
}

/// Whether the server knows a format for values of a kind; it drops the others.
pub(super) fn is_known(kind: Option<Kind>, format: &str) -> bool {
    match kind {
        Some(Kind::Integer) => matches!(format, "int32" | "int64"),
        Some(Kind::Number) => matches!(format, "float" | "double"),
        Some(Kind::String) | None => STRING_FORMATS.contains(&format.replace('-', "").as_str()),
        _ => false,
    }
}

/// Formats of strings, without their dashes.
const STRING_FORMATS: [&str; 24] = [
    "bsonobjectid",
    "uri",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "cidr",
    "mac",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
    "isbn",
    "isbn10",
    "isbn13",
    "creditcard",
    "ssn",
    "hexcolor",
    "rgbcolor",
    "byte",
    "password",
    "date",
    "duration",
    "datetime",
];

fn cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let bits = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.parse::<u8>().is_ok_and(|length| length <= bits)
}

macro_rules! pattern {
    ($name:ident, $pattern:literal) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($pattern).expect("the pattern is well formed"));
    };
}

pattern!(DATE, r"^\d{4}-\d{2}-\d{2}$");
pattern!(
    DURATION,
    r"^[+-]?(\d+(\.\d*)?|\.\d+)\s*(ns|us|µs|ms|s|m|h|d|w)((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*$|^0$"
);
pattern!(MAC, r"^([0-9a-fA-F]{2}[:-]){5}([0-9a-fA-F]{2})$|^([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}$");
pattern!(UUID, r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$");
pattern!(
    HOSTNAME,
    r"^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\.?$"
);
pattern!(URI, r"^(/|[a-zA-Z][a-zA-Z0-9+.-]*:)\S*$");
pattern!(EMAIL, r"^[^@\s]+@[^@\s]+$");
pattern!(HEX_COLOR, r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$");
pattern!(LABEL, r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$");

#[cfg(test)]
mod tests {
    use super::accepts;

    #[test]
    fn formats_take_what_the_server_takes() {
        let rows = [
            ("date-time", "2024-05-06T07:08:09Z", true),
            ("date-time", "2024-05-06", false),
            ("date", "2024-05-06", true),
            ("date", "2024-13-06", false),
            ("byte", "aGk=", true),
            ("byte", "a", false),
            ("duration", "1h30m", true),
            ("duration", "soon", false),
            ("ipv4", "10.0.0.1", true),
            ("ipv4", "::1", false),
            ("ipv6", "::1", true),
            ("cidr", "10.0.0.0/8", true),
            ("cidr", "10.0.0.0/33", false),
            ("mac", "00:00:5e:00:53:01", true),
            ("uuid", "123e4567-e89b-12d3-a456-426614174000", true),
            ("hostname", "a.example.org", true),
            ("hostname", "-a", false),
            ("uri", "https://example.org/x", true),
            ("uri", "example", false),
            ("email", "a@example.org", true),
            ("hexcolor", "#fff", true),
            ("k8s-short-name", "a-b", true),
            ("k8s-long-name", "a.b-c", true),
            ("no-such-format", "anything", true),
        ];
        for (format, text, expected) in rows {
            assert_eq!(accepts(format, text), expected, "{format}: {text}");
        }
    }
}
