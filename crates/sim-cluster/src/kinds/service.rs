//! Services.

use std::collections::BTreeSet;

use crate::api::Api;
use crate::object::{child, elements, integer, list, set_default, text};
use crate::resource::Resource;
use crate::status::{ApiError, Cause};
use crate::store::Tx;
use crate::tree::{Value, json};

/// Cluster addresses are `10.96.x.y`; the first is the API server's own.
const NETWORK: &str = "10.96";
const ADDRESSES: usize = 65_000;
const NODE_PORTS: std::ops::Range<i64> = 30_000..32_768;

pub(super) fn default(service: &mut Value) {
    child(service, "spec");
    let spec = &mut service["spec"];
    set_default(spec, "sessionAffinity", "None");
    set_default(spec, "type", "ClusterIP");
    if spec["sessionAffinity"] == "ClientIP" {
        set_default(spec, "sessionAffinityConfig", json!({"clientIP": {"timeoutSeconds": 10800}}));
    }
    for port in elements(spec, "ports") {
        set_default(port, "protocol", "TCP");
        let number = port["port"].clone();
        if port["targetPort"] == 0 {
            port["targetPort"] = number;
        } else {
            set_default(port, "targetPort", number);
        }
    }
    let kind = text(spec, "/type").to_owned();
    if kind != "ExternalName" {
        set_default(spec, "internalTrafficPolicy", "Cluster");
    }
    if ["NodePort", "LoadBalancer"].contains(&kind.as_str()) {
        set_default(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        set_default(spec, "allocateLoadBalancerNodePorts", true);
    }
}

/// Gives a new service its addresses and node ports.
pub(super) fn allocate(
    api: &Api,
    tx: &Tx<'_>,
    resource: &Resource,
    service: &mut Value,
) -> Result<(), ApiError> {
    service["status"] = json!({"loadBalancer": {}});
    let name = crate::object::name(service).to_owned();
    let spec = &mut service["spec"];
    if text(spec, "/type") == "ExternalName" {
        return Ok(());
    }
    let is_taken = |address: &str| !tx.having("services", "/spec/clusterIP", address).is_empty();
    if text(spec, "/clusterIP").is_empty() {
        spec["clusterIP"] = free_address(api, is_taken)?.into();
    } else if text(spec, "/clusterIP") != "None" {
        let wanted = text(spec, "/clusterIP");
        if is_taken(wanted) {
            let cause = Cause::invalid(
                "spec.clusterIPs",
                &json!([wanted]),
                &format!("failed to allocate IP {wanted}: provided IP is already allocated"),
            );
            return Err(ApiError::invalid(resource.subject(&name), &[cause]));
        }
    }
    spec["clusterIPs"] = json!([spec["clusterIP"]]);
    set_default(spec, "ipFamilies", json!(["IPv4"]));
    set_default(spec, "ipFamilyPolicy", "SingleStack");
    if ["NodePort", "LoadBalancer"].contains(&text(spec, "/type")) {
        let exposed = ["NodePort", "LoadBalancer"].map(|kind| tx.having("services", "/spec/type", kind));
        let mut taken: BTreeSet<i64> = exposed
            .iter()
            .flatten()
            .flat_map(|other| list(other, "/spec/ports"))
            .filter_map(|port| integer(port, "/nodePort"))
            .collect();
        for port in elements(spec, "ports") {
            if integer(port, "/nodePort").unwrap_or_default() == 0 {
                let free = NODE_PORTS.clone().find(|port| !taken.contains(port));
                let free = free.ok_or_else(|| ApiError::internal("no node ports available"))?;
                taken.insert(free);
                port["nodePort"] = free.into();
            }
        }
    }
    Ok(())
}

fn free_address(api: &Api, is_taken: impl Fn(&str) -> bool) -> Result<String, ApiError> {
    let start = api.random_below(ADDRESSES);
    (0..ADDRESSES)
        .map(|step| {
            let number = 10 + (start + step) % (ADDRESSES - 10);
            format!("{NETWORK}.{}.{}", number / 254, number % 254 + 1)
        })
        .find(|address| !is_taken(address))
        .ok_or_else(|| ApiError::internal("range is full"))
}

/// What the server allocated stays when an update does not mention it.
pub(super) fn prepare_update(live: &Value, service: &mut Value) {
    let kind = text(service, "/spec/type").to_owned();
    if kind == "ExternalName" || text(live, "/spec/type") == "ExternalName" {
        return;
    }
    for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if let Some(held) = live["spec"].get(field) {
            set_default(&mut service["spec"], field, held.clone());
        }
    }
    if kind == "ClusterIP" {
        return;
    }
    let held = list(live, "/spec/ports").to_vec();
    for port in elements(&mut service["spec"], "ports") {
        let same = held.iter().find(|old| old["port"] == port["port"] && old["protocol"] == port["protocol"]);
        if let Some(number) = same.and_then(|old| old.get("nodePort")) {
            set_default(port, "nodePort", number.clone());
        }
    }
}

pub(super) fn check(service: &Value, causes: &mut Vec<Cause>) {
    let spec = &service["spec"];
    let kinds = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !kinds.contains(&text(spec, "/type")) {
        causes.push(Cause::unsupported("spec.type", &spec["type"], &kinds));
    }
    let ports = list(spec, "/ports");
    let headless = text(spec, "/clusterIP") == "None";
    if ports.is_empty() && !headless && text(spec, "/type") != "ExternalName" {
        causes.push(Cause::required("spec.ports", ""));
    }
    for (index, port) in ports.iter().enumerate() {
        let number = integer(port, "/port").unwrap_or_default();
        if !(1..=65535).contains(&number) {
            causes.push(Cause::invalid(
                format!("spec.ports[{index}].port"),
                &number.into(),
                "must be between 1 and 65535, inclusive",
            ));
        }
        if let Some(target) = integer(port, "/targetPort").filter(|target| !(1..=65535).contains(target)) {
            let field = format!("spec.ports[{index}].targetPort");
            causes.push(Cause::invalid(field, &target.into(), "must be between 1 and 65535, inclusive"));
        }
        if ports.len() > 1 && text(port, "/name").is_empty() {
            causes.push(Cause::required(format!("spec.ports[{index}].name"), ""));
        }
    }
}

pub(super) fn check_update(live: &Value, service: &Value, causes: &mut Vec<Cause>) {
    let (before, after) = (text(live, "/spec/clusterIP"), text(service, "/spec/clusterIP"));
    let external = [live, service].iter().any(|object| text(object, "/spec/type") == "ExternalName");
    if !external && !before.is_empty() && before != after {
        causes.push(Cause::invalid("spec.clusterIPs[0]", &json!([after]), "may not change once set"));
    }
}
