//! How it stands with the images of a Release where it is to run, before it is ordered there.

use super::port::ErrorKind;

/// How it stands with the images of a content in one data center.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preflight {
    /// Every image that can be asked for is whole where the data center pulls it from.
    Ready,
    /// Nobody has looked, or not for a while.
    Unknown,
    /// Somebody looks.
    Looking,
    /// One is not whole there and is being copied; which, in a sentence.
    Copying(String),
    /// One is nowhere; which, in a sentence.
    Missing(String),
    /// A registry does not say; which and why, in a sentence. It is asked again.
    Silent(ErrorKind, String),
}

impl Preflight {
    /// What is to be said of it, if something is.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Ready | Self::Unknown | Self::Looking => None,
            Self::Copying(message) | Self::Missing(message) | Self::Silent(_, message) => Some(message),
        }
    }
}

/// Why an outcome waits: an image is copied first.
pub const IMAGE_NOT_THERE: &str = "ImageNotThere";
/// Why an outcome failed before anything was ordered: no registry has an image.
pub const IMAGE_NOT_FOUND: &str = "ImageNotFound";

/// Whether an outcome stands where it does for its images.
pub fn is_about_images(reason: Option<&str>) -> bool {
    matches!(reason, Some(IMAGE_NOT_THERE | IMAGE_NOT_FOUND)) || ErrorKind::explains(reason)
}

impl ErrorKind {
    /// Why an outcome is owed: a registry does not say whether it has an image.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotFound => IMAGE_NOT_FOUND,
            Self::Refused => "RegistryRefused",
            Self::Unreachable => "RegistryUnreachable",
            Self::Unsure => "RegistryUnsure",
        }
    }

    /// Whether that is why an outcome with this reason is owed.
    pub fn explains(reason: Option<&str>) -> bool {
        let silent = [Self::Refused, Self::Unreachable, Self::Unsure];
        silent.iter().any(|kind| reason == Some(kind.reason()))
    }
}
