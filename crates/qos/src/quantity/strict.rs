//! Strict mode: what a person wrote, refused where it is legal for Kubernetes but surely not meant.

use std::fmt;

use num_bigint::BigInt;

use super::parse::Parts;
use super::{Quantity, StrictError, StrictFault};

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

/// A thousand cores are printed as `1k`.
const CPU_UNITS: [&str; 3] = ["m", "", "k"];
const BYTE_UNITS: [&str; 10] = ["Ki", "Mi", "Gi", "Ti", "", "k", "M", "G", "T", "P"];

impl Quantity {
    /// Reads what a person wrote for a CPU, memory or storage size.
    ///
    /// Refused are blanks, signs, exponents, `.5`, `1.`, unknown units, zero, bytes below 1Mi, CPU finer than
    /// `1m`, fractions of a byte, and more than any server has; the error says what was probably meant.
    pub fn parse_strict(text: &str, resource: Resource) -> Result<Self, StrictError> {
        read(text, resource).map_err(|(fault, suggestion)| StrictError {
            fault,
            suggestion: suggestion.filter(|suggestion| read(suggestion, resource).is_ok()),
        })
    }
}

impl Quantity {
    /// The same for an amount that was read already, so that what was written is no longer known.
    pub(crate) fn check_strictly(&self, resource: Resource) -> Result<(), StrictError> {
        const MILLI: u32 = 1_000_000;
        let whole = self.round_up(-3);
        if resource != Resource::Cpu || !self.is_positive() || whole == *self {
            return Self::parse_strict(&self.to_string(), resource).map(|_| ());
        }
        // Canonically it would be said in millionths, which nobody writes of CPU.
        let (nanos, unit) = (self.nanos(), BigInt::from(MILLI));
        let (millis, rest) = (&nanos / &unit, (&nanos % &unit).to_string());
        let text = format!("{millis}.{}m", format!("{rest:0>6}").trim_end_matches('0'));
        let fault = StrictFault::TooFine { text: shown(&text), resource, finest: "1m" };
        Err(StrictError { fault, suggestion: Some(whole.to_string()) })
    }
}

/// A fault and what was perhaps meant, not yet checked.
type Refusal = (StrictFault, Option<String>);

fn read(text: &str, resource: Resource) -> Result<Quantity, Refusal> {
    if text.is_empty() {
        return Err((StrictFault::Empty(resource), None));
    }
    if text.contains(char::is_whitespace) {
        return Err((StrictFault::Blanks(shown(text)), Some(text.split_whitespace().collect())));
    }
    let parts = Parts::of(text);
    check_number(&parts, text, resource)?;
    check_unit(&parts, text, resource)?;
    let malformed = |_| (StrictFault::Malformed { text: shown(text), resource }, None);
    let quantity: Quantity = text.parse().map_err(malformed)?;
    check_amount(&parts, text, resource, &quantity)?;
    Ok(quantity)
}

fn check_number(parts: &Parts<'_>, text: &str, resource: Resource) -> Result<(), Refusal> {
    if parts.negative && !parts.whole.is_empty() {
        return Err((StrictFault::NotPositive { text: shown(text), resource }, None));
    }
    let begins_with_digit = text.starts_with(|c: char| c.is_ascii_digit());
    if begins_with_digit && parts.fraction != Some("") {
        return Ok(());
    }
    let whole = if parts.whole.is_empty() { "0" } else { parts.whole };
    let likely = match parts.fraction {
        None | Some("") => format!("{whole}{}", parts.suffix),
        Some(fraction) => format!("{whole}.{fraction}{}", parts.suffix),
    };
    Err((StrictFault::Malformed { text: shown(text), resource }, Some(likely)))
}

fn check_unit(parts: &Parts<'_>, text: &str, resource: Resource) -> Result<(), Refusal> {
    let unit = parts.suffix;
    let known = match resource {
        Resource::Cpu => CPU_UNITS.contains(&unit),
        Resource::Memory | Resource::EphemeralStorage => BYTE_UNITS.contains(&unit),
    };
    if known {
        return Ok(());
    }
    if !unit.bytes().all(|b| b.is_ascii_alphabetic()) {
        return Err((StrictFault::Malformed { text: shown(text), resource }, None));
    }
    let likely = likely_unit(unit, resource).map(|unit| format!("{}{unit}", number(parts)));
    Err((StrictFault::UnknownUnit { unit: shown(unit), resource }, likely))
}

fn check_amount(
    parts: &Parts<'_>,
    text: &str,
    resource: Resource,
    quantity: &Quantity,
) -> Result<(), Refusal> {
    let text = shown(text);
    if !quantity.is_positive() {
        return Err((StrictFault::NotPositive { text, resource }, None));
    }
    // Whoever leaves the unit away has the usual one in mind.
    let with_unit = |unit: &str| parts.suffix.is_empty().then(|| format!("{}{unit}", number(parts)));
    if resource != Resource::Cpu && *quantity < Quantity::from_mebibytes(1) {
        return Err((StrictFault::TooSmall { text, resource, min: "1Mi" }, with_unit("Mi")));
    }
    let (largest, max) = match resource {
        Resource::Cpu => (Quantity::from_units(4096), "4096 cores"),
        Resource::Memory => (Quantity::from_mebibytes(64_i64 << 20), "64Ti"),
        Resource::EphemeralStorage => (Quantity::from_mebibytes(1024_i64 << 20), "1024Ti"),
    };
    if *quantity > largest {
        let likely = if resource == Resource::Cpu { with_unit("m") } else { None };
        return Err((StrictFault::TooLarge { text, resource, max }, likely));
    }
    let (scale, finest) = if resource == Resource::Cpu { (-3, "1m") } else { (0, "whole bytes") };
    let rounded = quantity.round_up(scale);
    if rounded != *quantity {
        return Err((StrictFault::TooFine { text, resource, finest }, Some(rounded.to_string())));
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
            "m" | "mi" | "mb" | "mib" => Some("Mi"),
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
    let printable: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX).collect();
    if text.chars().count() > MAX { format!("{printable}…") } else { printable }
}
