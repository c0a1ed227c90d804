//! Faults that somebody could put into the simulated cluster, each as a replacement of one text in one file.

/// The tests that are the suite: a program each, which needs nothing but the simulated cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Suite {
    /// The cases that hold it to a real API server.
    Cases,
    /// Those of them for which the server is disturbed.
    Faults,
    /// Those of them that take their time: whose controllers wait, or whose pods have a load.
    Time,
    /// What no real server has: clocks, hooks, the journal, nodes.
    Own,
}

impl Suite {
    pub(crate) const ALL: [Self; 4] = [Self::Cases, Self::Faults, Self::Time, Self::Own];

    /// The name of its program.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Cases => "simulated",
            Self::Faults => "simulated_faults",
            Self::Time => "simulated_time",
            Self::Own => "it",
        }
    }

    /// The folder of its package, from the root of the repository.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Cases | Self::Faults | Self::Time => "tests/machinery",
            Self::Own => "crates/sim-cluster",
        }
    }
}

/// A fault.
pub(crate) struct Mutation {
    /// What goes wrong.
    pub(crate) name: &'static str,
    /// In which file, from the root of the repository.
    pub(crate) file: &'static str,
    /// The text that stands there, once.
    pub(crate) from: &'static str,
    /// The text that takes its place. `FAULT` in it is true where this fault is on.
    pub(crate) to: &'static str,
    /// The cases that are to notice it, by what their names have in common. Any other may, but is tried later.
    pub(crate) noticed_by: (Suite, &'static str),
}

pub(crate) const MUTATIONS: [Mutation; 62] = [
    Mutation {
        name: "what leaves the selection of a watch is told as changed",
        file: "crates/sim-cluster/src/api/watch.rs",
        from: "(true, false) => ChangeKind::Deleted,",
        to: "(true, false) => if FAULT { ChangeKind::Modified } else { ChangeKind::Deleted },",
        noticed_by: (Suite::Cases, "watch::"),
    },
    Mutation {
        name: "a list at exactly an older version shows the present",
        file: "crates/sim-cluster/src/api/read.rs",
        from: "        if exact {",
        to: "        if exact && (!FAULT || asked == 0) {",
        noticed_by: (Suite::Cases, "list::"),
    },
    Mutation {
        name: "an update that changes nothing is stored",
        file: "crates/sim-cluster/src/api/update.rs",
        from: "if object == **live {",
        to: "if object == **live && (!FAULT || options.dry_run) {",
        noticed_by: (Suite::Cases, "patches::"),
    },
    Mutation {
        name: "a write against an older version is let through",
        file: "crates/sim-cluster/src/api/update.rs",
        from: "if !asked.is_empty() && asked != object::resource_version(live) {",
        to: "if !asked.is_empty() && asked != object::resource_version(live) && (!FAULT || asked.len() > object::resource_version(live).len()) {",
        noticed_by: (Suite::Cases, "errors::"),
    },
    Mutation {
        name: "an apply takes fields from others without being told to",
        file: "crates/sim-cluster/src/fieldmanager/updater.rs",
        from: "if on_conflict == OnConflict::Report && !conflicts.is_empty() {",
        to: "if on_conflict == OnConflict::Report && !conflicts.is_empty() && (!FAULT || conflicts.len() > 100) {",
        noticed_by: (Suite::Cases, "apply_conflicts::"),
    },
    Mutation {
        name: "what is no longer applied stays",
        file: "crates/sim-cluster/src/fieldmanager/updater.rs",
        from: "Some(last) if !last.set.is_empty() => self.prune(&merged, &owners, &last.set),",
        to: "Some(last) if last.set.is_empty() == FAULT => self.prune(&merged, &owners, &last.set),",
        noticed_by: (Suite::Cases, "apply::"),
    },
    Mutation {
        name: "a finalizer holds nothing back",
        file: "crates/sim-cluster/src/api/update.rs",
        from: "object::finalizers(object).next().is_none() && !waits_for_grace",
        to: "(FAULT || object::finalizers(object).next().is_none()) && !waits_for_grace",
        noticed_by: (Suite::Cases, "delete::"),
    },
    Mutation {
        name: "a selector of absent labels asks that they are there",
        file: "crates/sim-cluster/src/select/label.rs",
        from: "(Test::NotIn(_), None) => true,",
        to: "(Test::NotIn(_), None) => !FAULT,",
        noticed_by: (Suite::Cases, "select::"),
    },
    Mutation {
        name: "a page counts one object too many",
        file: "crates/sim-cluster/src/api/read.rs",
        from: "options.selection.is_everything()).then_some(rest.len()),",
        to: "options.selection.is_everything()).then_some(rest.len() + usize::from(FAULT)),",
        noticed_by: (Suite::Cases, "paging::"),
    },
    Mutation {
        name: "nulls do not remove in a merge patch",
        file: "crates/sim-cluster/src/patch/merge.rs",
        from: "if value.is_null() {",
        to: "if value.is_null() && (!FAULT || !fields.contains_key(name)) {",
        noticed_by: (Suite::Cases, "patches::"),
    },
    Mutation {
        name: "a service leads to the pods that are not ready",
        file: "crates/sim-cluster/src/control/endpoints/subsets.rs",
        from: "if unready_too || pod.is_ready {",
        to: "if unready_too || pod.is_ready != FAULT {",
        noticed_by: (Suite::Cases, "endpoints::"),
    },
    Mutation {
        name: "an eviction asks no budget",
        file: "crates/sim-cluster/src/api/evict.rs",
        from: "if !is_beyond_budgets(&pod) {",
        to: "if !is_beyond_budgets(&pod) && (!FAULT || options.dry_run) {",
        noticed_by: (Suite::Cases, "evictions::"),
    },
    Mutation {
        name: "a budget takes a share for less than it is",
        file: "crates/sim-cluster/src/control/disruption.rs",
        from: "let healthy = int_or_percent(least, wanted, Rounding::Up);",
        to: "let rounding = if FAULT { Rounding::Down } else { Rounding::Up }; let healthy = int_or_percent(least, wanted, rounding);",
        noticed_by: (Suite::Cases, "budgets::"),
    },
    Mutation {
        name: "a quota is not counted anew when it changes",
        file: "crates/sim-cluster/src/control/quota.rs",
        from: "quota[\"status\"][\"hard\"] = to_value(&hard);",
        to: "if !FAULT || quota[\"status\"][\"hard\"].is_null() { quota[\"status\"][\"hard\"] = to_value(&hard); }",
        noticed_by: (Suite::Cases, "quotas::"),
    },
    Mutation {
        name: "an autoscaler takes one pod for the least",
        file: "crates/sim-cluster/src/control/autoscaler/mod.rs",
        from: "(integer(spec, \"/minReplicas\").unwrap_or(1),",
        to: "(integer(spec, \"/minReplicas\").filter(|_| !FAULT).unwrap_or(1),",
        noticed_by: (Suite::Cases, "autoscalers::"),
    },
    Mutation {
        name: "pods of which an autoscaler knows nothing keep none from going",
        file: "crates/sim-cluster/src/control/autoscaler/proposal.rs",
        from: "Aim::Utilization(target) => request * target.max(100) / 100,",
        to: "Aim::Utilization(target) => request * target.max(100) / if FAULT { 1000 } else { 100 },",
        noticed_by: (Suite::Time, ""),
    },
    Mutation {
        name: "a restarted server tells what watches missed",
        file: "crates/sim-cluster/src/store/mod.rs",
        from: "if revision < inner.unwatched {",
        to: "if revision < inner.unwatched && (!FAULT || revision == 0) {",
        noticed_by: (Suite::Faults, ""),
    },
    Mutation {
        name: "the revisions stay when a cluster is put back",
        file: "crates/sim-cluster/src/store/backup.rs",
        from: "(inner.revision, inner.forgotten) = (revision, revision);",
        to: "(inner.revision, inner.forgotten) = (if FAULT { inner.revision.max(revision) } else { revision }, revision);",
        noticed_by: (Suite::Faults, ""),
    },
    Mutation {
        name: "a zero in protobuf that was set is taken for none",
        file: "crates/sim-cluster/src/schema/wire/decode.rs",
        from: "if field.pointer || !is_zero(&value) {",
        to: "if field.pointer && !FAULT || !is_zero(&value) {",
        noticed_by: (Suite::Cases, "protobuf::"),
    },
    Mutation {
        name: "a node that is closed gets no taint",
        file: "crates/sim-cluster/src/control/node.rs",
        from: "if closed == tainted {",
        to: "if (FAULT && (closed || !tainted)) || (!FAULT && closed == tainted) {",
        noticed_by: (Suite::Cases, "kubectl_cluster::"),
    },
    Mutation {
        name: "a request that is to be delayed is answered at once",
        file: "crates/sim-cluster/src/http/mod.rs",
        from: "Fault::Delay(time) => self.api.clock.sleep(*time).await,",
        to: "Fault::Delay(time) => self.api.clock.sleep(if FAULT { Duration::ZERO } else { *time }).await,",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "a request that takes too long takes effect",
        file: "crates/sim-cluster/src/http/mod.rs",
        from: "Fault::Delay(time) if *time > deadline",
        to: "Fault::Delay(time) if !FAULT && *time > deadline",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "a delayed watch is timed out like a request",
        file: "crates/sim-cluster/src/http/mod.rs",
        from: "deadline && info.verb != Verb::Watch => {",
        to: "deadline && (FAULT || info.verb != Verb::Watch) => {",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "a stale read shows the present",
        file: "crates/sim-cluster/src/http/mod.rs",
        from: "Fault::Stale { revision } => as_of = Some((*revision).min(self.api.store.revision())),",
        to: "Fault::Stale { revision } => as_of = (!FAULT).then(|| (*revision).min(self.api.store.revision())),",
        noticed_by: (Suite::Own, "past::"),
    },
    Mutation {
        name: "what is to fail before it takes effect takes effect",
        file: "crates/sim-cluster/src/http/mod.rs",
        from: "Fault::Fail(error) => {",
        to: "Fault::Fail(error) => { if FAULT { drop(work(None).await); }",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "what is dropped takes effect",
        file: "crates/sim-cluster/src/http/mod.rs",
        from: "Fault::Drop => {",
        to: "Fault::Drop => { if FAULT { drop(work(None).await); }",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "what hangs takes effect",
        file: "crates/sim-cluster/src/http/mod.rs",
        from: "Fault::Hang => {",
        to: "Fault::Hang => { if FAULT { drop(work(None).await); }",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "what is to fail after it took effect succeeds",
        file: "crates/sim-cluster/src/http/mod.rs",
        from: "            Fault::FailAfter(error) => {",
        to: "            Fault::FailAfter(error) if !FAULT => {",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "a reply that is to be lost arrives",
        file: "crates/sim-cluster/src/http/mod.rs",
        from: "            Fault::LoseReply => {",
        to: "            Fault::LoseReply if !FAULT => {",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "what is to hang after it took effect is answered",
        file: "crates/sim-cluster/src/http/mod.rs",
        from: "            Fault::HangAfter => {",
        to: "            Fault::HangAfter if !FAULT => {",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "a hook that was taken away goes on",
        file: "crates/sim-cluster/src/hooks.rs",
        from: "self.inner.requests.write().retain(|(held, _)| *held != id);",
        to: "self.inner.requests.write().retain(|(held, _)| FAULT || *held != id);",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "a hook of watches that was taken away goes on",
        file: "crates/sim-cluster/src/hooks.rs",
        from: "self.inner.watches.write().retain(|(held, _)| *held != id);",
        to: "self.inner.watches.write().retain(|(held, _)| FAULT || *held != id);",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "the last hook that was added decides",
        file: "crates/sim-cluster/src/hooks.rs",
        from: ".map(|(_, hook)| hook(request))\n            .find(|fault| !matches!(fault, Fault::Pass))",
        to: ".map(|(_, hook)| hook(request)).filter(|fault| !matches!(fault, Fault::Pass)).take(if FAULT { usize::MAX } else { 1 }).last()",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "who is one too many is not told when to come again",
        file: "crates/sim-cluster/src/http/respond.rs",
        from: "if let Some(seconds) = error.retry_after {",
        to: "if let Some(seconds) = error.retry_after.filter(|_| !FAULT) {",
        noticed_by: (Suite::Faults, ""),
    },
    Mutation {
        name: "an event that is to be hidden is told",
        file: "crates/sim-cluster/src/http/stream.rs",
        from: "WatchFault::Hide => {}",
        to: "WatchFault::Hide => { if FAULT { self.tell(told); } }",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "an event that is to be delayed is told at once",
        file: "crates/sim-cluster/src/http/stream.rs",
        from: "self.server.api.clock.sleep(time).await;",
        to: "self.server.api.clock.sleep(if FAULT { std::time::Duration::ZERO } else { time }).await;",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "events of one object change places",
        file: "crates/sim-cluster/src/http/stream.rs",
        from: "held.order == Order::OfObjects && held.told.is_about(&told)",
        to: "!FAULT && held.order == Order::OfObjects && held.told.is_about(&told)",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "a bookmark overtakes events that are held back",
        file: "crates/sim-cluster/src/http/stream.rs",
        from: "let all = !told.is_about_an_object();",
        to: "let all = !FAULT && !told.is_about_an_object();",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "an event that is held back waits for the next for ever",
        file: "crates/sim-cluster/src/http/stream.rs",
        from: "let due = self.server.api.clock.sleep(within);",
        to: "let due = self.server.api.clock.sleep(if FAULT { within * 1000 } else { within });",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "a watch that expires ends without a word",
        file: "crates/sim-cluster/src/http/stream.rs",
        from: "self.tell(Told { kind: \"ERROR\", object: error.to_value().into() });",
        to: "if !FAULT { self.tell(Told { kind: \"ERROR\", object: error.to_value().into() }); }",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "a watch that is to end breaks",
        file: "crates/sim-cluster/src/http/stream.rs",
        from: "WatchFault::End => return Line::Over,",
        to: "WatchFault::End => return if FAULT { Line::Broken } else { Line::Over },",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "a watch that is to break ends",
        file: "crates/sim-cluster/src/http/stream.rs",
        from: "WatchFault::Cut => return Line::Broken,",
        to: "WatchFault::Cut => return if FAULT { Line::Over } else { Line::Broken },",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "a frozen watch goes on",
        file: "crates/sim-cluster/src/http/stream.rs",
        from: "WatchFault::Freeze => match frozen().await {},",
        to: "WatchFault::Freeze => if FAULT { self.tell(told) } else { match frozen().await {} },",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "watches that are cut go on",
        file: "crates/sim-cluster/src/http/stream.rs",
        from: "_ = self.cuts.changed() => return Line::Broken,",
        to: "_ = self.cuts.changed(), if !FAULT => return Line::Broken,",
        noticed_by: (Suite::Own, "past::"),
    },
    Mutation {
        name: "a watch of a server that lags begins now",
        file: "crates/sim-cluster/src/api/watch.rs",
        from: "let current = options.as_of.unwrap_or_else(|| tx.revision());",
        to: "let current = options.as_of.filter(|_| !FAULT).unwrap_or_else(|| tx.revision());",
        noticed_by: (Suite::Own, "past::"),
    },
    Mutation {
        name: "a version that is not reached yet is as good as now",
        file: "crates/sim-cluster/src/api/read.rs",
        from: "if asked > current { Err(ApiError::too_large_resource_version(asked, current)) } else { Ok(()) }",
        to: "if asked > current && !FAULT { Err(ApiError::too_large_resource_version(asked, current)) } else { Ok(()) }",
        noticed_by: (Suite::Cases, "list::"),
    },
    Mutation {
        name: "a write that changed nothing is at rest",
        file: "crates/sim-cluster/src/journal.rs",
        from: "entries.retain(|entry| entry.request.is_write());",
        to: "entries.retain(|entry| entry.request.is_write() && (!FAULT || entry.changed));",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "a dry run is a write",
        file: "crates/sim-cluster/src/hooks.rs",
        from: "self.verb.is_write() && !self.dry_run",
        to: "self.verb.is_write() && (FAULT || !self.dry_run)",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "the journal takes what was before a mark for later",
        file: "crates/sim-cluster/src/journal.rs",
        from: "filter(|(number, _)| *number >= mark.0)",
        to: "filter(|(number, _)| FAULT || *number >= mark.0)",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "the journal says that a write changed nothing",
        file: "crates/sim-cluster/src/http/mod.rs",
        from: "let changed = info.is_write() && outcome.is_ok()",
        to: "let changed = !FAULT && info.is_write() && outcome.is_ok()",
        noticed_by: (Suite::Own, "faults::"),
    },
    Mutation {
        name: "watches go on when a cluster is put back",
        file: "crates/sim-cluster/src/cluster.rs",
        from: "        self.parts.server.hooks.cut_watches();\n        Ok(",
        to: "        if !FAULT { self.parts.server.hooks.cut_watches(); }\n        Ok(",
        noticed_by: (Suite::Own, "past::"),
    },
    Mutation {
        name: "a controller that found all in order looks away for good",
        file: "crates/sim-cluster/src/control/rest.rs",
        from: "let rests = *seen == scene && due",
        to: "let rests = (FAULT || *seen == scene) && due",
        noticed_by: (Suite::Own, "rollout::"),
    },
    Mutation {
        name: "a controller does not see how pods change",
        file: "crates/sim-cluster/src/control/rest.rs",
        from: "pods.into_iter().for_each(|pod| pod.facts().hash_state(&mut hasher));",
        to: "if !FAULT { pods.into_iter().for_each(|pod| pod.facts().hash_state(&mut hasher)); }",
        noticed_by: (Suite::Own, "rollout::"),
    },
    Mutation {
        name: "an object is not found by what its field has become",
        file: "crates/sim-cluster/src/store/table.rs",
        from: "                self.fields.insert(field, value, &path);",
        to: "                if !FAULT || held.is_none() { self.fields.insert(field, value, &path); }",
        noticed_by: (Suite::Own, "nodes::"),
    },
    Mutation {
        name: "an object is found by what its field was",
        file: "crates/sim-cluster/src/store/table.rs",
        from: "                    self.fields.remove(field, held, &path);",
        to: "                    if !FAULT { self.fields.remove(field, held, &path); }",
        noticed_by: (Suite::Cases, "budgets::"),
    },
    Mutation {
        name: "an object is found by a label that it had",
        file: "crates/sim-cluster/src/store/table.rs",
        from: "                self.labels.remove(key, value, &path);\n            }\n            for (key",
        to: "                if !FAULT { self.labels.remove(key, value, &path); }\n            }\n            for (key",
        noticed_by: (Suite::Cases, "endpoints::"),
    },
    Mutation {
        name: "a pod that fits nowhere is told of once",
        file: "crates/sim-cluster/src/control/scheduler.rs",
        from: "if is_new || at.duration_since(told) >= AGAIN {",
        to: "if is_new || at.duration_since(told) >= AGAIN * if FAULT { 100 } else { 1 } {",
        noticed_by: (Suite::Time, ""),
    },
    Mutation {
        name: "notes of replica sets outlive a state that was put back",
        file: "crates/sim-cluster/src/control/mod.rs",
        from: "            self.sets_at_rest = Rest::default();\n",
        to: "            if !FAULT {\n                self.sets_at_rest = Rest::default();\n            }\n",
        noticed_by: (Suite::Own, "past::"),
    },
    Mutation {
        name: "notes of budgets outlive a state that was put back",
        file: "crates/sim-cluster/src/control/mod.rs",
        from: "            self.budgets_at_rest = Rest::default();\n",
        to: "            if !FAULT {\n                self.budgets_at_rest = Rest::default();\n            }\n",
        noticed_by: (Suite::Own, "past::"),
    },
    Mutation {
        name: "notes of pods outlive a state that was put back",
        file: "crates/sim-cluster/src/control/mod.rs",
        from: "            self.kubelet.rouse();",
        to: "            if !FAULT {\n                self.kubelet.rouse();\n            }",
        noticed_by: (Suite::Own, "past::"),
    },
    Mutation {
        name: "controllers do not hear of what is lost with a state that was put back",
        file: "crates/sim-cluster/src/store/backup.rs",
        from: "for (key, last) in gone {",
        to: "for (key, last) in if FAULT { IndexMap::new() } else { gone } {",
        noticed_by: (Suite::Own, "past::"),
    },
    Mutation {
        name: "controllers do not hear of what is there with a state that was put back",
        file: "crates/sim-cluster/src/store/backup.rs",
        from: "            inner.unseen.insert(key.clone(), None);",
        to: "            if !FAULT {\n                inner.unseen.insert(key.clone(), None);\n            }",
        noticed_by: (Suite::Own, "past::"),
    },
];
