//! Sessions of uploads.

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::answer::{error, respond};
use crate::habits::{Habits, Mounts};
use crate::store::{Store, digest_like};

/// POST to `…/blobs/uploads/`.
pub(crate) fn open(store: &mut Store, habits: &Habits, repository: &str, query: &str) -> Response {
    let param = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let decoded = |value: &str| value.replace("%3A", ":").replace("%2F", "/");
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).next()
    };
    if let Some(digest) = param("mount") {
        match habits.mounts {
            Mounts::Unknown => return error(405, "UNSUPPORTED", "no mounts here"),
            Mounts::Missing => return error(404, "NAME_UNKNOWN", "no such repository"),
            Mounts::Declined => {}
            Mounts::Done => {
                let from = param("from").unwrap_or_default();
                let source =
                    store.repositories.get(&from).and_then(|source| source.blobs.get(&digest)).cloned();
                if let Some(bytes) = source {
                    store
                        .repositories
                        .entry(repository.to_owned())
                        .or_default()
                        .blobs
                        .insert(digest.clone(), bytes);
                    let location = format!("/v2/{repository}/blobs/{digest}");
                    return respond(201, &[("location", &location), ("docker-content-digest", &digest)], "");
                }
            }
        }
    }
    store.next_session += 1;
    let id = store.next_session.to_string();
    store.sessions.insert(id.clone(), Vec::new());
    let location = format!("/v2/{repository}/blobs/uploads/{id}?state=0");
    match habits.min_chunk {
        Some(min) => respond(202, &[("location", &location), ("oci-chunk-min-length", &min.to_string())], ""),
        None => respond(202, &[("location", &location)], ""),
    }
}

/// PATCH, PUT, GET and DELETE of a session.
pub(crate) fn go_on(
    store: &mut Store,
    method: &Method,
    repository: &str,
    id: &str,
    query: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    let Some(held) = store.sessions.get_mut(id) else {
        return error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
    };
    let location = |held: &[u8]| format!("/v2/{repository}/blobs/uploads/{id}?state={}", held.len());
    let range = |held: &[u8]| format!("0-{}", held.len().saturating_sub(1));
    match method.as_str() {
        "PATCH" => {
            let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
            let begin =
                text("content-range").and_then(|range| range.split('-').next()?.parse::<usize>().ok());
            if begin.is_some_and(|begin| begin != held.len()) {
                return respond(416, &[("location", &location(held)), ("range", &range(held))], "");
            }
            held.extend_from_slice(body);
            respond(202, &[("location", &location(held)), ("range", &range(held))], "")
        }
        "GET" => respond(204, &[("location", &location(held)), ("range", &range(held))], ""),
        "DELETE" => {
            store.sessions.remove(id);
            respond(204, &[], "")
        }
        "PUT" => {
            held.extend_from_slice(body);
            let bytes = Bytes::from(std::mem::take(held));
            store.sessions.remove(id);
            let expected = query.rsplit("digest=").next().unwrap_or_default().replace("%3A", ":");
            if digest_like(&bytes, &expected) != expected {
                return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
            }
            store
                .repositories
                .entry(repository.to_owned())
                .or_default()
                .blobs
                .insert(expected.clone(), bytes);
            let location = format!("/v2/{repository}/blobs/{expected}");
            respond(201, &[("location", &location), ("docker-content-digest", &expected)], "")
        }
        _ => error(405, "UNSUPPORTED", "the operation is unsupported"),
    }
}
