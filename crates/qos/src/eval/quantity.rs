//! Quantities: read, compare, add, round.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Answer, fields, read, text};
use crate::{Quantity, Resource};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked<'a> {
    #[expect(dead_code, reason = "read by the caller, and named here so that other fields are refused")]
    op: IgnoredAny,
    #[serde(borrow)]
    value: Cow<'a, str>,
    #[serde(default)]
    strict: bool,
    resource: Option<Name>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Name {
    Cpu,
    Memory,
    EphemeralStorage,
}

impl From<Name> for Resource {
    fn from(name: Name) -> Self {
        match name {
            Name::Cpu => Self::Cpu,
            Name::Memory => Self::Memory,
            Name::EphemeralStorage => Self::EphemeralStorage,
        }
    }
}

pub(super) fn quantity(request: &[u8]) -> Answer {
    let Asked { op: _, value, strict, resource } = read(request)?;
    let quantity = match (strict, resource) {
        (false, _) => value.parse::<Quantity>().map_err(|error| error.to_string())?,
        (true, Some(name)) => strictly(&value, name.into())?,
        (true, None) => strictly(&value, Resource::Cpu).or_else(|_| strictly(&value, Resource::Memory))?,
    };
    Ok(fields([("canonical", text(&quantity))]))
}

fn strictly(value: &str, resource: Resource) -> Result<Quantity, String> {
    Quantity::parse_strict(value, resource).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operands<'a> {
    #[expect(dead_code, reason = "read by the caller, and named here so that other fields are refused")]
    op: IgnoredAny,
    #[serde(borrow)]
    left: Cow<'a, str>,
    #[serde(borrow)]
    right: Cow<'a, str>,
    #[serde(default)]
    scale: i32,
}

pub(super) fn arithmetic(request: &[u8]) -> Answer {
    let Operands { op: _, left, right, scale } = read(request)?;
    let [left, right] = [left, right].map(|text| text.parse::<Quantity>().map_err(|error| error.to_string()));
    let (left, right) = (left?, right?);
    let order = match left.cmp(&right) {
        Ordering::Less => "Less",
        Ordering::Equal => "Equal",
        Ordering::Greater => "Greater",
    };
    Ok(fields([
        ("order", order.into()),
        ("sum", text(&(&left + &right))),
        ("difference", text(&(&left - &right))),
        ("rounded", text(&left.round_up(scale))),
    ]))
}
