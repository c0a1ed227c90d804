//! Running an errand: an image is brought to where a data center pulls it from, unless it is there.

use super::port::{Bytes, Copy, Error, ErrorKind, ImageRegistry, Presence};
use super::registries::Errand;

/// How an image came to be where it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It was there.
    WasThere,
    /// It was copied.
    Copied,
}

impl Errand {
    /// Looks whether the image is whole where it is needed, and copies it there from the first source that has it.
    /// `on` is told how far a copy has come; it is never called where there is nothing to copy.
    ///
    /// # Errors
    /// What keeps the data center's registry from answering or taking it; else why no source gave it:
    /// [`ErrorKind::NotFound`] only if every one of them answered that it does not have it.
    pub async fn run(
        &self,
        registry: &dyn ImageRegistry,
        on: &(dyn Fn(Bytes) + Send + Sync),
    ) -> Result<Arrival, Error> {
        let missing = match registry.presence(&self.at, &self.digest).await? {
            Presence::Whole => return Ok(Arrival::WasThere),
            Presence::Incomplete(missing) => format!("{missing} parts of it are missing in {}", self.at),
            Presence::Absent => format!("it is not in {}", self.at),
        };
        let mut unsure = None;
        for from in &self.sources {
            let copy = Copy { digest: self.digest, from: from.clone(), to: self.at.clone() };
            match registry.ensure(&copy, on).await {
                Ok(_) => return Ok(Arrival::Copied),
                // Another source does not help.
                Err(error) if error.registry == self.at.host && error.registry != from.host => {
                    return Err(error);
                }
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Err(error) => unsure = unsure.or(Some(error)),
            }
        }
        if let Some(error) = unsure {
            return Err(error);
        }
        let asked: Vec<String> = self.sources.iter().map(ToString::to_string).collect();
        let nowhere = match asked.as_slice() {
            [] => "there is nowhere to copy it from".to_owned(),
            [one] => format!("{one} does not have it either"),
            several => format!("none of {} has it", several.join(", ")),
        };
        Err(Error::new(ErrorKind::NotFound, &self.at.host, format!("{missing}, and {nowhere}")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use async_trait::async_trait;
    use futures::executor::block_on;

    use super::*;
    use crate::digest::Digest;
    use crate::image::{Copied, Home, ImageDescription, Removal, Removing, Resolved, Tag};

    /// Registries that answer for one image: what is there, or why nobody knows.
    #[derive(Default)]
    struct Fake {
        there: Mutex<BTreeMap<String, Result<Presence, ErrorKind>>>,
        copies: Mutex<Vec<String>>,
    }

    impl Fake {
        fn new<const N: usize>(there: [(&str, Result<Presence, ErrorKind>); N]) -> Self {
            let there = there.into_iter().map(|(host, state)| (host.to_owned(), state)).collect();
            Self { there: Mutex::new(there), copies: Mutex::default() }
        }

        fn at(&self, home: &Home) -> Result<Presence, Error> {
            let there = self.there.lock().unwrap();
            there[home.host.as_str()].map_err(|kind| Error::new(kind, &home.host, "scripted"))
        }
    }

    #[async_trait]
    impl ImageRegistry for Fake {
        async fn resolve(&self, _: &Home, _: &Tag) -> Result<Option<Resolved>, Error> {
            unimplemented!("no errand asks for a tag")
        }

        async fn presence(&self, home: &Home, _: &Digest) -> Result<Presence, Error> {
            self.at(home)
        }

        async fn ensure(&self, copy: &Copy, on: &(dyn Fn(Bytes) + Send + Sync)) -> Result<Copied, Error> {
            if self.at(&copy.from)? != Presence::Whole {
                return Err(Error::new(ErrorKind::NotFound, &copy.from.host, "scripted"));
            }
            on(Bytes { done: 7, total: 7 });
            self.there.lock().unwrap().insert(copy.to.host.as_str().to_owned(), Ok(Presence::Whole));
            self.copies.lock().unwrap().push(format!(
                "{} -> {}",
                copy.from.host.as_str(),
                copy.to.host.as_str()
            ));
            Ok(Copied { sent: 7 })
        }

        async fn remove(&self, _: &Home, _: &Digest, _: &[Digest], _: Removing) -> Result<Removal, Error> {
            unimplemented!("no errand removes anything")
        }

        async fn describe(&self, _: &Home, _: &Digest) -> Result<Option<ImageDescription>, Error> {
            unimplemented!("no errand asks for a description")
        }
    }

    fn mk_errand(sources: &[&str]) -> Errand {
        let home = |host: &str| format!("{host}/shop/web").parse().unwrap();
        Errand {
            digest: Digest::of_bytes(b"image"),
            at: home("dc-1.io"),
            sources: sources.iter().copied().map(home).collect(),
        }
    }

    fn run(fake: &Fake, sources: &[&str]) -> Result<Arrival, (ErrorKind, String)> {
        block_on(mk_errand(sources).run(fake, &|_| {})).map_err(|error| (error.kind, error.to_string()))
    }

    #[test]
    fn what_is_whole_is_not_copied_and_what_is_not_comes_from_the_first_source_that_has_it() {
        let whole = || Ok(Presence::Whole);
        let fake = Fake::new([("dc-1.io", whole()), ("qa.io", whole())]);
        assert_eq!(run(&fake, &["qa.io"]), Ok(Arrival::WasThere));
        for lacking in [Presence::Absent, Presence::Incomplete(2)] {
            for broken in [Ok(Presence::Absent), Err(ErrorKind::Unreachable), Err(ErrorKind::Refused)] {
                let fake = Fake::new([("dc-1.io", Ok(lacking)), ("qa.io", broken), ("dc-2.io", whole())]);
                assert_eq!(run(&fake, &["qa.io", "dc-2.io"]), Ok(Arrival::Copied));
                assert_eq!(*fake.copies.lock().unwrap(), ["dc-2.io -> dc-1.io"]);
                assert_eq!(run(&fake, &["qa.io", "dc-2.io"]), Ok(Arrival::WasThere));
            }
        }
    }

    #[test]
    fn only_what_every_source_denies_is_not_found() {
        let absent = || Ok(Presence::Absent);
        let fake =
            Fake::new([("dc-1.io", Ok(Presence::Incomplete(2))), ("qa.io", absent()), ("dc-2.io", absent())]);
        let (kind, words) = run(&fake, &["qa.io", "dc-2.io"]).unwrap_err();
        assert_eq!(kind, ErrorKind::NotFound);
        assert_eq!(
            words,
            "the registry dc-1.io does not have it: 2 parts of it are missing in dc-1.io/shop/web, and none of \
             qa.io/shop/web, dc-2.io/shop/web has it"
        );
        for silent in [ErrorKind::Unreachable, ErrorKind::Refused, ErrorKind::Unsure] {
            let fake = Fake::new([("dc-1.io", absent()), ("qa.io", Err(silent)), ("dc-2.io", absent())]);
            assert_eq!(run(&fake, &["qa.io", "dc-2.io"]).unwrap_err().0, silent);
        }
    }

    #[test]
    fn while_the_own_registry_is_silent_no_source_is_asked() {
        let fake = Fake::new([("dc-1.io", Err(ErrorKind::Unreachable)), ("qa.io", Ok(Presence::Whole))]);
        let (kind, words) = run(&fake, &["qa.io"]).unwrap_err();
        assert_eq!(
            (kind, words.as_str()),
            (ErrorKind::Unreachable, "the registry dc-1.io does not answer: scripted")
        );
        assert!(fake.copies.lock().unwrap().is_empty());
    }
}
