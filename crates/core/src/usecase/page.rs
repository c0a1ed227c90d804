//! Pages of lists.
//!
//! A page begins strictly behind a place in the order of its list, whether anything stands there still or not. So
//! what comes and goes between two pages makes nothing come twice, and nothing that stayed be left out. A token is
//! that place, bound to the list that it belongs to; it is opaque, and what it holds may change with its version.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::digest::Digest;
use crate::error::{Error, Violation};
use crate::ledger::Direction;
use crate::view::Paged;

/// Which page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many items, 1 to [`MAX_PAGE_SIZE`]; more is taken as that many; none: [`DEFAULT_PAGE_SIZE`].
    pub size: Option<u32>,
    /// What the page before answered; none: the first page.
    pub token: Option<String>,
}

/// The most items on a page.
pub const MAX_PAGE_SIZE: u32 = 500;
/// How many items a page has if nobody says.
pub const DEFAULT_PAGE_SIZE: u32 = 50;

/// The form that tokens have now.
const VERSION: char = '1';

/// Digits that bind a token to its list: enough that none of another list, and no slip, passes.
const SEAL: usize = 16;

/// The longest place in a list, and the longest token of one.
const MAX_PLACE: usize = 256;
const MAX_TOKEN: usize = (1 + SEAL + MAX_PLACE) * 4 / 3 + 1;

/// A list that is shown in pages: by its name, which no other list has, and the order of its places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing<'a> {
    /// The front part of its keys in the ledger.
    pub(super) name: &'a str,
    /// Which way the places go.
    pub(super) direction: Direction,
}

impl PageRequest {
    /// How many items are asked for.
    pub(super) fn limit(&self) -> Result<usize, Error> {
        match self.size {
            None => Ok(DEFAULT_PAGE_SIZE as usize),
            Some(0) => Err(Error::invalid(
                "the page size is 0",
                vec![Violation::new(
                    "pageSize",
                    "is 0",
                    format!("ask for 1 to {MAX_PAGE_SIZE}, or leave it out"),
                )],
            )),
            Some(size) => Ok(size.min(MAX_PAGE_SIZE) as usize),
        }
    }
}

impl Listing<'_> {
    /// The place that a page begins behind; none: at the beginning.
    pub(super) fn place(&self, page: &PageRequest) -> Result<Option<String>, Error> {
        let Some(token) = &page.token else { return Ok(None) };
        self.open(token).map(Some).ok_or_else(|| {
            Error::invalid(
                "the page token is not one of this list",
                vec![Violation::new(
                    "pageToken",
                    "was not answered by this list",
                    "send the token of the page before, or none for the first page",
                )],
            )
        })
    }

    /// The token of the page behind `place`.
    pub(super) fn token(&self, place: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{VERSION}{}{place}", self.seal(place)))
    }

    fn open(&self, token: &str) -> Option<String> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let (seal, place) = text.strip_prefix(VERSION)?.split_at_checked(SEAL)?;
        let is_place = (1..=MAX_PLACE).contains(&place.len()) && place.bytes().all(|b| b.is_ascii_graphic());
        (is_place && seal == self.seal(place)).then(|| place.to_owned())
    }

    fn seal(&self, place: &str) -> String {
        Digest::of_bytes(format!("{}\n{place}", self.name).as_bytes()).short(SEAL)
    }

    /// A page of what is in memory already, in the order of this list; `place` says where an item stands.
    pub(super) fn page_of<T>(
        &self,
        items: impl Iterator<Item = T>,
        page: &PageRequest,
        place: impl Fn(&T) -> String,
    ) -> Result<Paged<T>, Error> {
        let limit = page.limit()?;
        let before = self.place(page)?;
        let is_behind = |item: &T| match (&before, self.direction) {
            (None, _) => true,
            (Some(before), Direction::Up) => place(item) > *before,
            (Some(before), Direction::Down) => place(item) < *before,
        };
        let mut rest = items.skip_while(|item| !is_behind(item));
        let shown: Vec<T> = rest.by_ref().take(limit).collect();
        let next = match (shown.last(), rest.next()) {
            (Some(last), Some(_)) => Some(self.token(&place(last))),
            _ => None,
        };
        Ok(Paged::new(shown, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const APPS: Listing<'_> = Listing { name: "apps/", direction: Direction::Up };

    fn page(size: u32, token: Option<String>) -> PageRequest {
        PageRequest { size: Some(size), token }
    }

    #[test]
    fn a_token_opens_its_own_list_alone() {
        let token = APPS.token("demo/shop");
        assert_eq!(APPS.place(&page(1, Some(token.clone()))).unwrap().as_deref(), Some("demo/shop"));
        assert!(!token.contains("demo"), "{token} is opaque");
        let other = Listing { name: "apps/demo/", ..APPS };
        let mut longer = token.clone();
        longer.push_str("AAAA");
        for (list, token) in [
            (other, token.as_str()),
            (APPS, "demo/shop"),
            (APPS, ""),
            (APPS, &token[1..]),
            (APPS, &token[..token.len() - 1]),
            (APPS, &longer),
            (APPS, &"A".repeat(10_000)),
        ] {
            let error = list.place(&page(1, Some(token.to_owned()))).unwrap_err();
            assert_eq!(error.violations.len(), 1, "{token}");
            assert_eq!(error.violations[0].path, "pageToken", "{token}");
        }
    }

    proptest! {
        #[test]
        fn no_other_text_is_a_token(text in "[A-Za-z0-9_-]{0,80}", place in "[a-z0-9/-]{1,256}") {
            prop_assert!(APPS.place(&page(1, Some(text))).is_err());
            prop_assert_eq!(APPS.place(&page(1, Some(APPS.token(&place)))).unwrap(), Some(place));
        }

        /// Names come and go between the pages.
        #[test]
        fn nothing_comes_twice_and_nothing_that_stayed_is_left_out(
            first in prop::collection::btree_set(0_u32..60, 0..40),
            changes in prop::collection::vec(prop::collection::vec((0_u32..60, any::<bool>()), 0..6), 0..30),
            size in 1_u32..8,
            down in any::<bool>(),
        ) {
            let direction = if down { Direction::Down } else { Direction::Up };
            let list = Listing { name: "releases/x/", direction };
            let mut there = first;
            let mut stayed = there.clone();
            let mut shown = Vec::new();
            let mut token = None;
            let mut changes = changes.into_iter();
            loop {
                let order: Vec<u32> = match direction {
                    Direction::Up => there.iter().copied().collect(),
                    Direction::Down => there.iter().rev().copied().collect(),
                };
                let paged = list.page_of(order.into_iter(), &page(size, token), |n| format!("{n:04}")).unwrap();
                shown.extend(paged.items);
                token = paged.next;
                if token.is_none() {
                    break;
                }
                for (n, comes) in changes.next().unwrap_or_default() {
                    if comes {
                        there.insert(n);
                    } else {
                        there.remove(&n);
                        stayed.remove(&n);
                    }
                }
            }
            let all: BTreeSet<u32> = shown.iter().copied().collect();
            prop_assert_eq!(all.len(), shown.len(), "one came twice: {:?}", shown);
            prop_assert!(stayed.is_subset(&all), "{:?} of {:?}", shown, stayed);
        }
    }
}
