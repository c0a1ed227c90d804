//! Registries and images.

use plimsoll_core::image::{
    Home, ImageDescription, Inspected, Part, RegistryTrait, Scheme, Tag, TraitSubject,
};
use plimsoll_core::view::{
    AppPods, ImageDcView, ImageUse, ImageView, PlaceState, PlaceView, PodsView, Pull, RegistryView,
    WhereaboutsView,
};

use super::timestamp;
use crate::proto;

pub(crate) fn registry(view: RegistryView) -> proto::Registry {
    let RegistryView { host, scheme, pulls, traits, probed } = view;
    let scheme = match scheme {
        Scheme::Https => proto::RegistryScheme::Https,
        Scheme::Http => proto::RegistryScheme::Http,
    };
    let pull = |Pull { dc, prefix }| proto::RegistryPull { data_center: dc.into(), prefix: prefix.into() };
    proto::Registry {
        host: host.into(),
        scheme: scheme.into(),
        data_centers: pulls.into_iter().map(pull).collect(),
        traits: traits.into_iter().map(registry_trait).collect(),
        probed: probed.map(timestamp),
    }
}

fn registry_trait(found: RegistryTrait) -> proto::RegistryTrait {
    let RegistryTrait { subject, known, finding, consequence } = found;
    let subject = match subject {
        TraitSubject::Server => proto::TraitSubject::Server,
        TraitSubject::Authentication => proto::TraitSubject::Authentication,
        TraitSubject::Repositories => proto::TraitSubject::Repositories,
        TraitSubject::Referrers => proto::TraitSubject::Referrers,
        TraitSubject::Removal => proto::TraitSubject::Removal,
        TraitSubject::Digests => proto::TraitSubject::Digests,
        TraitSubject::EntityTags => proto::TraitSubject::EntityTags,
        TraitSubject::Ranges => proto::TraitSubject::Ranges,
    };
    let consequence = consequence.unwrap_or_default();
    proto::RegistryTrait { subject: subject.into(), known, finding, consequence }
}

pub(crate) fn repository(home: Home) -> proto::Repository {
    proto::Repository { name: home.into() }
}

pub(crate) fn image_tag(tag: Tag) -> proto::ImageTag {
    proto::ImageTag { name: tag.into() }
}

pub(crate) fn image(view: ImageView) -> proto::Image {
    let ImageView { home, image: Inspected { digest, media_type, parts, description } } = view;
    let ImageDescription {
        created,
        authors,
        source,
        revision,
        version,
        base_name,
        base_digest,
        platforms,
        size,
    } = description;
    let part = |Part { digest, platform, media_type }| proto::ImagePart { digest, platform, media_type };
    proto::Image {
        repository: home.into(),
        digest: digest.to_string(),
        media_type,
        platforms,
        size,
        source,
        revision,
        version,
        created,
        authors,
        base_name,
        base_digest,
        parts: parts.into_iter().map(part).collect(),
    }
}

pub(crate) fn whereabouts(view: WhereaboutsView) -> proto::ImageWhereabouts {
    let WhereaboutsView { home, digest, there, dcs, uses, use_count, notes } = view;
    proto::ImageWhereabouts {
        repository: home.into(),
        digest: digest.to_string(),
        there: there.map(place),
        data_centers: dcs.into_iter().map(data_center).collect(),
        releases: uses.into_iter().map(release).collect(),
        release_count: use_count as u64,
        notes,
    }
}

fn data_center(view: ImageDcView) -> proto::ImageDataCenter {
    let ImageDcView { dc, place: at, pods } = view;
    let (running, running_unknown) = match pods {
        PodsView::Known(apps) => (apps.into_iter().map(self::pods).collect(), None),
        PodsView::Unknown(why) => (Vec::new(), Some(why)),
    };
    proto::ImageDataCenter { data_center: dc.into(), place: Some(place(at)), running, running_unknown }
}

fn place(view: PlaceView) -> proto::ImagePlace {
    let PlaceView { home, state, message, blobs, reread, faults } = view;
    let state = match state {
        PlaceState::Whole => proto::ImagePresence::Whole,
        PlaceState::Broken => proto::ImagePresence::Broken,
        PlaceState::Absent => proto::ImagePresence::Absent,
        PlaceState::Unknown => proto::ImagePresence::Unknown,
    };
    proto::ImagePlace {
        repository: home.into(),
        state: state.into(),
        message,
        blobs: blobs as u64,
        reread_blobs: reread as u64,
        faults,
    }
}

fn pods(view: AppPods) -> proto::ImagePods {
    let AppPods { app, pods } = view;
    proto::ImagePods { namespace: app.namespace.into(), app: app.name.into(), pods: pods as u64 }
}

fn release(used: ImageUse) -> proto::ImageRelease {
    let ImageUse { app, release } = used;
    proto::ImageRelease { namespace: app.namespace.into(), app: app.name.into(), release: release.get() }
}
