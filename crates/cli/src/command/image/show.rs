//! What an image is and where it lies, for people.

use std::fmt::Write as _;

use plimsoll_api_rest::dto::{
    Image, ImageDataCenter, ImagePart, ImagePlace, ImagePods, ImageRelease, ImageWhereabouts,
};

use crate::output::{Table, clean};

/// How much of a line there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// As much as anybody has.
    Narrow,
    /// More.
    Wide,
}

/// How many Releases are named.
const RELEASES: usize = 10;

/// An image by its digest.
pub(super) fn pinned(repository: &str, digest: &str) -> String {
    format!("{repository}@{digest}")
}

/// What an image is, and what it says about itself.
pub(super) fn image(image: &Image) -> String {
    let Image {
        repository,
        digest,
        media_type,
        platforms,
        size,
        source,
        revision,
        version,
        created,
        authors,
        base_name,
        base_digest,
        parts,
    } = image;
    let mut text = String::new();
    let mut line = |key: &str, value: Option<String>| {
        let value = value.filter(|value| !value.is_empty()).unwrap_or_else(|| "unknown".to_owned());
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<11} {}", format!("{key}:"), clean(&value));
    };
    line("Image", Some(pinned(repository, digest)));
    line("Type", Some(media_type.clone()));
    line("Platforms", Some(platforms.join(", ")));
    line("Size", Some(bytes(*size)));
    line("Source", source.clone());
    line("Commit", revision.clone());
    line("Version", version.clone());
    line("Built", created.clone());
    line("By", authors.clone());
    let base = match (base_name, base_digest) {
        (Some(name), Some(digest)) => Some(format!("{name}@{digest}")),
        (one, other) => one.clone().or_else(|| other.clone()),
    };
    line("Base", base);
    if parts.is_empty() {
        return text.trim_end().to_owned();
    }
    let mut table = Table::new(&["PLATFORM", "DIGEST", "TYPE"]);
    for ImagePart { digest, platform, media_type } in parts {
        table.push([platform.clone().unwrap_or_default(), digest.clone(), media_type.clone()]);
    }
    format!("{text}\n{table}")
}

/// Where an image is: a line for each data center, then what keeps it.
pub(super) fn whereabouts(found: &ImageWhereabouts, room: Room) -> String {
    let ImageWhereabouts { repository, digest, there, data_centers, releases, release_count, notes: _ } =
        found;
    let mut head = vec!["DATA CENTER", "REPOSITORY", "IMAGE", "PODS", "WHY"];
    if room == Room::Wide {
        head.extend(["BLOBS", "REREAD"]);
    }
    let mut table = Table::new(&head);
    let mut row = |dc: &str, place: &ImagePlace, pods: String, why: Vec<String>| {
        let ImagePlace { repository, state, message: _, blobs, reread_blobs, faults: _ } = place;
        let mut row = vec![dc.to_owned(), repository.clone(), format!("{state:?}"), pods, why.join("; ")];
        if room == Room::Wide {
            row.extend([blobs.to_string(), reread_blobs.to_string()]);
        }
        table.push(row);
    };
    if let Some(place) = there {
        row("", place, String::new(), place.message.iter().cloned().collect());
    }
    for ImageDataCenter { data_center, place, running, running_unknown } in data_centers {
        let count: usize = running.iter().flatten().map(|of| of.pods).sum();
        let pods = if running_unknown.is_some() { "unknown".to_owned() } else { count.to_string() };
        let unread = running_unknown.iter().map(|why| format!("pods: {why}"));
        let why = place.message.iter().cloned().chain(unread).collect();
        row(data_center, place, pods, why);
    }
    let mut text = format!("{}\n\n{table}", clean(&pinned(repository, digest)));
    let places =
        there.iter().chain(data_centers.iter().map(|row| &row.place)).filter(|place| place.faults.len() > 1);
    for ImagePlace { repository, faults, .. } in places {
        for fault in faults {
            let _ = write!(text, "\n{}: {}", clean(repository), clean(fault));
        }
    }
    for ImageDataCenter { data_center, running, .. } in data_centers {
        for ImagePods { namespace, app, pods } in running.iter().flatten() {
            let pods = if *pods == 1 { "1 pod".to_owned() } else { format!("{pods} pods") };
            let _ = write!(text, "\n{}: {pods} of {namespace}/{app}", clean(data_center));
        }
    }
    text.push_str("\n\n");
    text.push_str(&kept(releases, *release_count));
    text
}

fn kept(releases: &[ImageRelease], count: usize) -> String {
    if count == 0 {
        return "no release keeps it".to_owned();
    }
    let name = |ImageRelease { namespace, app, release }: &ImageRelease| {
        format!("release {release} of {namespace}/{app}")
    };
    let named: Vec<String> = releases.iter().take(RELEASES).map(name).collect();
    let more = match count.saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    clean(&format!("kept by {}{more}", named.join(", ")))
}

/// `48.2 MiB`.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut tenths = count.saturating_mul(10);
    let mut unit = "B";
    for next in UNITS {
        if tenths < 10_240 {
            break;
        }
        tenths = (tenths + 512) / 1024;
        unit = next;
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_to_the_tenth_of_their_unit() {
        for (count, told) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (50_541_363, "48.2 MiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (173 << 30, "173.0 GiB"),
        ] {
            assert_eq!(bytes(count), told, "{count}");
        }
    }
}
