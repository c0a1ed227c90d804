//! An App resource as the text that it came in, and what is read of it without reading the rest.

use plimsoll_core::cluster::Fence;
use plimsoll_core::name::InstallationId;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::document::Parts;

/// An App resource of which only the metadata is sure to be readable. It is looked at with every event, most of which
/// say nothing new of its content, so that stays text until somebody asks for it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct AppText<'a> {
    pub(crate) metadata: AppMetadata,
    #[serde(borrow, default)]
    pub(crate) spec: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) status: Option<&'a RawValue>,
}

/// What names an App resource and its version.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct AppMetadata {
    pub(crate) name: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
}

/// What everybody wants to know of a spec, also of one that cannot be read otherwise: who ordered it, and its fence,
/// as far as it says them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) installation: Option<InstallationId>,
    pub(crate) fence: Option<Fence>,
}

impl<'a> AppText<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// One whose parts are told apart already.
    pub(crate) fn of(parts: Parts<'a>) -> Result<Self, serde_json::Error> {
        let Parts { metadata, spec, status } = parts;
        Ok(Self { metadata: serde_json::from_str(metadata.get())?, spec, status })
    }

    pub(crate) fn head(&self) -> Head {
        #[derive(Deserialize)]
        struct Raw<'a> {
            #[serde(borrow, default)]
            installation: Option<&'a RawValue>,
            #[serde(borrow, default)]
            fence: Option<&'a RawValue>,
        }
        let raw: Option<Raw<'_>> = self.spec.and_then(|spec| serde_json::from_str(spec.get()).ok());
        let Some(Raw { installation, fence }) = raw else { return Head::default() };
        Head {
            installation: installation.and_then(|text| serde_json::from_str(text.get()).ok()),
            fence: fence.and_then(|text| serde_json::from_str(text.get()).ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_that_cannot_be_read_still_says_whose_it_is() {
        let head = |text: &str| AppText::parse(text).unwrap().head();
        let text = r#"{"metadata": {}, "spec": {"installation": "west", "fence": "none", "content": 7}}"#;
        assert_eq!(head(text), Head { installation: Some("west".parse().unwrap()), fence: None });
        let text = r#"{"metadata": {}, "spec": {"installation": 5, "fence": {"epoch": 1, "revision": 8}}}"#;
        let fence = Fence { epoch: 1, revision: plimsoll_core::ledger::Revision(8) };
        assert_eq!(head(text), Head { installation: None, fence: Some(fence) });
        for text in [r#"{"metadata": {}}"#, r#"{"metadata": {}, "spec": "text"}"#] {
            assert_eq!(head(text), Head::default());
        }
    }
}
