//! What a runtime is told to take, against the memory of its container: a heap that cannot fit has the container killed
//! when it is full, and not before.

use plimsoll_qos::{Quantity, Resource};

use super::Path;
use super::reader::{Faults, Node};

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

/// Every place of a document's containers that asks for as much memory as its container has, or more, as far as they
/// can be read.
pub(super) fn beyond(spec: &Node<'_>) -> Vec<Path> {
    let mut places = of_container(spec);
    let overlays = spec.get("dataCenters");
    let overlays = overlays.iter().flat_map(|all| all.keys().filter_map(|dc| all.get(dc)?.get("env")));
    if let Some(memory) = memory(spec) {
        places.extend(overlays.flat_map(|env| of_env(&env, &memory)));
    }
    for list in ["init", "sidecars"].into_iter().filter_map(|list| spec.get(list)) {
        places.extend(list.items().flat_map(|container| of_container(&container)));
    }
    places
}

fn memory(container: &Node<'_>) -> Option<Quantity> {
    container.get("size")?.get("memory")?.silently(&Faults::default()).quantity(Resource::Memory)
}

fn of_container(container: &Node<'_>) -> Vec<Path> {
    let Some(memory) = memory(container) else { return Vec::new() };
    let mut places = Vec::new();
    for list in ["command", "args"].into_iter().filter_map(|list| container.get(list)) {
        let beyond = list.items().filter(|word| word.as_str().is_some_and(|word| asks_beyond(word, &memory)));
        places.extend(beyond.map(|word| word.path().clone()));
    }
    places.extend(container.get("env").iter().flat_map(|env| of_env(env, &memory)));
    places
}

fn of_env(env: &Node<'_>, memory: &Quantity) -> Vec<Path> {
    let beyond = |name: &str| {
        let value = env.get(name)?;
        let text = value.as_str()?;
        let is_beyond = match name {
            GO => go_bytes(text).is_some_and(|bytes| bytes > *memory),
            _ => asks_beyond(text, memory),
        };
        is_beyond.then(|| value.path().clone())
    };
    env.keys().filter_map(beyond).collect()
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
