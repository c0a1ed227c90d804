//! Containers: defaults, and what is refused in them.

use plimsoll_qos::Quantity;

use crate::object::{elements, list, set_default, text};
use crate::status::Cause;
use crate::tree::{Value, json};

pub(super) fn set_defaults(container: &mut Value) {
    let policy = pull_policy(text(container, "/image"));
    set_default(container, "imagePullPolicy", policy);
    set_default(container, "terminationMessagePath", "/dev/termination-log");
    set_default(container, "terminationMessagePolicy", "File");
    set_default(container, "resources", json!({}));
    for port in elements(container, "ports") {
        set_default(port, "protocol", "TCP");
    }
    for env in elements(container, "env") {
        if let Some(reference) = env.pointer_mut("/valueFrom/fieldRef") {
            set_default(reference, "apiVersion", "v1");
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe) {
            default_probe(probe);
        }
    }
    for hook in ["/lifecycle/postStart/httpGet", "/lifecycle/preStop/httpGet"] {
        if let Some(get) = container.pointer_mut(hook) {
            default_http_get(get);
        }
    }
    canonical_quantities(container);
}

/// Limits stand in for requests that are not given; of pods only, not of templates.
pub(super) fn default_requests(container: &mut Value) {
    let Some(limits) = container.pointer("/resources/limits").and_then(Value::as_object).cloned() else {
        return;
    };
    let resources = crate::object::child(container, "resources");
    let requests = crate::object::fields(resources.entry("requests").or_insert_with(|| json!({})));
    for (name, limit) in limits {
        requests.entry(name).or_insert(limit);
    }
}

fn pull_policy(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or(image);
    let latest = match name.split_once('@') {
        Some(_) => false,
        None => name.split_once(':').is_none_or(|(_, tag)| tag == "latest"),
    };
    if latest { "Always" } else { "IfNotPresent" }
}

fn default_probe(probe: &mut Value) {
    set_default(probe, "timeoutSeconds", 1);
    set_default(probe, "periodSeconds", 10);
    set_default(probe, "successThreshold", 1);
    set_default(probe, "failureThreshold", 3);
    if let Some(get) = probe.get_mut("httpGet") {
        default_http_get(get);
    }
    if let Some(grpc) = probe.get_mut("grpc") {
        set_default(grpc, "service", "");
    }
}

fn default_http_get(get: &mut Value) {
    set_default(get, "path", "/");
    set_default(get, "scheme", "HTTP");
}

/// Quantities are written back in their shortest form.
fn canonical_quantities(container: &mut Value) {
    for part in ["limits", "requests"] {
        if let Some(Value::Object(amounts)) = container.pointer_mut(&format!("/resources/{part}")) {
            super::quota::canonical(amounts);
        }
    }
}

pub(super) fn check_all(spec: &Value, at: &str, causes: &mut Vec<Cause>) {
    if list(spec, "/containers").is_empty() {
        causes.push(Cause::required(format!("{at}.containers"), ""));
    }
    let mut seen = Vec::new();
    for part in ["initContainers", "containers"] {
        for (index, container) in list(spec, &format!("/{part}")).iter().enumerate() {
            let at = format!("{at}.{part}[{index}]");
            let name = text(container, "/name");
            if name.is_empty() {
                causes.push(Cause::required(format!("{at}.name"), ""));
            } else if seen.contains(&name) {
                causes.push(Cause::duplicate(format!("{at}.name"), &name.into()));
            } else {
                super::names::check_label(name, &format!("{at}.name"), causes);
            }
            seen.push(name);
            check(container, &at, part == "initContainers", causes);
        }
    }
}

fn check(container: &Value, at: &str, init: bool, causes: &mut Vec<Cause>) {
    if text(container, "/image").is_empty() {
        causes.push(Cause::required(format!("{at}.image"), ""));
    }
    let sidecar = text(container, "/restartPolicy") == "Always";
    if init && !sidecar {
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            if container.get(probe).is_some() {
                causes.push(Cause {
                    reason: "FieldValueForbidden",
                    field: format!("{at}.{probe}"),
                    message: "Forbidden: may not be set for init containers without restartPolicy=Always"
                        .into(),
                });
            }
        }
    }
    for (index, port) in list(container, "/ports").iter().enumerate() {
        let number = port.get("containerPort").and_then(Value::as_i64).unwrap_or_default();
        if !(1..=65535).contains(&number) {
            let field = format!("{at}.ports[{index}].containerPort");
            causes.push(Cause::invalid(field, &number.into(), "must be between 1 and 65535, inclusive"));
        }
    }
    check_resources(container, at, causes);
}

fn check_resources(container: &Value, at: &str, causes: &mut Vec<Cause>) {
    for part in ["limits", "requests"] {
        for (name, amount) in
            crate::object::map(container, &format!("/resources/{part}")).into_iter().flatten()
        {
            let field = format!("{at}.resources.{part}[{name}]");
            match amount.as_str().and_then(|text| text.parse::<Quantity>().ok()) {
                None => causes.push(Cause::invalid(
                    field,
                    amount,
                    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
                )),
                Some(quantity) if quantity.is_negative() => {
                    causes.push(Cause::invalid(field, amount, "must be greater than or equal to 0"));
                }
                Some(_) => {}
            }
        }
    }
    for (name, request) in crate::object::map(container, "/resources/requests").into_iter().flatten() {
        let limit = container.pointer("/resources/limits").and_then(|limits| limits.get(name));
        let amount = |value: &Value| value.as_str()?.parse::<Quantity>().ok();
        if let (Some(asked), Some(most)) = (amount(request), limit.and_then(amount))
            && asked > most
        {
            causes.push(Cause::invalid(
                format!("{at}.resources.requests"),
                request,
                &format!("must be less than or equal to {name} limit of {most}"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pull_policy;

    #[test]
    fn only_latest_is_pulled_each_time() {
        let cases = [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("registry:5000/nginx", "Always"),
            ("nginx@sha256:00", "IfNotPresent"),
        ];
        for (image, policy) in cases {
            assert_eq!(pull_policy(image), policy, "{image}");
        }
    }
}
