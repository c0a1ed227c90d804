//! How a registry behaves, in words for its operator: what was found, and what comes of it.

use plimsoll_core::image::{RegistryTrait, TraitSubject};

use crate::profile::{Authentication, Catalog, Found, Profile, Reads, Refusal, Support};

/// Each finding of a profile in a sentence, with what the client does because of it.
pub(crate) fn words(profile: &Profile) -> Vec<RegistryTrait> {
    let Profile { server, authentication, catalog, referrers, deletes, reads } = profile;
    let read = |which: fn(&Reads) -> Support| match reads {
        Found::Known(reads) => Found::Known(which(reads)),
        Found::Unknown(why) => Found::Unknown(why.clone()),
    };
    let mut repositories = told(TraitSubject::Repositories, catalog, lists);
    if profile.may_drop_names() {
        let known = repositories.consequence.take().unwrap_or_default();
        repositories.consequence = Some(format!(
            "{known}; names that Distribution 3.0 and 3.1 leave out on an object store are asked for one by one, unless \
             the order of the list shows that it is on none"
        ));
    }
    vec![
        told(TraitSubject::Server, server, |server| (format!("it says that it is {server}"), None)),
        told(TraitSubject::Authentication, authentication, |asked| (asks_for(*asked), None)),
        repositories,
        told(TraitSubject::Referrers, referrers, |referrers| match referrers {
            Support::Yes => says("it lists what refers to an image", "signatures and the like are asked for"),
            Support::No => says(
                "it does not list what refers to an image",
                "signatures and the like are found, and kept, by tags named after the digest",
            ),
        }),
        told(TraitSubject::Removal, deletes, |deletes| match deletes {
            Support::Yes => says("it removes images", "image rm works there"),
            Support::No => says(
                "it does not remove images",
                "image rm is refused there, until the registry is set up to allow it",
            ),
        }),
        told(TraitSubject::Digests, &read(|reads| reads.digests), |digests| match digests {
            Support::Yes => says(
                "it says the digest of what a tag points to without sending it",
                "a tag that has not moved costs one small request",
            ),
            Support::No => says(
                "it does not say the digest of what a tag points to without sending it",
                "every manifest is read",
            ),
        }),
        told(TraitSubject::EntityTags, &read(|reads| reads.entity_tags), |tags| match tags {
            Support::Yes => {
                says("it says when a manifest is what the caller has", "such a manifest is not sent again")
            }
            Support::No => ("it sends a manifest again whether the caller has it or not".to_owned(), None),
        }),
        told(TraitSubject::Ranges, &read(|reads| reads.ranges), |ranges| match ranges {
            Support::Yes => {
                says("it gives out content from the middle", "a download that breaks goes on where it was")
            }
            Support::No => {
                says("it gives out content from the beginning only", "a download that breaks begins anew")
            }
        }),
    ]
}

fn told<T>(
    subject: TraitSubject,
    found: &Found<T>,
    tell: impl FnOnce(&T) -> (String, Option<String>),
) -> RegistryTrait {
    let (known, (finding, consequence)) = match found {
        Found::Known(found) => (true, tell(found)),
        Found::Unknown(why) => {
            let whatever = "what works with every registry is done".to_owned();
            (false, (format!("unknown: {why}"), Some(whatever).filter(|_| subject != TraitSubject::Server)))
        }
    };
    RegistryTrait { subject, known, finding, consequence }
}

fn says(finding: &str, consequence: &str) -> (String, Option<String>) {
    (finding.to_owned(), Some(consequence.to_owned()))
}

fn asks_for(authentication: Authentication) -> String {
    let what = match authentication {
        Authentication::None => "it asks nobody who they are",
        Authentication::Basic => "it asks for a password",
        Authentication::Token => "it asks for a token, which its token server gives for each repository",
    };
    what.to_owned()
}

fn lists(catalog: &Catalog) -> (String, Option<String>) {
    let Catalog { largest_page, bad_number } = catalog;
    let page = match largest_page {
        Some(size) => format!("it lists {size} repositories at a time"),
        None => "it refuses to be asked for a number of repositories".to_owned(),
    };
    let bad = match bad_number {
        Refusal::Refused => "refuses a number that is none",
        Refusal::Fails => "fails on a number that is none",
        Refusal::Taken => "takes a number that is none for its own",
    };
    let consequence = match largest_page {
        Some(size) => format!("lists are asked for {size} at a time and followed to their end"),
        None => "lists are taken in the pages that it gives and followed to their end".to_owned(),
    };
    (format!("{page}, and {bad}"), Some(consequence))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(profile: &Profile) -> String {
        let line = |RegistryTrait { subject, known, finding, consequence }: RegistryTrait| {
            let consequence = consequence.map(|words| format!(" -> {words}")).unwrap_or_default();
            format!("{subject:?} {known}: {finding}{consequence}\n")
        };
        words(profile).into_iter().map(line).collect()
    }

    #[test]
    fn every_finding_is_a_sentence_with_what_comes_of_it() {
        let yes = Profile {
            server: Found::Known("registry/2.0".to_owned()),
            authentication: Found::Known(Authentication::Token),
            catalog: Found::Known(Catalog { largest_page: Some(1000), bad_number: Refusal::Refused }),
            referrers: Found::Known(Support::Yes),
            deletes: Found::Known(Support::Yes),
            reads: Found::Known(Reads {
                digests: Support::Yes,
                entity_tags: Support::Yes,
                ranges: Support::Yes,
            }),
        };
        let no = Profile {
            server: Found::Unknown("it does not say".to_owned()),
            authentication: Found::Known(Authentication::None),
            catalog: Found::Known(Catalog { largest_page: None, bad_number: Refusal::Taken }),
            referrers: Found::Known(Support::No),
            deletes: Found::Known(Support::No),
            reads: Found::Known(Reads {
                digests: Support::No,
                entity_tags: Support::No,
                ranges: Support::No,
            }),
        };
        let unknown = Profile {
            authentication: Found::Known(Authentication::Basic),
            catalog: Found::Known(Catalog { largest_page: Some(100), bad_number: Refusal::Fails }),
            referrers: Found::Unknown("403".to_owned()),
            deletes: Found::Unknown("403".to_owned()),
            reads: Found::Unknown("no image was seen in the registry".to_owned()),
            ..no.clone()
        };
        insta::assert_snapshot!(format!("{}\n{}\n{}", lines(&yes), lines(&no), lines(&unknown)));
    }
}
