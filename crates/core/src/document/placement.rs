//! What stands in different parts of a document and must fit together: names of data centers.

use super::Path;
use super::reader::{Faults, MAX_FAULTS};
use crate::content::Overlay;
use crate::error::Violation;
use crate::name::DcName;
use crate::policy::{PublishPolicy, Succeed};
use crate::scale::{Placement, Scale};
use std::collections::BTreeMap;

/// Faults where a part names a data center in which the App is not placed, or waits for more than there are.
///
/// Nothing is checked against the data centers of the installation: admission knows them, a document does
/// not.
pub(super) fn check(
    scale: &Scale,
    overlays: Option<&BTreeMap<DcName, Overlay>>,
    publish: Option<&PublishPolicy>,
    faults: &Faults,
) {
    let Placement::Only(placed) = &scale.placement else { return };
    let spec = Path::root().field("spec");
    let expect_placed = |dc: &DcName, path: &Path| {
        if !scale.placement.names(dc) {
            let message = format!("the App is not placed in `{dc}`");
            faults.put(path, message, "add it to spec.scale.placement, or leave it out here");
        }
    };
    let exceptions = spec.field("scale").field("exceptions");
    for dc in scale.exceptions.keys() {
        expect_placed(dc, &exceptions.field(dc.as_str()));
    }
    for dc in overlays.into_iter().flat_map(BTreeMap::keys) {
        expect_placed(dc, &spec.field("dataCenters").field(dc.as_str()));
    }
    let Some(publish) = publish else { return };
    for (number, wave) in publish.waves.iter().enumerate() {
        for (position, dc) in wave.iter().enumerate() {
            expect_placed(dc, &spec.field("publish").field("order").index(number).index(position));
        }
    }
    if let Succeed::AtLeast(wanted) = publish.succeed
        && usize::try_from(wanted).is_ok_and(|wanted| wanted > placed.len())
    {
        let message = format!("{wanted} data centers cannot succeed where {} are placed", placed.len());
        let remedy = format!("write All, or {} at most", placed.len());
        faults.put(&spec.field("publish").field("succeed"), message, remedy);
    }
}

/// Every data center of the document that the installation lacks.
pub(super) fn foreign(named: &[(Path, DcName)], known: &[DcName]) -> Vec<Violation> {
    let remedy = match known {
        [] => "there is none yet; add it with `plimsoll dc add`".to_owned(),
        _ => format!("name one of {}", known.iter().map(DcName::as_str).collect::<Vec<_>>().join(", ")),
    };
    named
        .iter()
        .filter(|(_, dc)| !known.contains(dc))
        .map(|(path, dc)| {
            let message = format!("there is no data center {dc}");
            Violation::new(path.to_string(), message, remedy.clone())
        })
        .take(MAX_FAULTS)
        .collect()
}

/// A fault where the policy needs more data centers than the installation has for this scale.
pub(super) fn check_reach(
    scale: &Scale,
    publish: &PublishPolicy,
    known: &[DcName],
    faults: &mut Vec<Violation>,
) {
    let placed = known.iter().filter(|dc| scale.of(dc).at_most() > 0).count();
    let path = Path::root().field("spec").field("publish").field("succeed").to_string();
    if let Succeed::AtLeast(n) = publish.succeed
        && n as usize > placed
        && faults.iter().all(|known| known.path != path)
    {
        let message = format!("asks for {n} data centers, and the app is placed in {placed}");
        faults.push(Violation::new(path, message, format!("ask for {placed} at most, or for all")));
    }
}
