//! Registries and images.

use plimsoll_core::image::Scheme;
use plimsoll_core::view::{Pull, RegistryView};

use crate::proto;

pub(crate) fn registry(view: RegistryView) -> proto::Registry {
    let RegistryView { host, scheme, pulls } = view;
    let scheme = match scheme {
        Scheme::Https => proto::RegistryScheme::Https,
        Scheme::Http => proto::RegistryScheme::Http,
    };
    let pull = |Pull { dc, prefix }| proto::RegistryPull { data_center: dc.into(), prefix: prefix.into() };
    let data_centers = pulls.into_iter().map(pull).collect();
    proto::Registry { host: host.into(), scheme: scheme.into(), data_centers }
}
