//! Which columns each built-in kind has; those with a priority show with `-o wide`.

#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) priority: u8,
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: "string", priority: 0 }
}

const fn number(name: &'static str) -> Column {
    Column { name, kind: "integer", priority: 0 }
}

const fn wide(name: &'static str) -> Column {
    Column { name, kind: "string", priority: 1 }
}

const NAME: Column = text("Name");
const AGE: Column = text("Age");

/// The columns of a resource; of one without an entry, its name and age.
pub(super) fn of(resource: &str) -> &'static [Column] {
    TABLES.iter().find(|(key, _)| *key == resource).map_or(&[NAME, AGE], |(_, columns)| columns)
}

static TABLES: &[(&str, &[Column])] = &[
    (
        "pods",
        &[
            NAME,
            text("Ready"),
            text("Status"),
            text("Restarts"),
            AGE,
            wide("IP"),
            wide("Node"),
            wide("Nominated Node"),
            wide("Readiness Gates"),
        ],
    ),
    (
        "deployments.apps",
        &[
            NAME,
            text("Ready"),
            number("Up-to-date"),
            number("Available"),
            AGE,
            wide("Containers"),
            wide("Images"),
            wide("Selector"),
        ],
    ),
    (
        "replicasets.apps",
        &[
            NAME,
            number("Desired"),
            number("Current"),
            number("Ready"),
            AGE,
            wide("Containers"),
            wide("Images"),
            wide("Selector"),
        ],
    ),
    (
        "services",
        &[
            NAME,
            text("Type"),
            text("Cluster-IP"),
            text("External-IP"),
            text("Port(s)"),
            AGE,
            wide("Selector"),
        ],
    ),
    (
        "nodes",
        &[
            NAME,
            text("Status"),
            text("Roles"),
            AGE,
            text("Version"),
            wide("Internal-IP"),
            wide("External-IP"),
            wide("OS-Image"),
            wide("Kernel-Version"),
            wide("Container-Runtime"),
        ],
    ),
    ("namespaces", &[NAME, text("Status"), AGE]),
    ("configmaps", &[NAME, text("Data"), AGE]),
    ("secrets", &[NAME, text("Type"), number("Data"), AGE]),
    ("serviceaccounts", &[NAME, AGE]),
    (
        "events",
        &[
            text("Last Seen"),
            text("Type"),
            text("Reason"),
            text("Object"),
            wide("Subobject"),
            wide("Source"),
            text("Message"),
            wide("First Seen"),
            wide("Count"),
            wide("Name"),
        ],
    ),
    ("endpoints", &[NAME, text("Endpoints"), AGE]),
    ("endpointslices.discovery.k8s.io", &[NAME, text("AddressType"), text("Ports"), text("Endpoints"), AGE]),
    (
        "horizontalpodautoscalers.autoscaling",
        &[
            NAME,
            text("Reference"),
            text("Targets"),
            text("MinPods"),
            text("MaxPods"),
            number("Replicas"),
            AGE,
        ],
    ),
    (
        "poddisruptionbudgets.policy",
        &[NAME, text("Min Available"), text("Max Unavailable"), number("Allowed Disruptions"), AGE],
    ),
    ("leases.coordination.k8s.io", &[NAME, text("Holder"), AGE]),
    (
        "priorityclasses.scheduling.k8s.io",
        &[
            NAME,
            number("Value"),
            Column { name: "Global-Default", kind: "boolean", priority: 0 },
            AGE,
            text("PreemptionPolicy"),
        ],
    ),
    ("resourcequotas", &[NAME, text("Request"), text("Limit"), AGE]),
    ("customresourcedefinitions.apiextensions.k8s.io", &[NAME, text("Created At")]),
];
