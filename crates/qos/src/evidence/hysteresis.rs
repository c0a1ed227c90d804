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
}

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Towards {
    /// More oversell.
    More,
    /// Less oversell.
    Less,
}

impl Default for Hysteresis {
    /// Looked at once a day: a week to be raised, three days to be lowered, ten percent of room.
    fn default() -> Self {
        Self { raise_after: 7, lower_after: 3, headroom_percent: 10 }
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
    /// `supported` is what the use supports as it is, `with_headroom` what it supports with room to spare, `most`
    /// the ratio of the grade, which is never exceeded.
    pub fn look(
        &self,
        standing: Standing,
        supported: Ratio,
        with_headroom: Ratio,
        most: Ratio,
    ) -> Result<Standing, EvidenceError> {
        if self.raise_after == 0 || self.lower_after == 0 {
            return Err(EvidenceError::Policy { field: "the number of looks", rule: "at least one" });
        }
        let current = standing.ratio.min(most);
        let wanted = if supported.min(most) < current {
            Some((Towards::Less, supported.min(most), self.lower_after))
        } else if with_headroom.min(most) > current {
            Some((Towards::More, with_headroom.min(most), self.raise_after))
        } else {
            None
        };
        let Some((towards, ratio, after)) = wanted else { return Ok(Standing::new(current)) };
        let before = standing.trend.filter(|trend| trend.towards == towards);
        let (ratio, looks) = match before {
            Some(trend) if towards == Towards::Less => {
                (trend.ratio.max(ratio), trend.looks.saturating_add(1))
            }
            Some(trend) => (trend.ratio.min(ratio), trend.looks.saturating_add(1)),
            None => (ratio, 1),
        };
        if looks >= after {
            return Ok(Standing::new(ratio.min(most)));
        }
        Ok(Standing { ratio: current, trend: Some(Trend { towards, ratio, looks }) })
    }
}
