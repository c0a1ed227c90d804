//! The pod of an App as far as its QoS goes: what each container may use and requests.
//!
//! The renderer makes the same pod with everything else in it; what is decided about an App before it is rendered
//! is decided by this one.

use plimsoll_qos::{
    Amounts, Container as Part, Explained, GradeName, Pod, QosClass, Quantity, Requests, Requirements,
    Resources, Terms, requests,
};

use crate::content::{Container, Content, Named, Size};
use crate::view::{ContainerSize, SizedAmount, TermsView};

/// The name of the main container.
pub const MAIN: &str = "app";

/// How a container says that it runs beside the others although it starts before them (KEP-753).
const ALWAYS: &str = "Always";

/// The pod of this content under these terms, which are its own ([`Content::terms`]) but where somebody asks what
/// other ones would make of it.
pub fn shape(content: &Content, terms: &Terms) -> Pod {
    let Content { grade, main, init, sidecars, .. } = content;
    pod(grade, terms, &main.size, &sized(init), &sized(sidecars))
}

fn sized(containers: &[Named<Container>]) -> Vec<(&str, &Size)> {
    containers.iter().map(|Named { name, inner }| (name.as_str(), &inner.size)).collect()
}

/// The pod of a main container of this size, with init steps and sidecars of these names and sizes.
pub(crate) fn pod(
    grade: &GradeName,
    terms: &Terms,
    main: &Size,
    init: &[(&str, &Size)],
    sidecars: &[(&str, &Size)],
) -> Pod {
    let part =
        |name: &str, size: &Size| Part { resources: resources(grade, terms, size), ..Part::named(name) };
    let steps = init.iter().map(|(name, size)| part(name, size));
    let beside = sidecars
        .iter()
        .map(|(name, size)| Part { restart_policy: Some(ALWAYS.to_owned()), ..part(name, size) });
    Pod {
        containers: vec![part(MAIN, main)],
        init_containers: steps.chain(beside).collect(),
        priority_class_name: Some(grade.priority_class()),
        ..Pod::default()
    }
}

fn resources(grade: &GradeName, terms: &Terms, size: &Size) -> Requirements {
    let Size { cpu, memory, ephemeral_storage } = size;
    let limit = Amounts { cpu: cpu.clone(), memory: memory.clone() };
    let list = |Amounts { cpu, memory }: Amounts| {
        let disk = ephemeral_storage.iter().map(|disk| ("ephemeral-storage", disk.clone()));
        [("cpu", cpu), ("memory", memory)].into_iter().chain(disk).collect::<Resources>()
    };
    let asked = requests(&limit, grade, terms).amounts();
    Requirements { requests: list(asked), limits: list(limit) }
}

/// What each container may use and requests, and why: the main one first, then sidecars and steps.
pub fn sizes(content: &Content) -> Vec<ContainerSize> {
    let Content { grade, terms, main, init, sidecars, .. } = content;
    let beside = sidecars.iter().chain(init).map(|Named { name, inner }| (name.as_str(), inner));
    let size = |(name, container): (&str, &Container)| {
        let Size { cpu, memory, ephemeral_storage: _ } = &container.size;
        let limit = Amounts { cpu: cpu.clone(), memory: memory.clone() };
        let Requests { cpu: for_cpu, memory: for_memory } = requests(&limit, grade, terms);
        ContainerSize {
            container: name.to_owned(),
            cpu: amount(limit.cpu, for_cpu),
            memory: amount(limit.memory, for_memory),
        }
    };
    std::iter::once((MAIN, main)).chain(beside).map(size).collect()
}

fn amount(limit: Quantity, request: Explained) -> SizedAmount {
    let Explained { value, because } = request;
    SizedAmount { limit, request: value, because }
}

/// What a Release of this content got for its grade.
pub fn terms(content: &Content) -> TermsView {
    let Terms { cpu, memory } = content.terms;
    // A policy has no Burstable grade that sells nothing, nor a Guaranteed one that sells.
    let qos_class = if cpu.is_one() && memory.is_one() { QosClass::Guaranteed } else { QosClass::Burstable };
    TermsView { qos_class, cpu, memory, priority_class: content.grade.priority_class() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::validate;
    use plimsoll_qos::{Grade, QosClass, qos_class};
    use serde_json::json;

    fn mk_content(grade: Grade, cpu: &str, memory: &str) -> Content {
        let digest = "a".repeat(64);
        let document = json!({
            "apiVersion": "plimsoll.io/v1alpha1", "kind": "App", "metadata": {"name": "shop", "namespace": "demo"},
            "spec": {"grade": grade.name(), "image": format!("registry.example.com/shop@sha256:{digest}"),
                     "size": {"cpu": cpu, "memory": memory}},
        });
        validate(&document).unwrap().content
    }

    /// The smallest that a document may ask for, where rounding up takes the most.
    #[test]
    fn even_the_smallest_app_gets_the_class_of_its_grade() {
        for grade in Grade::ALL {
            let content = mk_content(grade, "1m", "4Mi");
            let classified = qos_class(&shape(&content, &grade.terms()).defaulted());
            assert_eq!(classified.class, grade.qos_class(), "{grade}: {}", classified.because);
        }
    }

    #[test]
    fn below_that_rounding_would_take_the_oversell_away() {
        let mut content = mk_content(Grade::General10, "1m", "4Mi");
        content.main.size.memory = plimsoll_qos::Quantity::from_mebibytes(2);
        assert_eq!(qos_class(&shape(&content, &content.terms)).class, QosClass::Guaranteed);
    }
}
