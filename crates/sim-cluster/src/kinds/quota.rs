//! `ResourceQuotas`.

use plimsoll_qos::Quantity;

use crate::object;
use crate::status::Cause;
use crate::tree::{Map, Value};

pub(super) fn default(quota: &mut Value) {
    object::set_default(quota, "spec", crate::tree::json!({}));
    if let Some(Value::Object(amounts)) = quota.pointer_mut("/spec/hard") {
        canonical(amounts);
    }
}

/// Writes quantities in their shortest form, as strings, whatever they were given as.
pub(super) fn canonical(amounts: &mut Map) {
    for amount in amounts.values_mut() {
        let given = match &*amount {
            Value::String(given) => given.to_string(),
            Value::Number(given) => given.to_string(),
            _ => continue,
        };
        if let Ok(quantity) = given.parse::<Quantity>() {
            *amount = quantity.to_string().into();
        }
    }
}

pub(super) fn check(quota: &Value, causes: &mut Vec<Cause>) {
    for (name, amount) in object::map(quota, "/spec/hard").into_iter().flatten() {
        let field = format!("spec.hard[{name}]");
        check_name(&field, name, causes);
        let text = match amount {
            Value::String(text) => text.to_string(),
            other => other.to_string(),
        };
        let Ok(quantity) = text.parse::<Quantity>() else {
            causes.push(Cause::invalid(field, amount, "must be a quantity"));
            continue;
        };
        if quantity.is_negative() {
            causes.push(Cause::invalid(&field, amount, "must be greater than or equal to 0"));
        }
        if is_counted(name) && quantity.millis() % 1000 != 0.into() {
            causes.push(Cause::invalid(field, amount, "must be an integer"));
        }
    }
    check_scopes(quota, causes);
    check_selector(quota, causes);
}

/// The names without a domain that the API knows, for whatever they may be used.
pub(crate) const RESOURCES: [&str; 20] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "storage",
    "requests.storage",
    "services.nodeports",
    "services.loadbalancers",
];

/// Those that a scope may speak of; a quota on pods that are `BestEffort` only of the last.
const OF_PODS: [&str; 10] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
];

const SCOPES: [&str; 7] = [
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
];

const PAIRS: [[&str; 2]; 2] = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]];

/// What comes in pieces.
fn is_counted(name: &str) -> bool {
    const PIECES: [&str; 9] = [
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    ];
    PIECES.contains(&name) || name.starts_with("count/")
}

fn check_name(field: &str, name: &str, causes: &mut Vec<Cause>) {
    let huge = ["hugepages-", "requests.hugepages-"].iter().any(|prefix| name.starts_with(prefix));
    if name.contains('/') || huge {
        return;
    }
    if !RESOURCES.contains(&name) {
        let why = "must be a standard resource type or fully qualified";
        causes.push(Cause::invalid(field, &name.into(), why));
    }
    if !RESOURCES.contains(&name) || name == "storage" {
        causes.push(Cause::invalid(field, &name.into(), "must be a standard resource for quota"));
    }
}

fn check_scopes(quota: &Value, causes: &mut Vec<Cause>) {
    let Some(given) = quota.pointer("/spec/scopes") else { return };
    let field = "spec.scopes";
    let scopes: Vec<&str> = object::list(quota, "/spec/scopes").iter().filter_map(Value::as_str).collect();
    for scope in &scopes {
        if !SCOPES.contains(scope) {
            causes.push(Cause::invalid(field, given, "unsupported scope"));
        }
        for _ in 0..misapplied(quota, scope) {
            causes.push(Cause::invalid(field, given, "unsupported scope applied to resource"));
        }
    }
    if conflicts(&scopes) {
        causes.push(Cause::invalid(field, given, "conflicting scopes"));
    }
}

fn check_selector(quota: &Value, causes: &mut Vec<Cause>) {
    let field = "spec.scopeSelector.matchExpressions";
    let expressions = object::list(quota, "/spec/scopeSelector/matchExpressions");
    let mut scopes = Vec::new();
    for expression in expressions {
        let text = |pointer: &str| object::text(expression, pointer);
        let (scope, operator) = (text("/scopeName"), text("/operator"));
        let values = object::list(expression, "/values");
        scopes.push(scope);
        if !SCOPES.contains(&scope) {
            causes.push(Cause::invalid(format!("{field}.scopeName"), &scope.into(), "unsupported scope"));
        }
        for _ in 0..misapplied(quota, scope) {
            causes.push(invalid_selector(expressions, "unsupported scope applied to resource"));
        }
        if SCOPES.contains(&scope)
            && !["PriorityClass", "VolumeAttributesClass"].contains(&scope)
            && operator != "Exists"
        {
            let why = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, \
                       ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, \
                       ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
            causes.push(Cause::invalid(format!("{field}.operator"), &operator.into(), why));
        }
        match operator {
            "In" | "NotIn" if values.is_empty() => causes.push(Cause::required(
                format!("{field}.values"),
                "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
            )),
            "Exists" | "DoesNotExist" if !values.is_empty() => causes.push(Cause::invalid(
                format!("{field}.values"),
                &expression["values"],
                "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
            )),
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => {
                let why = "not a valid selector operator";
                causes.push(Cause::invalid(format!("{field}.operator"), &operator.into(), why));
            }
        }
    }
    if conflicts(&scopes) {
        causes.push(invalid_selector(expressions, "conflicting scopes"));
    }
}

/// The real server shows a selector by the field names of its own source.
fn invalid_selector(expressions: &[Value], detail: &str) -> Cause {
    let shown = expressions.iter().map(|expression| {
        let [scope, operator] = ["scopeName", "operator"].map(|field| &expression[field]);
        format!(r#"{{"ScopeName":{scope},"Operator":{operator},"Values":{}}}"#, expression["values"])
    });
    let shown = shown.collect::<Vec<_>>().join(",");
    Cause {
        reason: "FieldValueInvalid",
        field: "spec.scopeSelector.matchExpressions".to_owned(),
        message: format!(r#"Invalid value: {{"MatchExpressions":[{shown}]}}: {detail}"#),
    }
}

/// How many of the quota's resources a scope cannot speak of.
fn misapplied(quota: &Value, scope: &str) -> usize {
    let fits = |name: &str| match scope {
        "BestEffort" => name == "pods",
        "VolumeAttributesClass" => ["persistentvolumeclaims", "requests.storage"].contains(&name),
        _ => OF_PODS.contains(&name),
    };
    let known = |name: &str| RESOURCES.contains(&name) && name != "storage";
    let hard = object::map(quota, "/spec/hard").into_iter().flatten();
    hard.filter(|(name, _)| known(name) && !fits(name)).count()
}

fn conflicts(scopes: &[&str]) -> bool {
    PAIRS.iter().any(|pair| pair.iter().all(|scope| scopes.contains(scope)))
}
