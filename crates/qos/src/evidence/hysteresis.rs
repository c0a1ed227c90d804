//! From what the evidence supports today to what is advised: slowly, and never on one look.

use serde::{Deserialize, Serialize};

use super::EvidenceError;
use crate::Ratio;

/// How much it takes to advise another ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hysteresis {
    /// After so many looks in a row that support more, more is advised.
    pub raise_after: u32,
    /// After so many looks in a row that do not support what stands, less is advised.
    pub lower_after: u32,
    /// To be raised, a ratio must be supported by a use that is so much higher, in percent.
    pub headroom_percent: u32,
    /// A look that follows the last one that counted by less than so many seconds does not count.
    pub apart: u64,
}

/// What is advised for an application, kept by the caller between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Standing {
    /// The ratio that is advised.
    pub ratio: Ratio,
    /// Where the last looks in a row pointed, if elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trend: Option<Trend>,
}

/// Where several looks in a row point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Trend {
    /// Up or down.
    pub towards: Towards,
    /// What all of them agree on: the least that they would raise to, or the most that they would lower to.
    pub ratio: Ratio,
    /// How many there were.
    pub looks: u32,
    /// When the last of them was, in seconds since 1970.
    pub last: u64,
}

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Towards {
    /// More oversell.
    More,
    /// Less oversell.
    Less,
}

/// What one look at the evidence found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// When, in seconds since 1970.
    pub at: u64,
    /// What the use supports as it is.
    pub supported: Ratio,
    /// What it supports with room to spare, and whoever is unheard at its limit.
    pub with_headroom: Ratio,
    /// What is never exceeded.
    pub most: Ratio,
}

impl Default for Hysteresis {
    /// Looked at once a day: seven looks to be raised, three to be lowered, ten percent of room. A look may be two
    /// hours early.
    fn default() -> Self {
        Self { raise_after: 7, lower_after: 3, headroom_percent: 10, apart: 22 * 3_600 }
    }
}

impl Standing {
    /// Where an application begins: with the ratio that it has.
    pub fn new(ratio: Ratio) -> Self {
        Self { ratio, trend: None }
    }
}

impl Hysteresis {
    /// What is advised after one more look.
    ///
    /// One that comes too early after the last that counted is not counted. It may still speak against a raise, and
    /// holds up no lowering.
    pub fn look(&self, standing: Standing, look: Look) -> Result<Standing, EvidenceError> {
        if self.raise_after == 0 || self.lower_after == 0 {
            return Err(EvidenceError::Policy { field: "the number of looks", rule: "at least one" });
        }
        let Look { at, supported, with_headroom, most } = look;
        let current = standing.ratio.min(most);
        // One from the future has no place in a row, nor one that points back to what stands.
        let before = standing.trend.filter(|trend| {
            let elsewhere = match trend.towards {
                Towards::More => trend.ratio > current,
                Towards::Less => trend.ratio < current,
            };
            trend.last <= at && elsewhere
        });
        let early = before.filter(|trend| trend.looks > 0 && at - trend.last < self.apart);
        if let Some(trend) = early.filter(|trend| trend.towards == Towards::Less) {
            return Ok(Standing { ratio: current, trend: Some(trend) });
        }
        let wanted = if supported.min(most) < current {
            Some((Towards::Less, supported.min(most), self.lower_after))
        } else if with_headroom.min(most) > current {
            Some((Towards::More, with_headroom.min(most), self.raise_after))
        } else {
            None
        };
        let Some((towards, ratio, after)) = wanted else { return Ok(Standing::new(current)) };
        let (ratio, looks, last) = match before.filter(|trend| trend.towards == towards) {
            Some(trend) if early.is_some() => (trend.ratio.min(ratio), trend.looks, trend.last),
            Some(trend) if towards == Towards::Less => {
                (trend.ratio.max(ratio), trend.looks.saturating_add(1), at)
            }
            Some(trend) => (trend.ratio.min(ratio), trend.looks.saturating_add(1), at),
            None => (ratio, 1, at),
        };
        if looks >= after && last == at {
            return Ok(Standing::new(ratio.min(most)));
        }
        Ok(Standing { ratio: current, trend: Some(Trend { towards, ratio, looks, last }) })
    }
}
