//! Names that Distribution 3.0 and 3.1 leave out of their lists on an object store
//! (<https://github.com/distribution/distribution/issues/4903>).
//!
//! The store gives `a-b` and `a.b` before `a/c`, as their bytes are; the registry counts `a` and everything below it as
//! before `a-b`. So a page that ends with `a-b` is followed by one without `a` and without all that is below it. They are
//! asked for by a list that begins before them, behind a name that nobody has; where its page ends too early as well, it
//! is told that they may be there.

use std::collections::{BTreeSet, HashSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use plimsoll_core::image::Repository;

use super::Cause;
use crate::client::{Registry, found};
use crate::error::Error;

/// So many names are asked for at most.
const MOST_SUSPECTS: usize = 2_000;

/// What is looked for beside a list.
pub(super) struct Search<'a> {
    registry: &'a Registry,
    known: HashSet<Repository>,
    found: Vec<Repository>,
    causes: Vec<Cause>,
}

impl<'a> Search<'a> {
    /// Knows what was listed.
    pub(super) fn new(registry: &'a Registry, listed: &[Repository]) -> Self {
        Self { registry, known: listed.iter().cloned().collect(), found: Vec::new(), causes: Vec::new() }
    }

    /// Asks for what pages that ended with these names may have hidden, and for what the names that are known by then
    /// begin with; gives what was found, and what is known to be missing.
    pub(super) async fn run(
        mut self,
        borders: BTreeSet<String>,
    ) -> Result<(Vec<Repository>, Vec<Cause>), Error> {
        let mut asked = BTreeSet::new();
        let mut suspects: Vec<Repository> = borders.iter().flat_map(|border| hidden_by(border)).collect();
        while let Some(suspect) = suspects.pop() {
            if asked.len() >= MOST_SUSPECTS {
                self.causes.push(Cause::Bound(MOST_SUSPECTS));
                break;
            }
            if asked.insert(suspect.clone()) {
                suspects.extend(self.list(&suspect).await?);
            }
        }
        self.ask_above().await?;
        Ok((self.found, self.causes))
    }

    /// Lists a name and what is below it; the answer is what the pages of that list may have hidden.
    async fn list(&mut self, name: &Repository) -> Result<Vec<Repository>, Error> {
        let below = format!("{name}/");
        let mut suspects = Vec::new();
        let mut listing = self.registry.repositories_behind(Some(before(name)))?;
        while let Some(page) = listing.next_page().await? {
            for item in page.items {
                if item == *name || item.as_str().starts_with(&below) {
                    self.note(item);
                }
            }
            let Some(border) = listing.border() else { break };
            if hidden_by(&border).any(|hidden| hidden == *name) {
                self.causes.push(Cause::Hidden(name.to_string()));
                break;
            }
            // Behind everything that is looked for, as the store sees it.
            if format!("{border}/") > below && !border.starts_with(&below) {
                break;
            }
            suspects.extend(hidden_by(&border));
        }
        Ok(suspects)
    }

    /// Asks for what known names begin with: `a` and `a/b` of `a/b/c`.
    async fn ask_above(&mut self) -> Result<(), Error> {
        let above = |name: &Repository| -> Vec<Repository> {
            let cuts = name.as_str().match_indices('/').map(|(at, _)| &name.as_str()[..at]);
            cuts.filter_map(|cut| cut.parse().ok()).collect()
        };
        let suspects: BTreeSet<Repository> =
            self.known.iter().flat_map(above).filter(|suspect| !self.known.contains(suspect)).collect();
        let asked: Vec<(Repository, bool)> = stream::iter(suspects.into_iter().take(MOST_SUSPECTS + 1))
            .map(async |suspect| {
                // On an object store, what only has something below it is answered like a repository without tags.
                let page = found(self.registry.tags(&suspect)?.next_page().await)?.flatten();
                Ok::<_, Error>((suspect, page.is_some_and(|page| !page.items.is_empty())))
            })
            .buffered(8)
            .try_collect()
            .await?;
        if asked.len() > MOST_SUSPECTS {
            self.causes.push(Cause::Bound(MOST_SUSPECTS));
        }
        for (suspect, _) in asked.into_iter().filter(|(_, there)| *there) {
            self.note(suspect);
        }
        Ok(())
    }

    fn note(&mut self, name: Repository) {
        if self.known.insert(name.clone()) {
            self.causes.push(Cause::Unlisted(name.to_string()));
            self.found.push(name);
        }
    }
}

/// Whether a list is in the order that the registry counts in, not in that of an object store: it keeps files, and leaves
/// nothing out. A list that is in both says nothing.
pub(super) fn is_in_own_order(listed: &[Repository]) -> bool {
    let of_store = |name: &Repository| format!("{name}/");
    listed.windows(2).any(|pair| of_store(&pair[0]) > of_store(&pair[1]))
}

/// What a page that ends with this name hides, should it be there: `a` of `a-b`.
fn hidden_by(border: &str) -> impl Iterator<Item = Repository> {
    border.match_indices(['-', '.']).filter_map(|(at, _)| border[..at].parse().ok())
}

/// What comes shortly before a name and is none itself.
fn before(name: &Repository) -> String {
    let (rest, last) = name.as_str().split_at(name.as_str().len() - 1);
    match last.bytes().next() {
        Some(last) if last != b'0' && last != b'a' => format!("{rest}{}~", char::from(last - 1)),
        // Before them are signs that names are parted by.
        Some(b'a') => format!("{rest}9~"),
        _ => format!("{rest}-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_ends_with_a_dash_or_a_dot_in_its_name_hides_what_is_before_it() {
        let hidden = |border: &str| hidden_by(border).map(String::from).collect::<Vec<_>>();
        assert_eq!(hidden("team-1/app-x.y"), ["team", "team-1/app", "team-1/app-x"]);
        assert_eq!(hidden("team/app_x"), Vec::<String>::new());
        // What is between two dashes is no end of a name.
        assert_eq!(hidden("a--b"), ["a"]);
    }

    #[test]
    fn what_is_before_a_name_is_before_it_in_either_order() {
        for name in ["b", "a", "0", "team/x", "team/app0", "v10", "a9"] {
            let (name, before): (Repository, _) = (name.parse().unwrap(), before(&name.parse().unwrap()));
            let as_registry = |name: &str| name.replace('/', "\0");
            assert!(before.as_str() < name.as_str(), "{name} {before}");
            assert!(as_registry(&before) < as_registry(name.as_str()), "{name} {before}");
            assert!(before.parse::<Repository>().is_err(), "{name} {before}");
        }
    }
}
