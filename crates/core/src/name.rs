//! Names and ids: every one is checked where it is made, and none can be passed for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a name of the kind asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidName {
    message: String,
}

impl InvalidName {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// The longest name of an App: every name derived from it must fit the 63 characters of an RFC 1123 label.
pub const MAX_APP_NAME: usize = 40;

/// Checks that `text` is an RFC 1123 label of at most `max` characters.
fn label(kind: &str, text: &str, max: usize) -> Result<(), InvalidName> {
    let ends_alphanumeric = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if text.is_empty() {
        return Err(InvalidName::new(format!("{kind} is empty")));
    }
    if text.len() > max {
        return Err(InvalidName::new(format!("{kind} has {} characters, {max} at most", text.len())));
    }
    let inner = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !inner || !ends_alphanumeric(text.chars().next()) || !ends_alphanumeric(text.chars().last()) {
        return Err(InvalidName::new(format!(
            "{kind} {text:?} may hold only a-z, 0-9 and '-', and must begin and end with a letter or a digit"
        )));
    }
    Ok(())
}

/// Makes a text type out of a tuple struct over a `String`, by a check that every way to make one goes through.
macro_rules! checked_text {
    ($name:ident, $error:ty, $check:expr) => {
        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = $error;
            fn from_str(text: &str) -> Result<Self, $error> {
                Self::try_from(text.to_owned())
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, $error> {
                ($check)(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}
pub(crate) use checked_text;

/// Stored as the text that it is read from and shown as, for serde's `try_from` and `into`.
macro_rules! stored_as_text {
    ($name:ident, $error:ident) => {
        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }
    };
}

pub(crate) use stored_as_text;

macro_rules! label_name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        checked_text!($name, InvalidName, |text: &str| label($kind, text, $max));
    };
}

label_name!(
    /// The name of an App: an RFC 1123 label of at most [`MAX_APP_NAME`] characters.
    AppName, "app name", MAX_APP_NAME
);
label_name!(
    /// The name of a Namespace, the tenant; the Kubernetes namespace in every data center has the same name.
    NamespaceName, "namespace", 63
);
label_name!(
    /// The name of a data center.
    DcName, "data center name", 40
);
label_name!(
    /// The id of an installation: it is part of label values and Lease names in the clusters.
    InstallationId, "installation id", 40
);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(uuid::Uuid);

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                uuid::Uuid::parse_str(text)
                    .map(Self)
                    .map_err(|_| InvalidName::new(format!("{} {text:?} is not a UUID", $kind)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// The identity of one life of an App: deleted and made again under the same name, it has another uid.
    AppUid, "app uid"
);
uuid_id!(
    /// The id of an Operation: a UUIDv7, so ids sort by the time of accepting.
    OperationId, "operation id"
);

/// The number of a Release of an App, counted from 1; below 2^53 so that JSON readers keep it exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct ReleaseNumber(u64);

impl ReleaseNumber {
    /// The first Release of an App.
    pub const FIRST: Self = Self(1);

    /// The number as an integer.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The number that follows.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl TryFrom<u64> for ReleaseNumber {
    type Error = InvalidName;
    fn try_from(number: u64) -> Result<Self, InvalidName> {
        if number == 0 || number >= 1 << 53 {
            return Err(InvalidName::new(format!("release number {number} is not between 1 and 2^53")));
        }
        Ok(Self(number))
    }
}

impl From<ReleaseNumber> for u64 {
    fn from(number: ReleaseNumber) -> u64 {
        number.0
    }
}

impl fmt::Display for ReleaseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An App by Namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppRef {
    /// The Namespace that the App lies in for good.
    pub namespace: NamespaceName,
    /// Its name there.
    pub name: AppName,
}

impl fmt::Display for AppRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The longest request id, in bytes.
pub const MAX_REQUEST_ID: usize = 128;

/// What a caller names a write by, so that a repeat of it is known as one: 1 to [`MAX_REQUEST_ID`] visible
/// ASCII characters other than `/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(String);

impl RequestId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RequestId {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let visible = text.bytes().all(|b| b.is_ascii_graphic() && b != b'/');
        if text.is_empty() || text.len() > MAX_REQUEST_ID || !visible {
            return Err(InvalidName::new(format!(
                "request id must be 1 to {MAX_REQUEST_ID} visible ASCII characters other than '/'"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for RequestId {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> String {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_name_is_a_label_of_forty_characters() {
        assert!("shop".parse::<AppName>().is_ok());
        assert!("a".repeat(40).parse::<AppName>().is_ok());
        for bad in ["", "Shop", "-shop", "shop-", "sh_op", "sh.op", "shöp", &"a".repeat(41)] {
            assert!(bad.parse::<AppName>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_release_number_stays_exact_in_json() {
        assert!(ReleaseNumber::try_from(0).is_err());
        assert!(ReleaseNumber::try_from(1 << 53).is_err());
        assert_eq!(ReleaseNumber::FIRST.next().get(), 2);
    }

    #[test]
    fn a_request_id_holds_no_slash_and_no_blank() {
        assert!("0191-abc".parse::<RequestId>().is_ok());
        for bad in ["", "a b", "a/b", "a\nb"] {
            assert!(bad.parse::<RequestId>().is_err(), "{bad:?} was taken");
        }
    }
}
