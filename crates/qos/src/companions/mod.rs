//! The objects that must agree with the grades, as values: whoever renders them turns them into manifests.
//!
//! Each is made so that it never refuses what [`requests`](crate::requests) makes of a limit.

mod limit_range;
mod priority_class;
mod processors;
mod quota;

pub use limit_range::{LimitRange, limit_range};
pub use priority_class::{PriorityClass, priority_classes};
pub use processors::processors;
pub use quota::{Budget, BudgetError, ResourceQuota, best_effort_quota, resource_quota};
