//! Registries and images.

use clap::Subcommand;

/// The verbs of registries.
#[derive(Debug, Subcommand)]
pub(crate) enum Registry {
    /// List the registries, and which data centers pull from them; none of them is asked.
    Ls,
}
