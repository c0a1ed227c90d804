//! Work on registries.

use clap::Args;

use super::{Making, Wait};

/// An image that is to be in several registries.
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// HOST/REPOSITORY:TAG, HOST/REPOSITORY@sha256:DIGEST or both together.
    pub(crate) image: String,
    /// A data center, or HOST/PATH; may be repeated. Else every data center that has a registry of its own.
    #[arg(long, value_name = "DC|HOST/PATH")]
    pub(crate) to: Vec<String>,
    /// The tag there; else that of the image. One that points elsewhere is not moved.
    #[arg(long)]
    pub(crate) tag: Option<String>,
    #[command(flatten)]
    pub(crate) pace: Pace,
    #[command(flatten)]
    pub(crate) begin: Begin,
}

/// Tags of a repository that are to be in several registries.
#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// HOST/REPOSITORY.
    pub(crate) repository: String,
    /// A data center, or HOST/PATH; may be repeated. Else every data center that has a registry of its own.
    #[arg(long, value_name = "DC|HOST/PATH")]
    pub(crate) to: Vec<String>,
    /// Only tags of this pattern, such as 1.4.*, or none of this one: !*-rc*; may be repeated.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) tags: Vec<String>,
    /// Only so many of the newest, by the versions that the tags name.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) newest: Option<u32>,
    #[command(flatten)]
    pub(crate) pace: Pace,
    #[command(flatten)]
    pub(crate) begin: Begin,
}

/// What is to be looked at whether it is whole.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// An image, or HOST/REPOSITORY for every tag of it.
    pub(crate) subject: String,
    /// A data center, or HOST/PATH; may be repeated. Else every data center that has a registry of its own, and the
    /// place that is named.
    #[arg(long, value_name = "DC|HOST/PATH")]
    pub(crate) at: Vec<String>,
    /// So many bytes of each image are read and checked at most; 16Mi if not given.
    #[arg(long, value_name = "BYTES")]
    pub(crate) sample: Option<String>,
    #[command(flatten)]
    pub(crate) begin: Begin,
}

/// How fast and when bytes go.
#[derive(Debug, Args)]
pub(crate) struct Pace {
    /// Bytes in a second to each target at most, such as 50M.
    #[arg(long, value_name = "BYTES")]
    pub(crate) rate: Option<String>,
    /// When bytes may go, such as 22:00-06:00 or "mon-fri 22:00-06:00 +08:00"; may be repeated.
    #[arg(long = "window", value_name = "HOURS")]
    pub(crate) windows: Vec<String>,
}

/// What every work on registries carries.
#[derive(Debug, Args)]
pub(crate) struct Begin {
    /// Why, for the record.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) making: Making,
    #[command(flatten)]
    pub(crate) wait: Wait,
}
