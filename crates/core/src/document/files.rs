//! Paths in the containers: files, files from Secrets, scratch; no two of them in each other's way.

use std::collections::BTreeMap;

use plimsoll_qos::Resource;

use super::container::secret_and_key;
use super::reader::{Faults, Node, Object, shown};
use super::{Path, scale};
use crate::content::{File, Overlay, Scratch, SecretFile};
use crate::name::DcName;

pub(super) const FILE_FIELDS: &[&str] = &["path", "content", "mode"];
pub(super) const SECRET_FILE_FIELDS: &[&str] = &["path", "secret", "key", "mode"];
pub(super) const SCRATCH_FIELDS: &[&str] = &["path", "size"];
pub(super) const OVERLAY_FIELDS: &[&str] = &["env", "files"];

const MAX_FILES: usize = 100;
const MAX_SCRATCH: usize = 20;
const MAX_CONTENT: usize = 131_072;

/// The path that is always writable.
const TMP: &str = Scratch::TMP;

/// What the kernel and the container runtime keep for themselves.
const SYSTEM_PATHS: [&str; 3] = ["/proc", "/sys", "/dev"];

pub(super) fn files(node: &Node<'_>, mounts: &mut Vec<Mount>) -> Option<Vec<File>> {
    node.list(0..=MAX_FILES, |node| {
        let file = node.object(FILE_FIELDS)?;
        let path = mounted(&file, mounts);
        let content = file.required("content", |node| node.text(0..=MAX_CONTENT));
        let mode = file.or("mode", 0o644, |node| mode(&node));
        Some(File { path: path?, content: content?, mode: mode? })
    })
}

pub(super) fn secret_files(node: &Node<'_>, mounts: &mut Vec<Mount>) -> Option<Vec<SecretFile>> {
    node.list(0..=MAX_FILES, |node| {
        let file = node.object(SECRET_FILE_FIELDS)?;
        let path = mounted(&file, mounts);
        let from = secret_and_key(&file);
        let mode = file.or("mode", 0o400, |node| mode(&node));
        Some(SecretFile { path: path?, from: from?, mode: mode? })
    })
}

pub(super) fn scratch(node: &Node<'_>, mounts: &mut Vec<Mount>) -> Option<Vec<Scratch>> {
    node.list(0..=MAX_SCRATCH, |node| {
        let scratch = node.object(SCRATCH_FIELDS)?;
        let path = mounted(&scratch, mounts);
        let size = scratch.required("size", |node| node.quantity(Resource::EphemeralStorage));
        Some(Scratch { path: path?, size: size? })
    })
}

/// What is otherwise in one data center.
pub(super) fn overlays(node: &Node<'_>, seen: &mut Vec<Seen>) -> Option<BTreeMap<DcName, Overlay>> {
    node.map(scale::MAX_DCS, scale::dc_key, |node| {
        let overlay = node.object(OVERLAY_FIELDS)?;
        let mut mounts = Vec::new();
        let env = overlay.or("env", BTreeMap::new(), |node| super::container::env(&node));
        let files = overlay.or("files", Vec::new(), |node| files(&node, &mut mounts));
        let names = overlay.get("env").into_iter().flat_map(|env| env.keys()).map(str::to_owned).collect();
        seen.push(Seen { env: names, env_path: overlay.path().field("env"), files: mounts });
        Some(Overlay { env: env?, files: files? })
    })
}

/// The `path` of an item, which is told apart from all others even where the rest of the item has faults.
fn mounted(item: &Object<'_>, mounts: &mut Vec<Mount>) -> Option<String> {
    let path = item.required("path", |node| mount_path(&node))?;
    mounts.push(Mount { path: path.clone(), place: item.path().clone() });
    Some(path)
}

/// A path that something may be mounted at.
pub(super) fn mount_path(node: &Node<'_>) -> Option<String> {
    let path = node.text(1..=512)?;
    let refuse = |message: String, remedy: &str| {
        node.fault(message, remedy);
        None
    };
    let Some(relative) = path.strip_prefix('/') else {
        return refuse(format!("`{}` is not absolute", shown(&path)), "begin it with '/'");
    };
    let clean = |part: &str| !matches!(part, "" | "." | "..");
    if !relative.split('/').all(clean) {
        let message = format!("`{}` is not in its plain form", shown(&path));
        return refuse(message, "leave out '.', '..', doubled slashes and the slash at the end");
    }
    if path.contains(|c: char| c.is_control() || c == ':') {
        return refuse(
            format!("`{}` contains ':' or a control character", shown(&path)),
            "Kubernetes mounts nothing there; choose another path",
        );
    }
    if let Some(system) = SYSTEM_PATHS.iter().find(|system| **system == path || lies_in(&path, system)) {
        return refuse(format!("{system} belongs to the system"), "choose another path");
    }
    Some(path)
}

fn mode(node: &Node<'_>) -> Option<u32> {
    const REMEDY: &str = "write permission bits in octal and in quotes, such as \"0644\"";
    let Some(text) = node.as_str() else {
        node.fault("permission bits must be a text, because a number is read as decimal", REMEDY);
        return None;
    };
    let digits = if text.len() == 4 { text.strip_prefix('0').unwrap_or("") } else { text };
    let octal = digits.len() == 3 && digits.bytes().all(|b| (b'0'..=b'7').contains(&b));
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if octal => Some(mode),
        _ => {
            node.fault(format!("`{}` are no permission bits", shown(text)), REMEDY);
            None
        }
    }
}

/// A path in the containers and its place in the document.
#[derive(Clone)]
pub(super) struct Mount {
    path: String,
    place: Path,
}

/// What was seen of one data center's overlay, whether it is without fault or not.
pub(super) struct Seen {
    /// The names of its variables.
    pub(super) env: Vec<String>,
    /// Where they stand.
    pub(super) env_path: Path,
    /// Its files.
    pub(super) files: Vec<Mount>,
}

/// Faults where one path is another, or lies in another.
pub(super) fn no_overlaps(mounts: &[Mount], faults: &Faults) {
    for (position, mount) in mounts.iter().enumerate() {
        report(mount, mounts.iter().take(position), faults);
    }
}

/// The same for the files of one data center, which take the place of the App's files of equal path.
pub(super) fn no_overlaps_in_overlay(
    overlay: &[Mount],
    base_files: &[Mount],
    others: &[Mount],
    faults: &Faults,
) {
    for (position, mount) in overlay.iter().enumerate() {
        let kept = base_files.iter().filter(|base| base.path != mount.path);
        report(mount, overlay.iter().take(position).chain(others).chain(kept), faults);
    }
}

fn report<'a>(mount: &Mount, mut others: impl Iterator<Item = &'a Mount>, faults: &Faults) {
    let in_the_way = |other: &&Mount| {
        mount.path == other.path || lies_in(&mount.path, &other.path) || lies_in(&other.path, &mount.path)
    };
    let place = mount.place.field("path");
    if let Some(other) = others.find(in_the_way) {
        let message = format!("{} and {} of {} overlap", shown(&mount.path), shown(&other.path), other.place);
        faults.put(&place, message, "choose paths of which none lies in the other");
    } else if lies_in(&mount.path, TMP) {
        let message = format!("{} lies in /tmp, which is scratch", shown(&mount.path));
        faults.put(&place, message, "choose a path outside /tmp");
    }
}

/// Faults where a file stands at `/tmp` itself, which only scratch may, to set its size.
pub(super) fn no_file_at_tmp(files: &[Mount], faults: &Faults) {
    for file in files.iter().filter(|file| file.path == TMP) {
        faults.put(&file.place.field("path"), "/tmp is scratch", "choose another path");
    }
}

fn lies_in(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}
