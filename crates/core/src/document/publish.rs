//! How a Release travels.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::reader::Node;
use super::scale::{MAX_DCS, dc};
use crate::name::DcName;
use crate::policy::{OnFailure, PublishPolicy, Succeed};

pub(super) const FIELDS: &[&str] = &["order", "succeed", "soak", "deadline", "onFailure"];

const SOAK: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(24);
const DEADLINE: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_hours(24);

pub(super) fn read(node: &Node<'_>) -> Option<PublishPolicy> {
    let publish = node.object(FIELDS)?;
    let default = PublishPolicy::default();
    let waves = publish.or("order", default.waves, |node| order(&node));
    let succeed = publish.or("succeed", default.succeed, |node| succeed(&node));
    let soak = publish.or("soak", default.soak, |node| node.duration(SOAK));
    let deadline = publish.or("deadline", default.deadline, |node| node.duration(DEADLINE));
    let on_failure = publish.or("onFailure", default.on_failure, |node| {
        node.one_of(&[("Hold", OnFailure::Hold), ("Rollback", OnFailure::Rollback)])
    });
    Some(PublishPolicy {
        waves: waves?,
        succeed: succeed?,
        soak: soak?,
        deadline: deadline?,
        on_failure: on_failure?,
    })
}

fn order(node: &Node<'_>) -> Option<Vec<Vec<DcName>>> {
    let mut seen = BTreeSet::new();
    node.list(0..=MAX_DCS, |wave| {
        if let Some(name) = wave.as_str() {
            let remedy = format!("write a list even around one name: [{}]", super::reader::shown(name));
            wave.fault("a wave is a list of data centers", remedy);
            return None;
        }
        wave.list(1..=MAX_DCS, |node| {
            let dc = dc(&node)?;
            if !seen.insert(dc.clone()) {
                node.fault(format!("`{dc}` stands in the order twice"), "name it once");
                return None;
            }
            Some(dc)
        })
    })
}

/// How many data centers must take a Release.
pub(super) fn succeed(node: &Node<'_>) -> Option<Succeed> {
    if node.is_number() {
        let most = u32::try_from(MAX_DCS).unwrap_or(u32::MAX);
        return node.whole(1..=most).map(Succeed::AtLeast);
    }
    node.exactly("All", Some("a number from 1 to 32")).map(|()| Succeed::All)
}
