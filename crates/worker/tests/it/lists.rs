//! Lists: page by page, and no more read than shown.

use std::sync::Arc;

use plimsoll_core::name::OperationId;
use plimsoll_core::usecase::{OperationFilter, PageRequest};
use plimsoll_ledger::MemoryLedger;
use plimsoll_ledger::faults::{Call, FaultLedger};
use serde_json::json;

use crate::support::{Bed, ann, shop};

async fn pages(bed: &Bed, filter: &OperationFilter, size: u32) -> Vec<Vec<OperationId>> {
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let page = PageRequest { size: Some(size), token };
        let page = bed.plimsoll.operations(&ann(), filter.clone(), page).await.unwrap();
        for view in &page.items {
            assert_eq!(*view, bed.plimsoll.operation(&ann(), view.id).await.unwrap(), "whole in the list");
        }
        pages.push(page.items.iter().map(|view| view.id).collect());
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
