//! What a token allows.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_core::image::Repository;

/// A set of rights, in one order: equal sets are one key of the tokens that are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Scopes {
    repositories: BTreeMap<Repository, BTreeSet<&'static str>>,
    catalog: bool,
}

impl Scopes {
    /// No more than that somebody is who they say.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// The list of repositories.
    pub(crate) fn catalog() -> Self {
        Self { catalog: true, ..Self::default() }
    }

    /// Reading a repository.
    pub(crate) fn pull(repository: &Repository) -> Self {
        Self::of(repository, &["pull"])
    }

    /// Reading and writing a repository; who writes also looks whether it is there.
    pub(crate) fn push(repository: &Repository) -> Self {
        Self::of(repository, &["pull", "push"])
    }

    /// Deleting from a repository.
    pub(crate) fn delete(repository: &Repository) -> Self {
        Self::of(repository, &["delete"])
    }

    /// What both need: a mount reads one repository and writes another.
    pub(crate) fn and(mut self, other: Self) -> Self {
        for (repository, actions) in other.repositories {
            self.repositories.entry(repository).or_default().extend(actions);
        }
        self.catalog |= other.catalog;
        self
    }

    /// As token servers read them, one text for each resource.
    pub(crate) fn texts(&self) -> Vec<String> {
        let repository = |(name, actions): (&Repository, &BTreeSet<&str>)| {
            let actions: Vec<&str> = actions.iter().copied().collect();
            format!("repository:{name}:{}", actions.join(","))
        };
        let catalog = self.catalog.then(|| "registry:catalog:*".to_owned());
        self.repositories.iter().map(repository).chain(catalog).collect()
    }

    fn of(repository: &Repository, actions: &[&'static str]) -> Self {
        let actions = actions.iter().copied().collect();
        Self { repositories: BTreeMap::from([(repository.clone(), actions)]), catalog: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_asks_for_two_repositories_and_order_does_not_matter() {
        let (from, to): (Repository, Repository) = ("base/jdk".parse().unwrap(), "shop/web".parse().unwrap());
        let mount = Scopes::push(&to).and(Scopes::pull(&from));
        assert_eq!(mount.texts(), ["repository:base/jdk:pull", "repository:shop/web:pull,push"]);
        assert_eq!(mount, Scopes::pull(&from).and(Scopes::push(&to)));
        assert_eq!(
            Scopes::push(&to).and(Scopes::delete(&to)).texts(),
            ["repository:shop/web:delete,pull,push"]
        );
        assert_eq!(Scopes::catalog().texts(), ["registry:catalog:*"]);
        assert!(Scopes::none().texts().is_empty());
    }
}
