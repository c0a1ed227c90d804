//! Registries and images.

use clap::{Args, Subcommand};
use plimsoll_core::image::{Home, Host, Named, Prefix, Sample};

use super::Making;
use super::image_work::{Copy, Sync, Verify};

/// The verbs of registries.
#[derive(Debug, Subcommand)]
pub(crate) enum Registry {
    /// List the registries, and which data centers pull from them; none of them is asked.
    Ls,
    /// Ask a registry how it behaves, by requests that change nothing there.
    Probe {
        /// Its host, with its port where it has one.
        host: Host,
        #[command(flatten)]
        making: Making,
    },
}

/// The verbs of images.
#[derive(Debug, Subcommand)]
pub(crate) enum Image {
    /// List the repositories of a registry; ends with 3 if the list is incomplete, and says why.
    Ls {
        /// The registry, or the part of it below a path: `registry.example.com/shop`.
        #[arg(value_name = "HOST[/PATH]")]
        place: Prefix,
    },
    /// List the tags of a repository; ends with 3 if the list is incomplete, and says why.
    Tags {
        /// The repository with its registry: `registry.example.com/shop/web`.
        repository: Home,
    },
    /// Show what an image is and what it says about itself.
    Inspect {
        /// The image with its registry, by tag or by digest: `registry.example.com/shop/web:1.4`.
        image: Named,
    },
    /// Show where an image is: in which registries, kept by which Releases, and run by which pods.
    Where {
        /// The image with its registry, by tag or by digest: `registry.example.com/shop/web:1.4`.
        image: Named,
        /// Read so much of its content in each registry again and check it, as `100Mi`, `1Gi` at most.
        #[arg(long, value_name = "SIZE")]
        sample: Option<Sampled>,
    },
    /// Copy an image with all that refers to it to several registries.
    Copy(Copy),
    /// Bring tags of a repository to several registries; nothing is removed.
    Sync(Sync),
    /// Look whether an image, or every tag of a repository, is whole.
    Verify(Verify),
    /// Remove an image from a repository, unless a kept Release runs it.
    Rm(Remove),
}

/// An image that is to be removed.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The image with its registry, by its digest: `registry.example.com/shop/web@sha256:…`.
    #[arg(value_name = "REPOSITORY@DIGEST")]
    pub(crate) image: Named,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Why, for the record.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) making: Making,
}

/// An amount of content, as it was written.
#[derive(Clone, Debug)]
pub(crate) struct Sampled(pub(crate) String);

impl std::str::FromStr for Sampled {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<Sample>() {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(format!("it {error}; write one such as 100Mi")),
        }
    }
}
