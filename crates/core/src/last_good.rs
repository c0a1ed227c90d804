//! What an App can go back to: the newest Release that succeeded, was not rolled back from, and has another content.

use std::collections::BTreeSet;

use crate::digest::Digest;
use crate::name::ReleaseNumber;
use crate::record::{Release, Verdict};

/// The newest Release below `before` that succeeded, with other content than this if there is one to avoid, and whose
/// content was not rolled back from since: what a rollback without a number takes.
pub fn last_good<'a>(
    releases: &'a [(Release, Verdict)],
    before: ReleaseNumber,
    other_than: Option<&Digest>,
) -> Option<&'a (Release, Verdict)> {
    ways_back(releases, before, other_than).next()
}

/// What one rollback after the other would take, each without a number: every way back has a content that those
/// before it have not.
pub fn ways_back<'a>(
    releases: &'a [(Release, Verdict)],
    before: ReleaseNumber,
    other_than: Option<&Digest>,
) -> impl Iterator<Item = &'a (Release, Verdict)> {
    let mut left: BTreeSet<Digest> = other_than.into_iter().copied().collect();
    releases.iter().rev().filter(move |(release, verdict)| {
        // A Release that was rolled back from taints every earlier one with the same content.
        if verdict.rolled_back.is_some() {
            left.insert(release.content);
        }
        verdict.succeeded.is_some() && release.number < before && left.insert(release.content)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_release(number: u64, content: &str, succeeded: bool, rolled_back: bool) -> (Release, Verdict) {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let release = Release {
            number: ReleaseNumber::try_from(number).unwrap(),
            content: Digest::of_bytes(content.as_bytes()),
            previous: None,
            image: String::new(),
            operation: uuid::Uuid::from_u128(u128::from(number)).into(),
            back_to: None,
            by: "ann".to_owned(),
            reason: None,
            created: at,
        };
        (release, Verdict { succeeded: succeeded.then_some(at), rolled_back: rolled_back.then_some(at) })
    }

    fn target(releases: &[(Release, Verdict)]) -> Option<u64> {
        let (head, _) = releases.last().unwrap();
        last_good(releases, head.number, Some(&head.content)).map(|(release, _)| release.number.get())
    }

    #[test]
    fn a_rollback_takes_the_newest_success_of_other_content() {
        let one = mk_release(1, "a", true, false);
        let failed = mk_release(2, "b", false, false);
        let three = mk_release(3, "c", true, false);
        assert_eq!(target(&[one.clone(), failed.clone(), three.clone()]), Some(1));
        assert_eq!(target(&[one.clone(), three.clone(), mk_release(4, "d", false, false)]), Some(3));
        assert_eq!(
            target(&[one.clone(), mk_release(2, "a", false, false)]),
            None,
            "the same content is no way back"
        );
        assert_eq!(target(&[failed.clone(), three]), None);
    }

    #[test]
    fn a_second_rollback_goes_further_back_and_never_forward() {
        // 3 was rolled back from, to 2 (as 4); then 4, too, turned out bad.
        let releases = [
            mk_release(1, "a", true, false),
            mk_release(2, "b", true, false),
            mk_release(3, "c", true, true),
            mk_release(4, "b", true, false),
        ];
        assert_eq!(target(&releases), Some(1));
        let mut further = releases.to_vec();
        further[3].1.rolled_back = Some(jiff::Timestamp::UNIX_EPOCH);
        further.push(mk_release(5, "a", true, false));
        assert_eq!(target(&further), None, "2 has the content of 4, which was rolled back from");
    }
}
