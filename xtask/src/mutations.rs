//! Faults that somebody could put into the simulated cluster, each as a replacement of one text in one file.

/// A fault.
pub(crate) struct Mutation {
    /// What goes wrong.
    pub(crate) name: &'static str,
    /// In which file, from the root of the repository.
    pub(crate) file: &'static str,
    /// The text that stands there, once.
    pub(crate) from: &'static str,
    /// The text that takes its place.
    pub(crate) to: &'static str,
}

pub(crate) const MUTATIONS: [Mutation; 21] = [
    Mutation {
        name: "what leaves the selection of a watch is told as changed",
        file: "crates/sim-cluster/src/api/watch.rs",
        from: "(true, false) => ChangeKind::Deleted,",
        to: "(true, false) => ChangeKind::Modified,",
    },
    Mutation {
        name: "a list at exactly an older version shows the present",
        file: "crates/sim-cluster/src/api/read.rs",
        from: "        if exact {",
        to: "        if exact && asked == 0 {",
    },
    Mutation {
        name: "an update that changes nothing is stored",
        file: "crates/sim-cluster/src/api/update.rs",
        from: "if object == **live {",
        to: "if object == **live && options.dry_run {",
    },
    Mutation {
        name: "a write against an older version is let through",
        file: "crates/sim-cluster/src/api/update.rs",
        from: "if !asked.is_empty() && asked != object::resource_version(live) {",
        to: "if !asked.is_empty() && asked.len() > object::resource_version(live).len() {",
    },
    Mutation {
        name: "an apply takes fields from others without being told to",
        file: "crates/sim-cluster/src/fieldmanager/updater.rs",
        from: "if on_conflict == OnConflict::Report && !conflicts.is_empty() {",
        to: "if on_conflict == OnConflict::Report && conflicts.len() > 100 {",
    },
    Mutation {
        name: "what is no longer applied stays",
        file: "crates/sim-cluster/src/fieldmanager/updater.rs",
        from: "Some(last) if !last.set.is_empty() => self.prune(&merged, &owners, &last.set),",
        to: "Some(last) if last.set.is_empty() => self.prune(&merged, &owners, &last.set),",
    },
    Mutation {
        name: "a finalizer holds nothing back",
        file: "crates/sim-cluster/src/api/update.rs",
        from: "object::finalizers(object).next().is_none() && !waits_for_grace",
        to: "object::finalizers(object).count() < 9 && !waits_for_grace",
    },
    Mutation {
        name: "a selector of absent labels asks that they are there",
        file: "crates/sim-cluster/src/select/label.rs",
        from: "(Test::NotIn(_), None) => true,",
        to: "(Test::NotIn(_), None) => false,",
    },
    Mutation {
        name: "a page counts one object too many",
        file: "crates/sim-cluster/src/api/read.rs",
        from: "options.selection.is_everything()).then_some(rest.len()),",
        to: "options.selection.is_everything()).then_some(rest.len() + 1),",
    },
    Mutation {
        name: "nulls do not remove in a merge patch",
        file: "crates/sim-cluster/src/patch/merge.rs",
        from: "if value.is_null() {",
        to: "if value.is_null() && !fields.contains_key(name) {",
    },
    Mutation {
        name: "a service leads to the pods that are not ready",
        file: "crates/sim-cluster/src/control/endpoints/subsets.rs",
        from: "if unready_too || pod.is_ready {",
        to: "if unready_too || !pod.is_ready {",
    },
    Mutation {
        name: "an eviction asks no budget",
        file: "crates/sim-cluster/src/api/evict.rs",
        from: "if !is_beyond_budgets(&pod) {",
        to: "if !is_beyond_budgets(&pod) && options.dry_run {",
    },
    Mutation {
        name: "a budget takes a share for less than it is",
        file: "crates/sim-cluster/src/control/disruption.rs",
        from: "let healthy = int_or_percent(least, wanted, Rounding::Up);",
        to: "let healthy = int_or_percent(least, wanted, Rounding::Down);",
    },
    Mutation {
        name: "a quota is not counted anew when it changes",
        file: "crates/sim-cluster/src/control/quota.rs",
        from: "quota[\"status\"][\"hard\"] = to_value(&hard);",
        to: "if quota[\"status\"][\"hard\"].is_null() { quota[\"status\"][\"hard\"] = to_value(&hard); }",
    },
    Mutation {
        name: "an autoscaler takes one pod for the least",
        file: "crates/sim-cluster/src/control/autoscaler/mod.rs",
        from: "(integer(spec, \"/minReplicas\").unwrap_or(1),",
        to: "(integer(spec, \"/minReplicas\").map_or(1, |_| 1),",
    },
    Mutation {
        name: "pods of which an autoscaler knows nothing keep none from going",
        file: "crates/sim-cluster/src/control/autoscaler/proposal.rs",
        from: "Aim::Utilization(target) => request * target.max(100) / 100,",
        to: "Aim::Utilization(target) => request * target.max(100) / 1000,",
    },
    Mutation {
        name: "a pod that fits nowhere is told of once",
        file: "crates/sim-cluster/src/control/scheduler.rs",
        from: "if is_new || at.duration_since(told) >= AGAIN {",
        to: "if is_new || at.duration_since(told) >= AGAIN * 100 {",
    },
    Mutation {
        name: "a restarted server tells what watches missed",
        file: "crates/sim-cluster/src/store/mod.rs",
        from: "if revision < inner.unwatched {",
        to: "if revision < inner.unwatched && revision == 0 {",
    },
    Mutation {
        name: "the revisions stay when a cluster is put back",
        file: "crates/sim-cluster/src/store/backup.rs",
        from: "(inner.revision, inner.forgotten) = (revision, revision);",
        to: "(inner.revision, inner.forgotten) = (inner.revision.max(revision), revision);",
    },
    Mutation {
        name: "a zero in protobuf that was set is taken for none",
        file: "crates/sim-cluster/src/schema/wire/decode.rs",
        from: "if field.pointer || !is_zero(&value) {",
        to: "if !is_zero(&value) {",
    },
    Mutation {
        name: "a node that is closed gets no taint",
        file: "crates/sim-cluster/src/control/node.rs",
        from: "if closed == tainted {",
        to: "if closed || !tainted {",
    },
];
