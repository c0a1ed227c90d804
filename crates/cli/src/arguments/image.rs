//! Registries and images.

use clap::Subcommand;

use super::image_work::{Copy, Sync, Verify};

/// The verbs of registries.
#[derive(Debug, Subcommand)]
pub(crate) enum Registry {
    /// List the registries, and which data centers pull from them; none of them is asked.
    Ls,
}

/// The verbs of images.
#[derive(Debug, Subcommand)]
pub(crate) enum Image {
    /// Copy an image with all that refers to it to several registries.
    Copy(Copy),
    /// Bring tags of a repository to several registries; nothing is removed.
    Sync(Sync),
    /// Look whether an image, or every tag of a repository, is whole.
    Verify(Verify),
}
