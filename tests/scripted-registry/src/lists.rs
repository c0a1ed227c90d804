//! Pages of lists, in every habit.

use axum::response::Response;
use serde_json::{Value, json};

use crate::answer::{error, respond};
use crate::habits::{Habits, Leads, Order};

/// One page of the entries, under `field` beside what `about` says.
pub(crate) fn page(
    habits: &Habits,
    base: &str,
    path: &str,
    query: &str,
    mut entries: Vec<String>,
    field: &str,
    mut about: Value,
) -> Response {
    let param = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.replace("%2F", "/")).next()
    };
    let asked: Option<usize> = param("n").and_then(|n| n.parse().ok());
    if habits.refuses_above.zip(asked).is_some_and(|(most, asked)| asked > most) {
        return error(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested");
    }
    entries.retain(|entry| !habits.hidden.contains(entry));
    match habits.order {
        Order::Bytes => entries.sort(),
        Order::Keys => entries.sort_by_key(|entry| format!("{entry}/")),
        Order::Components => entries.sort_by(|a, b| a.split('/').cmp(b.split('/'))),
        Order::Backwards => {
            entries.sort();
            entries.reverse();
        }
    }
    let size = if habits.ignores_n { usize::MAX } else { asked.filter(|n| *n > 0).unwrap_or(habits.page) };
    let last = param("last").filter(|_| !habits.ignores_n);
    let begin =
        last.and_then(|last| entries.iter().position(|entry| *entry == last).map(|at| at + 1)).unwrap_or(0);
    let rest = &entries[begin..];
    let shown = &rest[..size.min(rest.len())];
    let ended = shown.len() == rest.len();
    about[field] = if shown.is_empty() && habits.null_tags { Value::Null } else { json!(shown) };

    let after = |last: &str| format!("{path}?last={}&n={size}", last.replace('/', "%2F"));
    let here = shown.last().map_or_else(|| format!("{path}?n={size}"), |last| after(last));
    let next = match &habits.leads {
        Leads::Nowhere => None,
        Leads::Relative => (!ended).then_some(here),
        Leads::Absolute => (!ended).then(|| format!("{base}{here}")),
        Leads::Elsewhere(host) => (!ended).then(|| format!("{host}{here}")),
        Leads::InCircles => Some(if ended { format!("{path}?n={size}") } else { here }),
        Leads::ForEver => Some(format!("{here}&turn={}", turn(query) + 1)),
    };
    let body = about.to_string();
    match next {
        Some(next) => respond(
            200,
            &[("content-type", "application/json"), ("link", &format!("<{next}>; rel=\"next\""))],
            body,
        ),
        None => respond(200, &[("content-type", "application/json")], body),
    }
}

fn turn(query: &str) -> u64 {
    query.rsplit("turn=").next().and_then(|turn| turn.parse().ok()).unwrap_or_default()
}
