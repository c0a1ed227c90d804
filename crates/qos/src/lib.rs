//! Quantities, QoS classes, grades and oversell: how much of the machines may be sold.
//!
//! The crate is pure: numbers in, numbers and reasons out, no IO and no floating point. It knows nothing of
//! the rest of Plimsoll and of no Kubernetes client, so that any Rust program can use it alone.
//!
//! ```
//! use plimsoll_qos::{Grade, Resources, requests};
//!
//! let limit = Resources { cpu: "333m".parse()?, memory: "1Gi".parse()? };
//! let grade = Grade::General5;
//! let requests = requests(&limit, grade, &grade.terms());
//! assert_eq!(requests.cpu.value.to_string(), "67m");
//! assert_eq!(requests.cpu.because, "ceil(333m / 5), grade general-5");
//! # Ok::<(), plimsoll_qos::QuantityError>(())
//! ```

mod autoscale;
mod class;
mod grade;
mod oversell;
mod pod;
mod quantity;
mod ratio;

pub use autoscale::{HpaTargetError, hpa_target};
pub use class::{Classified, QosClass, qos_class};
pub use grade::{Grade, Terms, UnknownGrade};
pub use oversell::{Explained, Requests, Resources, requests};
pub use pod::{Container, Pod, Requirements, ResourceList};
pub use quantity::{Format, Quantity, QuantityError, Resource, StrictError, StrictFault};
pub use ratio::{Ratio, RatioError};
