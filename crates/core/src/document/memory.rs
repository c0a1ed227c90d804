//! What a runtime is told to take, against the memory of its container: a heap that cannot fit has the container killed
//! when it is full, and not before.

use std::collections::BTreeMap;

use plimsoll_qos::Quantity;

use super::Path;
use crate::content::{Container, Content, Overlay};

/// What says how large a heap may become.
struct Flag {
    begin: &'static str,
    /// The bytes of one, where no unit is written.
    bytes: u64,
}

/// The options of JVM and Node.js; a JVM takes the last of several.
const FLAGS: [Flag; 4] = [
    Flag { begin: "-Xmx", bytes: 1 },
    Flag { begin: "-XX:MaxHeapSize=", bytes: 1 },
    Flag { begin: "--max-old-space-size=", bytes: 1 << 20 },
    Flag { begin: "--max_old_space_size=", bytes: 1 << 20 },
];

/// The variable by which Go is told.
const GO: &str = "GOMEMLIMIT";

/// Every place of a document's containers that asks for as much memory as its container has, or more.
pub(super) fn beyond(content: &Content) -> Vec<Path> {
    let Content { main, init, sidecars, overlays, .. } = content;
    let spec = Path::root().field("spec");
    let mut places = of_container(&spec, main);
    for (dc, Overlay { env, .. }) in overlays {
        let path = spec.field("dataCenters").field(dc.as_str()).field("env");
        places.extend(of_env(&path, env, &main.size.memory));
    }
    for (list, containers) in [("init", init), ("sidecars", sidecars)] {
        for (index, container) in containers.iter().enumerate() {
            places.extend(of_container(&spec.field(list).index(index), &container.inner));
        }
    }
    places
}

fn of_container(path: &Path, container: &Container) -> Vec<Path> {
    let Container { command, args, env, size, .. } = container;
    let mut places = Vec::new();
    for (list, words) in [("command", command), ("args", args)] {
        let beyond = words.iter().enumerate().filter(|(_, word)| asks_beyond(word, &size.memory));
        places.extend(beyond.map(|(index, _)| path.field(list).index(index)));
    }
    places.extend(of_env(&path.field("env"), env, &size.memory));
    places
}

fn of_env(path: &Path, env: &BTreeMap<String, String>, memory: &Quantity) -> Vec<Path> {
    let beyond = env.iter().filter(|(name, value)| match name.as_str() {
        GO => go_bytes(value).is_some_and(|bytes| bytes > *memory),
        _ => asks_beyond(value, memory),
    });
    beyond.map(|(name, _)| path.field(name.as_str())).collect()
}

/// Whether options ask for a heap that leaves nothing of the memory for anything else.
fn asks_beyond(options: &str, memory: &Quantity) -> bool {
    let mut asked = options.split_whitespace().filter_map(|word| {
        let word = word.trim_matches(['"', '\'']);
        FLAGS.iter().find_map(|flag| bytes(word.strip_prefix(flag.begin)?, flag.bytes))
    });
    asked.next_back().is_some_and(|bytes| bytes >= *memory)
}

/// `2g`, `512M`, or a number of what is counted without a unit.
fn bytes(text: &str, one: u64) -> Option<Quantity> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit {
        "" => one,
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        "g" | "G" => 1 << 30,
        "t" | "T" => 1 << 40,
        _ => return None,
    };
    let bytes = number.parse::<u64>().ok()?.checked_mul(factor)?;
    Some(Quantity::from_units(bytes))
}

/// What Go reads: `2GiB`, `512MiB`, or bytes with a `B` or without.
fn go_bytes(text: &str) -> Option<Quantity> {
    let number = text.strip_suffix('B').unwrap_or(text);
    bytes(number.strip_suffix('i').unwrap_or(number), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beyond_a_gibibyte(options: &str) -> bool {
        asks_beyond(options, &Quantity::from_mebibytes(1024))
    }

    #[test]
    fn a_heap_as_large_as_the_memory_or_larger_is_beyond_it() {
        for options in [
            "-Xmx1g",
            "-Xms1g -Xmx2G -XX:+UseG1GC",
            "-Xmx1048576k",
            "-Xmx1073741824",
            "-XX:MaxHeapSize=1024m",
            "'-Xmx2g'",
            "--max-old-space-size=1024",
            "--max_old_space_size=4096 --trace-gc",
            "-Xmx512m -Xmx2g",
        ] {
            assert!(beyond_a_gibibyte(options), "{options}");
        }
        for options in [
            "",
            "-Xmx1023m",
            "-Xms2g",
            "-Xmx",
            "-Xmx2x",
            "-Xmx99999999999999999999g",
            "-XX:MaxRAMPercentage=75",
            "--max-old-space-size=1023",
            "-Xmx2g -Xmx512m",
            "say -Xmx is 2g",
        ] {
            assert!(!beyond_a_gibibyte(options), "{options}");
        }
    }

    #[test]
    fn go_is_told_its_memory_with_its_own_units() {
        for (text, bytes) in [
            ("1GiB", Some(1 << 30)),
            ("512MiB", Some(512 << 20)),
            ("100", Some(100)),
            ("7B", Some(7)),
            ("off", None),
        ] {
            assert_eq!(go_bytes(text), bytes.map(|bytes: u64| Quantity::from_units(bytes)), "{text}");
        }
    }
}
