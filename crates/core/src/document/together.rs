//! What stands in different parts of a document and must fit together, other than data centers ([`super::placement`]).
//!
//! Each check reads the values that it is about by itself: that another value has a fault hides nothing here.

use std::collections::BTreeSet;

use plimsoll_qos::{GradeRule, Quantity, Resource, qos_class};
use serde_json::Value;

use super::container;
use super::files::{self, Mount};
use super::reader::{Faults, Node, Object};
use crate::content::{Content, MAX_CONTENT, Scratch, Size};
use crate::shape::pod;

/// Faults where paths are in each other's way.
pub(super) fn check_paths(
    own: &[Mount],
    secret: &[Mount],
    writable: &[Mount],
    overlays: &[files::Seen],
    faults: &Faults,
) {
    files::no_file_at_tmp(own, faults);
    files::no_file_at_tmp(secret, faults);
    files::no_overlaps(&[own, secret, writable].concat(), faults);
    let others = [secret, writable].concat();
    for overlay in overlays {
        files::no_file_at_tmp(&overlay.files, faults);
        files::no_overlaps_in_overlay(&overlay.files, own, &others, faults);
    }
}

/// Faults where an overlay sets a variable that comes from a Secret.
pub(super) fn check_variables(overlays: &[files::Seen], spec: &Object<'_>) {
    let secrets: BTreeSet<&str> =
        spec.get("envFromSecrets").into_iter().flat_map(|secrets| secrets.keys()).collect();
    for overlay in overlays {
        for name in overlay.env.iter().filter(|name| secrets.contains(name.as_str())) {
            let path = overlay.env_path.field(name.as_str());
            let remedy = "leave it out here, or move it from envFromSecrets to env";
            spec.faults().put(&path, "this variable comes from a Secret", remedy);
        }
    }
}

/// A fault where the scratch paths may hold more than the pod.
pub(super) fn check_disk(spec: &Object<'_>) {
    let Some((promised, limit)) = disk(spec).filter(|(promised, limit)| promised > limit) else { return };
    spec.faults().put(
        &spec.path().field("size").field("ephemeralStorage"),
        format!(
            "the scratch paths may hold {promised} together, with the /tmp of each container, the pod only {limit}"
        ),
        format!(
            "write {promised} or more, and room for logs, or make scratch paths smaller; /tmp has {} where \
             `scratch` gives it no other size",
            Scratch::default_tmp()
        ),
    );
}

/// The disk that scratch promises at least, and the disk that the pod may use.
///
/// A pod without a limit on the main container's disk has none that could be compared, and nothing is known where a
/// limit or a path cannot be read.
fn disk(spec: &Object<'_>) -> Option<(Quantity, Quantity)> {
    let nobody = Faults::default();
    let amount = |node: Node<'_>| node.silently(&nobody).quantity(Resource::EphemeralStorage);
    let main = spec.get("size")?.get("ephemeralStorage").and_then(amount)?;
    let sidecars = siblings(spec, "sidecars")?;
    let beside = sidecars.iter().filter_map(|sidecar| sidecar.get("size")?.get("ephemeralStorage"));
    let beside: Vec<Quantity> = beside.map(amount).collect::<Option<_>>()?;
    let scratch = siblings(spec, "scratch")?.into_iter().map(|scratch| {
        let path = scratch.get("path").and_then(|path| files::mount_path(&path.silently(&nobody)))?;
        let size = scratch.get("size").and_then(amount).unwrap_or_else(|| Quantity::from_units(0));
        Some(Scratch { path, size })
    });
    let scratch: Vec<Scratch> = scratch.collect::<Option<_>>()?;
    let steps = siblings(spec, "init").map_or(0, |steps| steps.len());
    let limit = std::iter::once(main).chain(beside).sum();
    Some((Scratch::of_a_pod(&scratch, 1 + steps + sidecars.len()), limit))
}

/// The items of a list; `None` where there is something else, or the list has another name.
fn siblings<'a>(spec: &Object<'a>, field: &str) -> Option<Vec<Node<'a>>> {
    match spec.get(field) {
        Some(list) => list.is_list().then(|| list.items().collect()),
        None => spec.lacks(field).then(Vec::new),
    }
}

/// A fault where the whole is too large to be kept: as it is, or, where it could not be read, as far as it would be
/// kept word for word.
pub(super) fn check_bytes(content: Option<&Content>, spec: &Object<'_>) {
    let (bytes, least) = match content {
        Some(content) => (serde_json_canonicalizer::to_vec(content).map_or(0, |bytes| bytes.len()), ""),
        None => (verbatim(spec), "at least "),
    };
    if bytes > MAX_CONTENT {
        spec.fault(
            format!("what becomes the Release has {least}{bytes} bytes, {MAX_CONTENT} at most"),
            "move large files into the image or into a volume",
        );
    }
}

/// The bytes of all texts that a Release has as they are written.
fn verbatim(spec: &Object<'_>) -> usize {
    const KEPT: [&str; 7] = ["command", "args", "env", "files", "init", "sidecars", "dataCenters"];
    KEPT.iter().filter_map(|field| spec.get(field)).map(|node| texts(node.value())).sum()
}

fn texts(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(texts).sum(),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| *name != "size" && *name != "probes");
            kept.map(|(_, value)| texts(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// A fault where the pods would get another QoS class than their grade says: what is so small that rounding up takes
/// the oversell away would be Guaranteed, which nobody meant to give it.
pub(super) fn check_class(rule: &GradeRule, spec: &Object<'_>) {
    let Some((main, init, sidecars)) = sizes(spec) else { return };
    // The names of containers decide nothing.
    let (init, sidecars): (Vec<_>, Vec<_>) =
        (init.iter().map(|size| ("", size)).collect(), sidecars.iter().map(|size| ("", size)).collect());
    let pod = pod(&rule.name, &rule.terms(), &main, &init, &sidecars);
    let found = qos_class(&pod.defaulted());
    if found.class != rule.qos_class {
        spec.faults().put(
            &spec.path().field("size"),
            format!(
                "pods of this size would be {} and not {}, as the grade `{}` is: {}",
                found.class, rule.qos_class, rule.name, found.because
            ),
            "write more CPU or memory, of which rounding up leaves something to sell",
        );
    }
}

/// The sizes of main container, init steps and sidecars, if all can be read.
fn sizes(spec: &Object<'_>) -> Option<(Size, Vec<Size>, Vec<Size>)> {
    let nobody = Faults::default();
    let size = |node: Option<Node<'_>>| container::size(&node?.silently(&nobody));
    let all = |field: &str| -> Option<Vec<Size>> {
        siblings(spec, field)?.iter().map(|node| size(node.get("size"))).collect()
    };
    Some((size(spec.get("size"))?, all("init")?, all("sidecars")?))
}
