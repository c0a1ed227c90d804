//! What was used, and what it advises: peaks, the ratio that is supported, the size that fits.
//!
//! All of it is advice: a person makes a Release of it. Peaks and ratios are decided in whole numbers; floating
//! point is in the histogram and the recommendation that is read from it, whose error is stated there, and
//! nothing that is sold is counted by it.

mod advise;
mod hearing;
mod histogram;
mod hysteresis;
mod judge;
mod peak;
mod ratio;
mod recommend;
mod right_size;
mod usage;

pub use advise::{AdviseAnswer, AdviseRequest, AppAdvice, AppUsage, PodUsage, Series, advise};
pub use hearing::{Heard, Hearing};
pub use histogram::DecayingHistogram;
pub use hysteresis::{Hysteresis, Look, Standing, Towards, Trend};
pub use peak::{Peak, PeakPolicy};
pub use ratio::{Pool, RatioPolicy, Rung, Supported, Unheard};
pub use recommend::{
    Recommendation, after_out_of_memory, lower_factor, recommend_cpu, recommend_memory, upper_factor,
};
pub use right_size::RightSize;
pub use usage::{EvidenceError, Sample, TaskUsage};
