//! The structural schema of an App resource. It is complete: the API server drops every field that is not
//! here, and the digests then tell that something is missing.
//!
//! It only ever grows. Bounds are left to admission, which knows them all; what is here keeps the cost of the
//! transition rule small and the document readable with `kubectl explain`.

use serde_json::{Map, Value, json};

/// The schema of the whole resource.
pub(super) fn app() -> Value {
    let mut root = object(
        "An application as this data center was told to have it. Written by Plimsoll; edit the application's \
         document instead.",
        &[],
        [("spec", spec()), ("status", status())],
    );
    root["required"] = json!(["spec"]);
    root
}

fn spec() -> Value {
    let mut spec = object(
        "What was ordered.",
        &["installation", "dc", "uid", "fence", "digest", "operation", "state"],
        [
            ("installation", text("The installation that ordered it.", 40)),
            ("dc", text("The data center that it was ordered for.", 40)),
            ("uid", text("The life of the App: made again under its name, it has another.", 36)),
            ("fence", fence()),
            ("digest", digest("The digest of what was ordered.")),
            ("operation", text("The Operation that ordered it.", 36)),
            ("state", words("What the App is to be.", &["Online", "Offline", "Deleted"])),
            ("release", number("The number of the Release.")),
            ("contentDigest", digest("The digest of content.")),
            ("content", content()),
            ("replication", replication()),
            ("restarts", number("How often this content was restarted here.")),
            ("lastGood", last_good()),
            ("pulls", pulls()),
            ("deleted", list("Earlier lives of this name whose workloads must go first.", uid())),
            ("local", local()),
        ],
    );
    spec["x-kubernetes-validations"] = json!([
        {
            "rule": "self.fence.epoch > oldSelf.fence.epoch || (self.fence.epoch == oldSelf.fence.epoch && \
                     self.fence.revision >= oldSelf.fence.revision)",
            "message": "an older Order never replaces a newer one",
        },
        {
            "rule": "self.fence.epoch != oldSelf.fence.epoch || self.fence.revision != oldSelf.fence.revision || \
                     self.digest == oldSelf.digest",
            "message": "the same fence never stands for two Orders",
        },
        {
            "rule": "!has(oldSelf.local) || has(self.local) || self.fence.epoch > oldSelf.fence.epoch || \
                     self.fence.revision > oldSelf.fence.revision",
            "message": "a local rollback ends only with a newer Order",
        },
        {
            "rule": "self.installation == oldSelf.installation",
            "message": "the App belongs to another installation of Plimsoll",
        },
    ]);
    spec
}

fn fence() -> Value {
    object(
        "Compared by epoch, then by revision; it never falls.",
        &["epoch", "revision"],
        [
            ("epoch", number("The epoch of the ledger.")),
            ("revision", number("The ledger's revision of the Order.")),
        ],
    )
}

fn replication() -> Value {
    object(
        "How many, by exactly one of the two.",
        &[],
        [
            ("replicas", number("So many.")),
            (
                "autoscale",
                object(
                    "As many as the load asks for.",
                    &["min", "max", "cpuPercent"],
                    [
                        ("min", number("Never fewer.")),
                        ("max", number("Never more.")),
                        ("cpuPercent", number("The CPU use that is aimed at, in percent of the limit.")),
                    ],
                ),
            ),
        ],
    )
}

fn last_good() -> Value {
    object(
        "The newest content that was healthy here before.",
        &["release", "contentDigest", "content"],
        [
            ("release", number("The number of its Release.")),
            ("contentDigest", digest("The digest of content.")),
            ("content", content()),
        ],
    )
}

fn pulls() -> Value {
    object(
        "From where images are pulled. Without it, from where they name.",
        &["of", "from"],
        [
            ("of", list("The registries whose images are meant.", text("A registry.", 255))),
            ("from", text("What their repositories are found below: a registry, and a path in it.", 255)),
        ],
    )
}

fn local() -> Value {
    object(
        "Reserved for the rollback of this data center alone, which is not built yet: while it is set, nothing \
         is changed here.",
        &[],
        [
            ("by", text("Who asked for it.", 256)),
            ("at", text("When.", 64)),
            ("reason", text("Why.", 4096)),
            ("contentDigest", digest("The digest of the content that is to run.")),
        ],
    )
}

fn content() -> Value {
    object(
        "What the Release holds.",
        &["renderer", "grade", "terms", "main", "user", "shutdown", "publish"],
        [
            ("renderer", number("The renderer of its objects.")),
            ("grade", text("How important it is.", 40)),
            (
                "terms",
                object(
                    "Limit over request, as the grade stood for it when the Release was made.",
                    &["cpu", "memory"],
                    [("cpu", string("For CPU.")), ("memory", string("For memory."))],
                ),
            ),
            ("main", container("The main container.", false)),
            ("init", list("Steps before the main container starts.", container("A step.", true))),
            ("sidecars", list("Containers beside the main one.", container("A sidecar.", true))),
            ("ports", list("What the main container listens on.", port())),
            ("files", list("Files in every container.", file())),
            ("secretFiles", list("Files whose content is a key of a Secret.", secret_file())),
            (
                "scratch",
                list(
                    "Writable directories.",
                    object(
                        "One.",
                        &["path", "size"],
                        [("path", string("Where.")), ("size", string("How much it may hold."))],
                    ),
                ),
            ),
            ("user", number("The user and group id of all containers.")),
            (
                "shutdown",
                object(
                    "How a pod leaves.",
                    &["drain", "grace"],
                    [
                        ("drain", string("How long it goes on serving.")),
                        ("grace", string("How long it may take after that.")),
                    ],
                ),
            ),
            ("apiToken", string("Whether pods get a token for the Kubernetes API.")),
            (
                "overlays",
                map(
                    "What is otherwise in one data center.",
                    object(
                        "One data center's.",
                        &[],
                        [("env", env()), ("files", list("Files that win over the App's.", file()))],
                    ),
                ),
            ),
            ("publish", publish()),
        ],
    )
}

fn container(description: &str, named: bool) -> Value {
    let mut fields = vec![
        ("image", string("The image, by digest.")),
        ("command", list("Replaces the image's entry point.", string("A word."))),
        ("args", list("Replaces the image's arguments.", string("A word."))),
        (
            "size",
            object(
                "The limit.",
                &["cpu", "memory"],
                [
                    ("cpu", string("In cores.")),
                    ("memory", string("In bytes.")),
                    ("ephemeralStorage", string("In bytes.")),
                ],
            ),
        ),
        ("env", env()),
        ("envFromSecrets", map("Environment variables from Secrets.", secret_key())),
        (
            "probes",
            object(
                "When it is started, ready, alive.",
                &[],
                [("startup", probe()), ("readiness", probe()), ("liveness", probe())],
            ),
        ),
    ];
    let mut required = vec!["image", "size"];
    if named {
        fields.push(("name", string("Its name in the pod.")));
        required.push("name");
    }
    object(description, &required, fields)
}

fn probe() -> Value {
    let by_port = |description: &str, path: bool| {
        let mut fields = vec![("port", int_or_string("A port's number or name."))];
        let mut required = vec!["port"];
        if path {
            fields.push(("path", string("What is asked for.")));
            required.push("path");
        }
        object(description, &required, fields)
    };
    object(
        "One probe.",
        &["check"],
        [
            (
                "check",
                object(
                    "Exactly one way to ask.",
                    &[],
                    [
                        ("http", by_port("A GET.", true)),
                        ("tcp", by_port("A connection.", false)),
                        (
                            "exec",
                            object(
                                "A command.",
                                &["command"],
                                [("command", list("Program and arguments.", string("A word.")))],
                            ),
                        ),
                        (
                            "grpc",
                            object(
                                "The standard health service of gRPC.",
                                &["port"],
                                [("port", number("Where.")), ("service", string("Which service."))],
                            ),
                        ),
                    ],
                ),
            ),
            ("initialDelay", string("Before the first try.")),
            ("period", string("Between two tries.")),
            ("timeout", string("Of one try.")),
            ("failureThreshold", number("So many failures in a row are one.")),
            ("successThreshold", number("So many successes in a row are one.")),
        ],
    )
}

fn port() -> Value {
    object(
        "One port.",
        &["name", "port", "protocol", "servicePort"],
        [
            ("name", string("Its name.")),
            ("port", number("What the container listens on.")),
            ("protocol", string("TCP or UDP.")),
            ("servicePort", number("What the Service offers it as.")),
        ],
    )
}

fn file() -> Value {
    object(
        "One file.",
        &["path", "content", "mode"],
        [
            ("path", string("Where it lies.")),
            ("content", string("What is in it.")),
            ("mode", string("Permission bits in octal.")),
        ],
    )
}

fn secret_file() -> Value {
    object(
        "One file.",
        &["path", "secret", "key", "mode"],
        [
            ("path", string("Where it lies.")),
            ("secret", string("The Secret.")),
            ("key", string("The key in it.")),
            ("mode", string("Permission bits in octal.")),
        ],
    )
}

fn secret_key() -> Value {
    object(
        "A key of a Secret.",
        &["secret", "key"],
        [("secret", string("The Secret.")), ("key", string("The key in it."))],
    )
}

fn env() -> Value {
    map("Environment variables.", string("A value."))
}

fn publish() -> Value {
    object(
        "How the Release travels over the data centers.",
        &["succeed", "soak", "deadline", "onFailure"],
        [
            (
                "waves",
                list("Data centers, one wave after the other.", list("A wave.", string("A data center."))),
            ),
            ("succeed", int_or_string("How many must become healthy: All, or a number.")),
            ("soak", string("How long each must stay healthy.")),
            ("deadline", string("How long each may take.")),
            ("onFailure", string("What happens when it fails.")),
        ],
    )
}

fn status() -> Value {
    object(
        "What is really here.",
        &[],
        [
            ("fence", fence()),
            ("ready", string("Ready pods of the ordered ones.")),
            ("applied", string("Pending, Current or Gone.")),
            (
                "replicas",
                object(
                    "Pods by what they are.",
                    &[],
                    [
                        ("ordered", number("What the Deployment is told to have.")),
                        ("updated", number("Of the template that is ordered now.")),
                        ("ready", number("Ready, of any template.")),
                        ("available", number("Available, of any template.")),
                        ("old", number("Of an earlier template.")),
                        ("terminating", number("Told to go and within their grace.")),
                    ],
                ),
            ),
            (
                "findings",
                list(
                    "Why it is not as ordered; the most telling first.",
                    object(
                        "One reason.",
                        &["reason", "message"],
                        [
                            ("reason", string("A stable key.")),
                            ("message", string("A sentence.")),
                            (
                                "fatal",
                                json!({"type": "boolean", "description": "Whether waiting cannot help."}),
                            ),
                        ],
                    ),
                ),
            ),
            (
                "drift",
                list(
                    "What others changed and was put right; the last 20, the newest last.",
                    object(
                        "One field.",
                        &["object", "since"],
                        [
                            ("object", string("The object.")),
                            ("field", string("The field; none: the object was gone.")),
                            ("manager", string("Who changed it.")),
                            ("since", string("Since when.")),
                        ],
                    ),
                ),
            ),
        ],
    )
}

fn object<'a>(
    description: &str,
    required: &[&str],
    fields: impl IntoIterator<Item = (&'a str, Value)>,
) -> Value {
    let properties: Map<String, Value> =
        fields.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    let mut schema = json!({"type": "object", "description": description, "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

#[expect(clippy::needless_pass_by_value, reason = "what is nested is made where it is handed over")]
fn list(description: &str, items: Value) -> Value {
    json!({"type": "array", "description": description, "items": items})
}

#[expect(clippy::needless_pass_by_value, reason = "what is nested is made where it is handed over")]
fn map(description: &str, values: Value) -> Value {
    json!({"type": "object", "description": description, "additionalProperties": values})
}

fn string(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn text(description: &str, longest: u32) -> Value {
    json!({"type": "string", "description": description, "maxLength": longest})
}

fn uid() -> Value {
    text("An App's uid.", 36)
}

fn digest(description: &str) -> Value {
    text(description, 71)
}

fn number(description: &str) -> Value {
    json!({"type": "integer", "format": "int64", "minimum": 0, "description": description})
}

fn words(description: &str, words: &[&str]) -> Value {
    json!({"type": "string", "description": description, "enum": words})
}

fn int_or_string(description: &str) -> Value {
    json!({"x-kubernetes-int-or-string": true, "description": description})
}
