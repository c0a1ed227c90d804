//! Strict mode: what a person wrote, refused where it is legal for Kubernetes but surely not meant.

use std::fmt;

use super::parse::Parts;
use super::{Quantity, StrictError};

/// What an amount is of; it decides units and bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Cores; counted in thousandths of a core.
    Cpu,
    /// Bytes of memory.
    Memory,
    /// Bytes of node-local disk.
    EphemeralStorage,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "CPU",
            Self::Memory => "memory",
            Self::EphemeralStorage => "ephemeral storage",
        })
    }
}

const CPU_UNITS: [&str; 2] = ["m", ""];
const BYTE_UNITS: [&str; 10] = ["Ki", "Mi", "Gi", "Ti", "", "k", "M", "G", "T", "P"];

impl Quantity {
    /// Reads what a person wrote for a CPU, memory or storage size.
    ///
    /// Refused are blanks, signs, exponents, `.5`, `1.`, unknown units, zero, bytes below 1Mi, CPU finer than
    /// `1m`, fractions of a byte, and more than any server has; the error says what was probably meant.
    pub fn parse_strict(text: &str, resource: Resource) -> Result<Self, StrictError> {
        if text.is_empty() {
            return Err(StrictError::Empty { resource });
        }
        if text.contains(char::is_whitespace) {
            let joined: String = text.split_whitespace().collect();
            return Err(StrictError::Blanks {
                text: shown(text),
                suggestion: Self::parse_strict(&joined, resource).ok().map(|_| joined),
            });
        }
        let parts = Parts::of(text);
        check_number(&parts, text, resource)?;
        check_unit(&parts, resource)?;
        let malformed = |_| StrictError::Malformed {
            text: shown(text),
            resource,
            suggestion: None,
        };
        let quantity: Self = text.parse().map_err(malformed)?;
        check_amount(&parts, text, resource, &quantity)?;
        Ok(quantity)
    }
}

fn check_number(parts: &Parts<'_>, text: &str, resource: Resource) -> Result<(), StrictError> {
    if parts.negative && !parts.whole.is_empty() {
        return Err(StrictError::NotPositive {
            text: shown(text),
            resource,
        });
    }
    let well_formed = !parts.whole.is_empty()
        && parts.fraction != Some("")
        && text.starts_with(|c: char| c.is_ascii_digit());
    if well_formed {
        return Ok(());
    }
    let digits = format!(
        "{}{}{}",
        if parts.whole.is_empty() { "0" } else { parts.whole },
        parts
            .fraction
            .filter(|f| !f.is_empty())
            .map(|f| format!(".{f}"))
            .unwrap_or_default(),
        parts.suffix
    );
    let suggestion = (!parts.whole.is_empty() || parts.fraction.is_some_and(|f| !f.is_empty()))
        .then(|| Quantity::parse_strict(&digits, resource).ok().map(|_| digits))
        .flatten();
    Err(StrictError::Malformed {
        text: shown(text),
        resource,
        suggestion,
    })
}

fn check_unit(parts: &Parts<'_>, resource: Resource) -> Result<(), StrictError> {
    let suffix = parts.suffix;
    let milli_bytes = resource != Resource::Cpu && suffix == "m";
    let known = match resource {
        Resource::Cpu => CPU_UNITS.contains(&suffix),
        Resource::Memory | Resource::EphemeralStorage => BYTE_UNITS.contains(&suffix),
    };
    if known {
        return Ok(());
    }
    if suffix.starts_with(|c: char| !c.is_ascii_alphabetic()) {
        let text = shown(&format!("{}{}", number(parts), suffix));
        return Err(StrictError::Malformed {
            text,
            resource,
            suggestion: None,
        });
    }
    let likely = if milli_bytes {
        Some("Mi")
    } else {
        likely_unit(suffix, resource)
    };
    Err(StrictError::UnknownUnit {
        suffix: shown(suffix),
        resource,
        suggestion: likely
            .map(|unit| format!("{}{unit}", number(parts)))
            .filter(|suggestion| Quantity::parse_strict(suggestion, resource).is_ok()),
    })
}

fn check_amount(
    parts: &Parts<'_>,
    text: &str,
    resource: Resource,
    quantity: &Quantity,
) -> Result<(), StrictError> {
    if !quantity.is_positive() {
        return Err(StrictError::NotPositive {
            text: shown(text),
            resource,
        });
    }
    let in_mebi = |parts: &Parts<'_>| {
        let suggestion = format!("{}Mi", number(parts));
        (resource != Resource::Cpu && parts.suffix.is_empty())
            .then(|| {
                Quantity::parse_strict(&suggestion, resource)
                    .ok()
                    .map(|_| suggestion)
            })
            .flatten()
    };
    let (scale, finest) = if resource == Resource::Cpu {
        (-3, "1m")
    } else {
        (0, "whole bytes")
    };
    let rounded = quantity.round_up(scale);
    if resource != Resource::Cpu && *quantity < Quantity::from_mebibytes(1) {
        return Err(StrictError::TooSmall {
            text: shown(text),
            resource,
            min: "1Mi",
            suggestion: in_mebi(parts),
        });
    }
    let (largest, max) = match resource {
        Resource::Cpu => (Quantity::from_units(4096), "4096 cores"),
        Resource::Memory => (Quantity::from_mebibytes(64_i64 << 20), "64Ti"),
        Resource::EphemeralStorage => (Quantity::from_mebibytes(1024_i64 << 20), "1Pi"),
    };
    if *quantity > largest {
        let millis = format!("{}m", number(parts));
        let suggestion = (resource == Resource::Cpu && parts.suffix.is_empty())
            .then(|| Quantity::parse_strict(&millis, resource).ok().map(|_| millis))
            .flatten();
        return Err(StrictError::TooLarge {
            text: shown(text),
            resource,
            max,
            suggestion,
        });
    }
    if rounded != *quantity {
        let suggestion = Some(rounded.to_string());
        return Err(StrictError::TooFine {
            text: shown(text),
            resource,
            finest,
            suggestion,
        });
    }
    Ok(())
}

/// The unit that somebody had in mind: another case, a `b` behind it, or the word.
fn likely_unit(suffix: &str, resource: Resource) -> Option<&'static str> {
    let lower = suffix.to_ascii_lowercase();
    match resource {
        // Whoever writes `Mi` has memory in mind.
        Resource::Cpu if suffix == "Mi" => None,
        Resource::Cpu => match lower.as_str() {
            "m" | "mi" | "mc" | "milli" | "millis" | "millicore" | "millicores" | "mcpu" => Some("m"),
            "c" | "core" | "cores" | "cpu" | "cpus" | "vcpu" | "vcpus" => Some(""),
            _ => None,
        },
        Resource::Memory | Resource::EphemeralStorage => match lower.as_str() {
            "k" | "ki" | "kb" | "kib" => Some("Ki"),
            "mi" | "mb" | "mib" => Some("Mi"),
            "g" | "gi" | "gb" | "gib" => Some("Gi"),
            "t" | "ti" | "tb" | "tib" => Some("Ti"),
            _ => None,
        },
    }
}

fn number(parts: &Parts<'_>) -> String {
    match parts.fraction {
        Some(fraction) => format!("{}.{fraction}", parts.whole),
        None => parts.whole.to_owned(),
    }
}

/// What somebody wrote, short enough for a message.
fn shown(text: &str) -> String {
    const MAX: usize = 40;
    let printable: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX)
        .collect();
    if text.chars().count() > MAX {
        format!("{printable}…")
    } else {
        printable
    }
}
