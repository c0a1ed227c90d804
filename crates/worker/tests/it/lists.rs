//! Lists: page by page, and no more read than shown.

use std::collections::BTreeSet;
use std::sync::Arc;

use plimsoll_core::error::Kind;
use plimsoll_core::ledger::{Committed, Entry, Range, Transaction, Write};
use plimsoll_core::name::OperationId;
use plimsoll_core::usecase::{OperationFilter, PageRequest};
use plimsoll_core::view::AnyOperation;
use plimsoll_ledger::MemoryLedger;
use plimsoll_ledger::faults::{Call, FaultLedger};
use serde_json::json;

use crate::dice::Dice;
use crate::support::{Bed, ann, shop};

async fn pages(bed: &Bed, filter: &OperationFilter, size: u32) -> Vec<Vec<OperationId>> {
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let page = PageRequest { size: Some(size), token };
        let page = bed.plimsoll.operations(&ann(), filter.clone(), page).await.unwrap();
        for view in &page.items {
            assert_eq!(*view, bed.plimsoll.operation(&ann(), view.id()).await.unwrap(), "whole in the list");
        }
        pages.push(page.items.iter().map(AnyOperation::id).collect());
        token = page.next;
        if token.is_none() {
            return pages;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn operations_are_listed_newest_first_page_by_page() {
    let faults = Arc::new(FaultLedger::new(Arc::new(MemoryLedger::new())));
    let bed = Bed::on(faults.clone()).await;
    let mut expected = Vec::new();
    for version in 1..=20 {
        let published = bed.apply(version, &json!({})).await;
        bed.until(published.id, |view| view.state.is_final()).await;
        expected.insert(0, published.id);
    }
    for app in [None, Some(shop())] {
        let filter = OperationFilter { app };
        for size in [1, 7, 19, 20, 21, 500] {
            let pages = pages(&bed, &filter, size).await;
            assert_eq!(pages.concat(), expected, "{filter:?} {size}");
            assert_eq!(pages.len(), 20_usize.div_ceil(size as usize), "{filter:?} {size}");
        }
    }
    let reads = faults.count(Call::Range, "operations/");
    let page = PageRequest { size: Some(2), token: None };
    bed.plimsoll.operations(&ann(), OperationFilter { app: None }, page).await.unwrap();
    assert_eq!(reads.get(), 1, "one page of all");
    bed.kill().await;
}

/// Every list that is kept in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Namespaces,
    DataCenters,
    Apps,
    AppsOfNamespace,
    Operations,
    OperationsOfApp,
    History,
}

impl List {
    const ALL: [Self; 7] = [
        Self::Namespaces,
        Self::DataCenters,
        Self::Apps,
        Self::AppsOfNamespace,
        Self::Operations,
        Self::OperationsOfApp,
        Self::History,
    ];

    /// What a page shows, each by what names it, and the token of the next.
    async fn page(self, bed: &Bed, page: PageRequest) -> Result<(Vec<String>, Option<String>), Kind> {
        let (ann, app, plimsoll) = (ann(), shop(), &bed.plimsoll);
        let all = OperationFilter { app: None };
        let of_shop = OperationFilter { app: Some(app.clone()) };
        let named = |error: plimsoll_core::error::Error| {
            assert_eq!(
                error.violations.first().map(|fault| fault.path.as_str()),
                Some("pageToken"),
                "{error}"
            );
            error.kind
        };
        macro_rules! shown {
            ($paged:expr, $name:expr) => {{
                let paged = $paged.await.map_err(named)?;
                (paged.items.into_iter().map($name).collect(), paged.next)
            }};
        }
        Ok(match self {
            Self::Namespaces => shown!(plimsoll.namespaces(&ann, page), |view| view.name.to_string()),
            Self::DataCenters => shown!(plimsoll.list_dcs(&ann, page), |view| view.name.to_string()),
            Self::Apps => shown!(plimsoll.list(&ann, None, page), |view| view.app.name.to_string()),
            Self::AppsOfNamespace => {
                shown!(plimsoll.list(&ann, Some(&app.namespace), page), |view| view.app.name.to_string())
            }
            Self::Operations => shown!(plimsoll.operations(&ann, all, page), |view| view.id().to_string()),
            Self::OperationsOfApp => {
                shown!(plimsoll.operations(&ann, of_shop, page), |view| view.id().to_string())
            }
            Self::History => {
                shown!(plimsoll.history(&ann, &app, page), |view| format!("{:016}", view.number.get()))
            }
        })
    }

    /// Whether an entry of the ledger is part of what is named so.
    fn has(self, entry: &Entry, name: &str) -> bool {
        let begin = match self {
            Self::Namespaces => "namespaces/",
            Self::DataCenters => "dcs/",
            Self::Apps | Self::AppsOfNamespace => "apps/",
            Self::Operations | Self::OperationsOfApp => {
                let part = entry.key.starts_with("operations/") || entry.key.starts_with("history/");
                return part && entry.key.split('/').any(|segment| segment == name);
            }
            Self::History => "releases/",
        };
        entry.key.starts_with(begin) && entry.key.ends_with(&format!("/{name}"))
    }
}

/// A ledger whose lists have entries that come and go.
struct Tide<'a> {
    bed: &'a Bed,
    list: List,
    /// The names that an entry was seen under, with all that belongs to it.
    known: Vec<(String, Vec<Entry>)>,
}

impl<'a> Tide<'a> {
    /// Copies what the list has under other names until there are `many`.
    async fn new(bed: &'a Bed, list: List, many: usize) -> Self {
        let entries = bed.ledger.range(&Range::prefix("")).await.unwrap().entries;
        let (names, _) = list.page(bed, PageRequest::default()).await.unwrap();
        let model = names.last().unwrap();
        let parts: Vec<&Entry> = entries.iter().filter(|entry| list.has(entry, model)).collect();
        assert!(!parts.is_empty(), "{list:?} {model}");
        let copy = |n: usize| {
            let end = model.len() - 4.min(model.len());
            let name = match list {
                List::Operations | List::OperationsOfApp | List::History => {
                    format!("{}{n:04}", &model[..end])
                }
                _ => format!("{model}-{n:02}"),
            };
            let written = |text: &str| match list {
                List::History => {
                    let number: u64 = model.parse().unwrap();
                    text.replace(model, &name)
                        .replace(&format!("\"number\":{number},"), &format!("\"number\":{n},"))
                }
                _ => text.replace(model, &name),
            };
            let part = |entry: &&Entry| Entry {
                key: written(&entry.key),
                value: written(std::str::from_utf8(&entry.value).unwrap()).into_bytes(),
                ..(*entry).clone()
            };
            let parts = parts.iter().map(part).collect();
            (name, parts)
        };
        Self { bed, list, known: (1..=many).map(copy).collect() }
    }

    async fn write(&self, writes: Vec<Write>) {
        let committed = self.bed.ledger.transact(Transaction { compares: Vec::new(), writes }).await.unwrap();
        assert!(matches!(committed, Committed::At(_)));
    }

    async fn comes(&self, entry: usize) -> String {
        let (name, parts) = &self.known[entry];
        self.write(parts.iter().map(|part| Write::Put(part.key.clone(), part.value.clone())).collect()).await;
        name.clone()
    }

    async fn goes(&self, entry: usize) -> String {
        let (name, parts) = &self.known[entry];
        self.write(parts.iter().map(|part| Write::Delete(part.key.clone())).collect()).await;
        name.clone()
    }

    /// Reads the whole list while entries come and go between its pages.
    async fn read(&self, dice: &mut Dice) {
        let some = self.known.len() as u64;
        let any = |dice: &mut Dice| usize::try_from(dice.roll(some)).unwrap();
        for entry in 0..self.known.len() {
            match dice.roll(2) {
                0 => self.comes(entry).await,
                _ => self.goes(entry).await,
            };
        }
        let size = Some(u32::try_from(1 + dice.roll(6)).unwrap());
        let everything = PageRequest { size: Some(500), token: None };
        let mut stayed: BTreeSet<String> =
            self.list.page(self.bed, everything).await.unwrap().0.into_iter().collect();
        let (mut shown, mut token) = (Vec::new(), None);
        loop {
            let (items, next) = self.list.page(self.bed, PageRequest { size, token }).await.unwrap();
            shown.extend(items);
            let Some(next) = next else { break };
            token = Some(next);
            for _ in 0..dice.roll(5) {
                let entry = any(dice);
                match dice.roll(2) {
                    0 => drop(self.comes(entry).await),
                    _ => drop(stayed.remove(&self.goes(entry).await)),
                }
            }
        }
        let all: BTreeSet<String> = shown.iter().cloned().collect();
        assert_eq!(all.len(), shown.len(), "{:?} {}: one came twice: {shown:?}", self.list, dice.0);
        let lost: Vec<_> = stayed.difference(&all).collect();
        assert!(lost.is_empty(), "{:?} {}: {lost:?} not in {shown:?}", self.list, dice.0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_and_goes_between_pages_makes_nothing_come_twice_and_loses_nothing_that_stayed() {
    for list in List::ALL {
        let bed = Bed::new().await;
        let published = bed.apply(1, &json!({})).await;
        bed.until(published.id, |view| view.state.is_final()).await;
        bed.stop().await;
        let tide = Tide::new(&bed, list, 24).await;
        for seed in 0..20 {
            tide.read(&mut Dice(seed)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_token_is_good_for_its_own_list_alone() {
    let bed = Bed::new().await;
    for version in 1..=2 {
        let published = bed.apply(version, &json!({})).await;
        bed.until(published.id, |view| view.state.is_final()).await;
    }
    bed.stop().await;
    let mut tokens = Vec::new();
    for list in List::ALL {
        Tide::new(&bed, list, 1).await.comes(0).await;
        let first = PageRequest { size: Some(1), token: None };
        tokens.push((list, list.page(&bed, first).await.unwrap().1.unwrap()));
    }
    for list in List::ALL {
        for (of, token) in &tokens {
            let page = PageRequest { size: Some(1), token: Some(token.clone()) };
            let answer = list.page(&bed, page).await;
            assert_eq!(answer.err(), (list != *of).then_some(Kind::Invalid), "{list:?} by a token of {of:?}");
        }
        for token in ["", "demo", "demo/shop", "../..", "AAAA"] {
            let page = PageRequest { size: None, token: Some(token.to_owned()) };
            assert_eq!(list.page(&bed, page).await.err(), Some(Kind::Invalid), "{list:?} {token}");
        }
    }
}
