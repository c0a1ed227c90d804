//! How much a store is meant to hold.

use std::num::NonZeroU64;

/// The quota if nobody says: what etcd has by default.
pub const DEFAULT_QUOTA: NonZeroU64 = NonZeroU64::new(2 * 1024 * 1024 * 1024).unwrap();
