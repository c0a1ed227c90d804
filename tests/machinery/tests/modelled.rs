//! What `docs/simulated-kubernetes.md` says is modelled is what the cases show, no more and no less.
//! `PLIMSOLL_UPDATE=1` writes it.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use plimsoll_machinery::{for_each_case, for_each_case_in_time, for_each_case_of_faults};

const BEGIN: &str = "<!-- made by tests/machinery/tests/modelled.rs: begin -->\n";
const END: &str = "<!-- end -->";

/// The columns of the table, as the transcripts call the requests.
const VERBS: [&str; 11] = [
    "get",
    "list",
    "watch",
    "create",
    "replace",
    "merge",
    "strategic",
    "json",
    "apply",
    "delete",
    "delete all",
];

macro_rules! groups {
    ($($group:ident: $($case:ident),+ $(,)?);+ $(;)?) => {
        [$((stringify!($group), vec![$(stringify!($case)),+])),+]
    };
}

fn all_cases() -> Vec<(&'static str, Vec<&'static str>)> {
    let in_time = for_each_case_in_time!(groups);
    for_each_case!(groups).into_iter().chain(in_time).chain(for_each_case_of_faults!(groups)).collect()
}

#[test]
fn the_documentation_says_what_the_cases_show() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("../../docs/simulated-kubernetes.md");
    let text = fs::read_to_string(&file).expect("the documentation");
    let (head, rest) = text.split_once(BEGIN).expect("where it begins");
    let (said, tail) = rest.split_once(END).expect("where it ends");
    let shown = modelled(&root.join("expected"));
    if std::env::var_os("PLIMSOLL_UPDATE").is_some() {
        fs::write(&file, format!("{head}{BEGIN}{shown}{END}{tail}")).expect("to write the documentation");
        return;
    }
    assert_eq!(said, shown, "run it with PLIMSOLL_UPDATE=1");
}

#[test]
fn every_transcript_is_of_a_case_and_every_case_has_one() {
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("expected");
    let mut found = BTreeSet::new();
    for group in entries(&expected) {
        for file in entries(&group) {
            let name = |path: &Path| path.file_stem().map(|name| name.to_string_lossy().into_owned());
            found.extend(name(&group).zip(name(&file)));
        }
    }
    let cases = all_cases().into_iter();
    let cases: BTreeSet<(String, String)> = cases
        .flat_map(|(group, cases)| cases.into_iter().map(move |case| (group.to_owned(), case.to_owned())))
        .collect();
    assert_eq!(found, cases);
}

fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut entries: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    entries
}

fn modelled(expected: &Path) -> String {
    let mut text = String::from("\nRequests that succeed, by what they are about:\n\n");
    let _ = writeln!(text, "| | {} |", VERBS.join(" | "));
    let _ = writeln!(text, "|---{}|", "|---".repeat(VERBS.len()));
    for (resource, verbs) in requests(expected) {
        let cells: Vec<_> = VERBS.iter().map(|verb| if verbs.contains(verb) { "✓" } else { "" }).collect();
        let _ = writeln!(text, "| {resource} | {} |", cells.join(" | "));
    }
    let _ = writeln!(text, "\nCommands of kubectl, with the options that they are given:\n");
    for (command, options) in commands(expected) {
        let options: Vec<_> = options.iter().map(|option| format!("`{option}`")).collect();
        let with = if options.is_empty() { String::new() } else { format!(" with {}", options.join(", ")) };
        let _ = writeln!(text, "- `{command}`{with}");
    }
    let groups = all_cases();
    let all: usize = groups.iter().map(|(_, cases)| cases.len()).sum();
    let _ = writeln!(text, "\nThe {all} cases:\n");
    for (group, cases) in groups {
        let _ = writeln!(text, "**{}** ({})\n", group.replace('_', " "), cases.len());
        for case in cases {
            let _ = writeln!(text, "- {}", case.replace('_', " "));
        }
        text.push('\n');
    }
    text
}

/// The commands of kubectl, with the options that they were given.
fn commands(expected: &Path) -> BTreeMap<String, BTreeSet<String>> {
    const OF_TWO_WORDS: [&str; 4] = ["apply view-last-applied", "auth", "rollout", "set"];
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in entries(expected).iter().flat_map(|group| entries(group)) {
        let text = fs::read_to_string(file).expect("a transcript");
        for line in text.lines().filter_map(|line| line.strip_prefix("$ kubectl ")) {
            let words: Vec<&str> = line.split(' ').collect();
            let two = OF_TWO_WORDS.iter().any(|begin| line.starts_with(begin) && words.len() > 1);
            let command = words[..if two { 2 } else { 1 }].join(" ");
            let options = words.iter().filter(|word| word.starts_with('-') && word.len() > 1);
            let options = options.map(|word| word.split('=').next().unwrap_or(word));
            let options =
                options.filter(|word| word.trim_start_matches('-').starts_with(char::is_alphabetic));
            found.entry(command).or_default().extend(options.map(str::to_owned));
        }
    }
    found
}

/// Which verbs succeed on which resource.
fn requests(expected: &Path) -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut found: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    for file in entries(expected).iter().flat_map(|group| entries(group)) {
        let text = fs::read_to_string(file).expect("a transcript");
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2) {
            let [request, code] = pair else { continue };
            let Some((verb, path)) = request.rsplit_once(' ') else { continue };
            let is_request = ["GET", "POST", "PUT", "PATCH", "DELETE"].iter().any(|it| verb.starts_with(it));
            if is_request
                && code.starts_with('2')
                && let Some((resource, verb)) = request_of(verb, path)
            {
                found.entry(resource).or_default().insert(verb);
            }
        }
    }
    found
}

/// The resource, with its subresource if any, and the column.
fn request_of(verb: &str, path: &str) -> Option<(String, &'static str)> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let group = match parts.as_slice() {
        ["apis", group, _, _, ..] => {
            let group = *group;
            parts.drain(..3);
            group
        }
        ["api", _, _, ..] => {
            parts.drain(..2);
            ""
        }
        _ if absolute => return None,
        _ => "",
    };
    if absolute && parts.len() > 2 && parts[0] == "namespaces" && parts[2] != "status" {
        parts.drain(..2);
    }
    let own = group.ends_with("example.io");
    let resource = if own { "custom resources" } else { parts[0] };
    let resource = match parts.get(2) {
        Some(part) => format!("{resource}/{part}"),
        None => resource.to_owned(),
    };
    let named = parts.len() > 1;
    let verb = match verb {
        "GET" if query.contains("watch=1") && !named => "watch",
        "GET" if named => "get",
        "GET" => "list",
        "POST" => "create",
        "PUT" => "replace",
        "DELETE" if named => "delete",
        "DELETE" => "delete all",
        other => {
            let format = other.strip_prefix("PATCH ")?;
            VERBS.into_iter().find(|verb| *verb == format)?
        }
    };
    Some((resource, verb))
}
