//! Reading a request for work on registries: what is meant, where it is to be, and every fault at once.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use plimsoll_qos::Quantity;
use serde::Serialize;

use crate::digest::Digest;
use crate::error::{Error, Violation};
use crate::image::{
    Home, ImagePace, ImageRef, Prefix, Pulls, Registries, Tag, TagChoice, TagPattern, Tagged, Window,
};
use crate::name::DcName;
use crate::record::ImageTarget;

/// So many targets one Operation has at most.
const MOST_TARGETS: usize = 32;
/// So many patterns, windows or names are read of one request.
const MOST_NAMED: usize = 100;
/// Slower is a slip, such as `50m` for `50M`.
const SLOWEST: i64 = 1000;
/// What of each image is read and checked if nobody says.
const SAMPLE: u64 = 16 << 20;

/// What is asked of registries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ImageRequest {
    /// Bringing an image to several places.
    Copy(CopyImage),
    /// Bringing tags of a repository to several places.
    Sync(SyncImages),
    /// Looking whether an image or a repository is whole.
    Verify(VerifyImages),
}

/// An image that is to be in several places, as somebody wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CopyImage {
    /// `HOST/REPOSITORY:TAG`, with or without its digest, or with a digest alone.
    pub image: String,
    /// Data centers, or `HOST/PATH`; none: every data center that has a registry.
    pub to: Vec<String>,
    /// The tag there; none: that of the image, else one that keeps it.
    pub tag: Option<String>,
    /// How fast and when.
    pub pace: PaceWanted,
}

/// Tags that are to be in several places, as somebody wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SyncImages {
    /// `HOST/REPOSITORY`.
    pub repository: String,
    /// As [`CopyImage::to`].
    pub to: Vec<String>,
    /// Patterns of tags; none: all.
    pub tags: Vec<String>,
    /// So many of the newest by their names.
    pub newest: Option<u32>,
    /// How fast and when.
    pub pace: PaceWanted,
}

/// What is to be looked at, as somebody wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerifyImages {
    /// An image, or `HOST/REPOSITORY` for every tag of it.
    pub subject: String,
    /// Data centers, or `HOST/PATH`; none: every data center that has a registry, and where the subject names.
    pub at: Vec<String>,
    /// Of each image so many bytes are read and checked.
    pub sample: Option<String>,
}

/// How fast and when bytes are to go, as somebody wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PaceWanted {
    /// Bytes in a second to each target, such as `50M`.
    pub rate: Option<String>,
    /// Such as `22:00-06:00`.
    pub windows: Vec<String>,
}

/// An image or a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// By its digest, with the tag that was written beside it.
    Pinned { home: Home, digest: Digest, tag: Option<Tag> },
    /// By a tag alone.
    Tagged(Tagged),
    /// All of it.
    Repository(Home),
}

impl Subject {
    pub(super) fn home(&self) -> &Home {
        match self {
            Self::Pinned { home, .. } | Self::Repository(home) => home,
            Self::Tagged(tagged) => &tagged.home,
        }
    }
}

/// What a request is read against.
pub(super) struct Reader<'a> {
    pub(super) registries: &'a Registries,
    pub(super) dcs: &'a BTreeSet<DcName>,
    pub(super) faults: Vec<Violation>,
}

/// Where targets may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Elsewhere than where it is read.
    Elsewhere,
    /// There, too.
    Anywhere,
}

impl Reader<'_> {
    pub(super) fn fault(
        &mut self,
        path: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.faults.push(Violation::new(path, message, remedy));
    }

    /// What was read, unless there were faults.
    pub(super) fn check<T>(self, read: Option<T>) -> Result<T, Error> {
        match read {
            Some(read) if self.faults.is_empty() => Ok(read),
            _ => Err(Error::invalid("the request has faults", self.faults)),
        }
    }

    pub(super) fn subject(&mut self, field: &str, text: &str) -> Option<Subject> {
        let pinned = || {
            let image: ImageRef = text.parse().ok()?;
            let tag = image.tag.as_deref().and_then(|tag| tag.parse().ok());
            Some(Subject::Pinned { home: image.home()?, digest: image.digest, tag })
        };
        let tagged = || Tagged::parse(text).map(Subject::Tagged);
        let subject = pinned().or_else(tagged).or_else(|| text.parse().ok().map(Subject::Repository));
        let Some(subject) = subject else {
            let remedy = "write HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:DIGEST";
            self.fault(field, format!("{text:?} is no image in a registry"), remedy);
            return None;
        };
        let host = &subject.home().host;
        if !self.registries.knows(host) {
            let message = format!("{host} is none of the registries of this installation");
            self.fault(
                field,
                message,
                format!(
                    "an operator lists it under [[registries]] in plimsoll.toml, or name one of {}",
                    self.hosts()
                ),
            );
            return None;
        }
        Some(subject)
    }

    pub(super) fn repository(&mut self, field: &str, text: &str) -> Option<Home> {
        match self.subject(field, text)? {
            Subject::Repository(home) => Some(home),
            Subject::Pinned { home, .. } | Subject::Tagged(Tagged { home, .. }) => {
                self.fault(
                    field,
                    format!("{text:?} is one image"),
                    format!("write {home}, and choose by tags"),
                );
                None
            }
        }
    }

    /// A tag that may be left out; none, too, where there is a fault.
    pub(super) fn tag(&mut self, field: &str, text: Option<&str>) -> Option<Tag> {
        let text = text?;
        if let Ok(tag) = text.parse() {
            return Some(tag);
        }
        self.fault(
            field,
            format!("{text:?} is no tag"),
            "write 1 to 128 of letters, digits, '_', '.' and '-'",
        );
        None
    }

    pub(super) fn choice(&mut self, patterns: &[String], newest: Option<u32>) -> Option<TagChoice> {
        let patterns =
            self.all::<TagPattern>("tags", patterns, "write it as 1.4.*, or !*-rc* for what is left out");
        if newest == Some(0) {
            self.fault("newest", "is 0", "ask for at least 1, or leave it out");
        }
        Some(TagChoice {
            patterns: patterns?,
            newest: newest.and_then(|newest| usize::try_from(newest).ok()),
        })
    }

    pub(super) fn pace(&mut self, wanted: &PaceWanted) -> Option<ImagePace> {
        let PaceWanted { rate, windows } = wanted;
        let rate = self.bytes("rate", rate.as_deref(), SLOWEST);
        let windows =
            self.all::<Window>("windows", windows, "write it as 22:00-06:00, or mon-fri 22:00-06:00 +08:00");
        Some(ImagePace { rate, windows: windows? })
    }

    pub(super) fn sample(&mut self, text: Option<&str>) -> u64 {
        self.bytes("sample", text, 0).unwrap_or(SAMPLE)
    }

    /// A number of bytes that may be left out; none, too, where there is a fault.
    fn bytes(&mut self, field: &str, text: Option<&str>, least: i64) -> Option<u64> {
        let text = text?;
        let read = Quantity::from_str(text).ok().and_then(|quantity| quantity.value_i64());
        if let Some(bytes) = read.filter(|bytes| *bytes >= least).and_then(|bytes| u64::try_from(bytes).ok())
        {
            return Some(bytes);
        }
        let message = format!("{text:?} is no number of bytes of at least {least}");
        self.fault(field, message, "write it as 50M, 500k or 64Mi");
        None
    }

    fn all<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        field: &str,
        texts: &[String],
        remedy: &str,
    ) -> Option<Vec<T>> {
        self.bound(field, texts)?;
        let before = self.faults.len();
        let mut read = Vec::with_capacity(texts.len());
        for (n, text) in texts.iter().enumerate() {
            match text.parse::<T>() {
                Ok(value) => read.push(value),
                Err(error) => self.fault(format!("{field}[{n}]"), error.to_string(), remedy),
            }
        }
        (self.faults.len() == before).then_some(read)
    }

    fn bound(&mut self, field: &str, texts: &[String]) -> Option<()> {
        if texts.len() <= MOST_NAMED {
            return Some(());
        }
        self.fault(field, format!("there are {} of them", texts.len()), format!("name at most {MOST_NAMED}"));
        None
    }

    /// Where what lies in `home` is to be: in the places that are named, else in every data center that has a registry
    /// of its own. Places that are one and the same are one target.
    pub(super) fn targets(
        &mut self,
        field: &str,
        named: &[String],
        home: &Home,
        reach: Reach,
    ) -> Option<Vec<ImageTarget>> {
        self.bound(field, named)?;
        let before = self.faults.len();
        let mut found: BTreeMap<Home, Vec<String>> = BTreeMap::new();
        let mut note = |at: Home, name: String| {
            let known = found.entry(at).or_default();
            if !known.contains(&name) {
                known.push(name);
            }
        };
        for (n, text) in named.iter().enumerate() {
            if let Some(at) = self.place(&format!("{field}[{n}]"), text, home, reach) {
                note(at, text.clone());
            }
        }
        if named.is_empty() {
            for dc in self.registries.near().keys().filter(|dc| self.dcs.contains(*dc)) {
                match self.registries.at(dc, home) {
                    Ok(at) if reach == Reach::Anywhere || at != *home => note(at, dc.to_string()),
                    Ok(_) => {}
                    Err(error) => {
                        let message = format!("with what {dc} pulls from: {error}");
                        self.faults.push(Violation::new(field, message, "name the targets without it"));
                    }
                }
            }
            if reach == Reach::Anywhere && !found.contains_key(home) {
                found.insert(home.clone(), vec![home.host.to_string()]);
            }
        }
        if self.faults.len() > before {
            return None;
        }
        if found.is_empty() {
            let message = "no data center has a registry of its own that this would be brought to";
            self.fault(field, message, "name a registry as HOST or HOST/PATH, or set `registry` under [dataCenters.NAME] in plimsoll.toml");
            return None;
        }
        if found.len() > MOST_TARGETS {
            self.fault(
                field,
                format!("these are {} places", found.len()),
                format!("name at most {MOST_TARGETS}"),
            );
            return None;
        }
        let mut targets: Vec<ImageTarget> =
            found.into_iter().map(|(at, names)| ImageTarget { name: names.join(", "), at }).collect();
        targets.sort();
        Some(targets)
    }

    /// A data center's place, or one below a prefix.
    fn place(&mut self, field: &str, text: &str, home: &Home, reach: Reach) -> Option<Home> {
        let dc = text.parse::<DcName>().ok().filter(|dc| self.dcs.contains(dc));
        let prefix = text.parse::<Prefix>().ok().filter(|prefix| self.registries.knows(&prefix.host));
        let at = match (dc, prefix) {
            (Some(dc), _) if reach == Reach::Elsewhere && !self.registries.near().contains_key(&dc) => {
                let message = format!("{dc} has no registry of its own: it pulls from where images name");
                self.fault(
                    field,
                    message,
                    "leave it out, or set `registry` under [dataCenters.NAME] in plimsoll.toml",
                );
                return None;
            }
            (Some(dc), _) => self.registries.at(&dc, home),
            (None, Some(from)) => Pulls { of: BTreeSet::from([home.host.clone()]), from }.home(home),
            (None, None) => {
                let message =
                    format!("{text:?} is neither a data center nor a registry of this installation");
                let dcs: Vec<&str> = self.dcs.iter().map(DcName::as_str).collect();
                self.fault(
                    field,
                    message,
                    format!(
                        "name one of {}, or one of {} with or without a path",
                        dcs.join(", "),
                        self.hosts()
                    ),
                );
                return None;
            }
        };
        match at {
            Ok(at) if reach == Reach::Elsewhere && at == *home => {
                self.fault(field, format!("{at} is where it is read"), "name another place");
                None
            }
            Ok(at) => Some(at),
            Err(error) => {
                self.fault(field, error.to_string(), "name a place with a shorter path");
                None
            }
        }
    }

    fn hosts(&self) -> String {
        self.registries.hosts().map(crate::image::Host::as_str).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::{mk_dcs, mk_registries};

    fn with<T>(read: impl FnOnce(&mut Reader<'_>) -> Option<T>) -> Result<T, Vec<String>> {
        let (registries, dcs) = (mk_registries(), mk_dcs(["dc-1", "dc-2", "dc-3"]).into_iter().collect());
        let mut reader = Reader { registries: &registries, dcs: &dcs, faults: Vec::new() };
        let read = read(&mut reader);
        reader.check(read).map_err(|error| {
            error
                .violations
                .iter()
                .map(|fault| format!("{}: {}; {}", fault.path, fault.message, fault.remedy))
                .collect()
        })
    }

    fn targets(home: &str, named: &[&str], reach: Reach) -> Result<Vec<String>, Vec<String>> {
        let (home, named) =
            (home.parse().unwrap(), named.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let targets = with(|reader| reader.targets("to", &named, &home, reach))?;
        Ok(targets.iter().map(|target| format!("{} = {}", target.name, target.at)).collect())
    }

    #[test]
    fn targets_are_data_centers_or_places_below_a_prefix() {
        const QA: &str = "qa.example.com/shop/web";
        let own = ["dc-1 = dc-1.example.com/shop/web", "dc-2 = dc-2.example.com:5000/mirror/shop/web"];
        let there = |named: &[&str]| targets(QA, named, Reach::Elsewhere).unwrap();
        assert_eq!(there(&[]), own);
        assert_eq!(there(&["dc-2", "dc-1", "dc-2"]), own);
        assert_eq!(
            there(&["dc-1.example.com/x", "qa.example.com/y"]),
            [
                "dc-1.example.com/x = dc-1.example.com/x/shop/web",
                "qa.example.com/y = qa.example.com/y/shop/web"
            ]
        );
        // The same place under two names is one target.
        assert_eq!(
            there(&["dc-1.example.com", "dc-1"]),
            ["dc-1.example.com, dc-1 = dc-1.example.com/shop/web"]
        );
        // What lies in one data center's goes to the other's.
        assert_eq!(targets("dc-1.example.com/shop/web", &[], Reach::Elsewhere).unwrap(), own[1..]);
        assert_eq!(
            targets(QA, &[], Reach::Anywhere).unwrap(),
            [own[0], own[1], "qa.example.com = qa.example.com/shop/web"]
        );
        assert_eq!(targets(QA, &["dc-3"], Reach::Anywhere).unwrap(), ["dc-3 = qa.example.com/shop/web"]);
    }

    #[test]
    fn every_fault_is_told_with_what_to_write() {
        let told = targets(
            "qa.example.com/shop/web",
            &["dc-3", "dc-9", "other.example.com/x", "qa.example.com"],
            Reach::Elsewhere,
        );
        insta::assert_yaml_snapshot!(told.unwrap_err());
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let told = with(|reader| {
            reader.subject("image", "elsewhere.example.com/x:1");
            reader.subject("image", "web:1.4@sha256:12");
            reader.repository("repository", "qa.example.com/shop/web:1.4");
            reader.tag("tag", Some("-x"));
            reader.choice(&texts(&["1.*", "a b"]), Some(0));
            reader.pace(&PaceWanted { rate: Some("50m".to_owned()), windows: texts(&["22:00"]) });
            reader.sample(Some("-1"));
            Some(())
        });
        insta::assert_yaml_snapshot!(told.unwrap_err());
    }
}
