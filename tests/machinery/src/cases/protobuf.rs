//! Bodies in protobuf, as clients written in Go send them.

use serde_json::json;

use super::mk::{config_map, deployment};
use crate::{Call, PatchFormat, Server};

const TYPE: &str = "application/vnd.kubernetes.protobuf";

/// A number as protobuf writes it: seven bits in each byte.
fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap_or_default());
    bytes
}

/// A field of text, bytes or a message.
fn field(at: usize, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [&*varint(at << 3 | 2), &varint(bytes.len()), bytes].concat()
}

/// A field that is a number or a truth.
fn number(at: usize, value: usize) -> Vec<u8> {
    [varint(at << 3), varint(value)].concat()
}

fn entry(key: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    [field(1, key), field(2, value)].concat()
}

/// A whole body.
fn body(api_version: &str, kind: &str, object: impl AsRef<[u8]>) -> Vec<u8> {
    let kind = [field(1, api_version), field(2, kind)].concat();
    [b"k8s\0", &*field(1, kind), &*field(2, object)].concat()
}

fn named(name: &str) -> Vec<u8> {
    field(1, field(1, name))
}

/// Posts bytes as protobuf.
fn post<'a>(server: &'a Server, path: &str, bytes: impl Into<Vec<u8>>) -> Call<'a> {
    server.request(http::Method::POST, path).header("content-type", TYPE).bytes(bytes)
}

/// An object may come in protobuf.
pub async fn an_object_may_come_in_protobuf(server: &Server) {
    server.show_managers();
    let map = [named("a"), field(2, entry("k", "v")), field(3, entry("b", b"\xff")), number(4, 1)].concat();
    post(server, "configmaps", body("v1", "ConfigMap", &map)).query("fieldManager=typed").await;
    server.note("what the body does not say of its kind the path says");
    post(server, "configmaps", body("", "", named("b"))).await;
    server.note("fields that nobody knows are dropped, in strict requests too");
    let newer = [named("c"), field(15, "more")].concat();
    post(server, "configmaps?fieldValidation=Strict", body("v1", "ConfigMap", newer)).await;
}

/// A zero is set where Go can tell it from nothing.
pub async fn a_zero_is_set_where_go_can_tell_it_from_nothing(server: &Server) {
    let labels = field(1, entry("app", "web"));
    let container = [field(1, "main"), field(2, "registry.example/web:1"), field(4, "")].concat();
    let grace = number(4, 0);
    let template =
        [field(1, field(11, entry("app", "web"))), field(2, [field(2, container), grace].concat())];
    let spec =
        [number(1, 0), field(2, labels), field(3, template.concat()), number(5, 0), number(7, 0)].concat();
    let deployment = [named("web"), field(2, spec)].concat();
    post(server, "apis/apps/v1/deployments?dryRun=All", body("apps/v1", "Deployment", deployment)).await;
}

/// Each type of a field is read.
pub async fn each_type_of_a_field_is_read(server: &Server) {
    let port = |port: Vec<u8>| [field(1, "web"), number(3, 80), field(4, port)].concat();
    let service = |name: &str, target: Vec<u8>| {
        let spec = [field(1, port(target)), field(2, entry("app", "web"))].concat();
        body("v1", "Service", [named(name), field(2, spec)].concat())
    };
    let shown = ["/spec/ports", "/spec/selector"];
    post(server, "services?dryRun=All", service("a", number(2, 70))).only(&shown).await;
    let target = [number(1, 1), field(3, "http")].concat();
    post(server, "services?dryRun=All", service("b", target)).only(&shown).await;
    let probe =
        [field(1, field(2, [field(1, "/"), field(2, number(2, 80))].concat())), number(2, 5)].concat();
    let limits = field(8, field(1, entry("cpu", field(1, "0.5"))));
    let from = field(19, field(2, [field(1, field(1, "settings")), number(2, 1)].concat()));
    let container = [field(1, "main"), field(2, "registry.example/web:1"), limits, field(10, probe), from];
    let volume = [field(1, "v"), field(2, field(2, field(1, "Memory")))].concat();
    let pod = [named("p"), field(2, [field(1, volume), field(2, container.concat())].concat())].concat();
    let container = "/spec/containers/0";
    let shown = ["livenessProbe", "resources", "envFrom"].map(|field| format!("{container}/{field}"));
    let shown = ["/spec/volumes/0", &shown[0], &shown[1], &shown[2]];
    post(server, "pods?dryRun=All", body("v1", "Pod", pod)).only(&shown).await;
    let lease = field(
        2,
        [field(1, "me"), number(2, 15), field(3, [number(1, 1), number(2, 1000)].concat())].concat(),
    );
    let lease = [named("l"), lease].concat();
    let shown = ["/spec"];
    post(
        server,
        "apis/coordination.k8s.io/v1/leases?dryRun=All",
        body("coordination.k8s.io/v1", "Lease", lease),
    )
    .only(&shown)
    .await;
}

/// What is no protobuf is a bad request.
pub async fn what_is_no_protobuf_is_a_bad_request(server: &Server) {
    let bodies: [&[u8]; 11] = [
        b"",
        b"{}",
        b"k8s\0",
        b"k8s\0\xff",
        b"k8s\0\x08\x01",
        b"k8s\0\x12\x02\x0a",
        b"k8s\0\x12\x03\x0a\x09\x0a",
        b"k8s\0\x12\x02\x08\x01",
        b"k8s\0\x12\x02\x0c\x01",
        b"k8s\0\x12\x02\x00\x01",
        b"k8s\0\x12\x02\x7f\x01",
    ];
    for bytes in bodies {
        post(server, "configmaps", bytes).await;
    }
    post(server, "configmaps", body("v1", "ConfigMap", [b'\x0a', 0xff].repeat(40))).await;
    let overlong = [b"\x0a".as_slice(), &[0xff; 9], b"\x01"].concat();
    post(server, "configmaps", body("v1", "ConfigMap", overlong)).await;
    post(server, "configmaps", body("v1", "ConfigMap", [0xff; 12])).await;
}

/// Protobuf of another kind is refused.
pub async fn protobuf_of_another_kind_is_refused(server: &Server) {
    post(server, "configmaps", body("v1", "Pod", named("a"))).reason().await;
    post(server, "configmaps", body("v1", "Something", named("a"))).await;
}

/// Writes and deletes may come in protobuf.
pub async fn writes_and_deletes_may_come_in_protobuf(server: &Server) {
    server.post("configmaps", &config_map("a", &json!({"k": "v"}))).unseen().await;
    let replaced = [named("a"), field(2, entry("k", "w"))].concat();
    let replace = server.request(http::Method::PUT, "configmaps/a").header("content-type", TYPE);
    replace.bytes(body("v1", "ConfigMap", replaced)).only(&["/data"]).await;
    let delete = |options: Vec<u8>| {
        let delete = server.request(http::Method::DELETE, "configmaps/a").header("content-type", TYPE);
        delete.bytes(options)
    };
    delete(b"k8s\0".to_vec()).await;
    let other = field(2, field(1, "00000000-0000-0000-0000-000000000000"));
    delete(body("v1", "DeleteOptions", other)).reason().await;
    delete(body("v1", "DeleteOptions", field(5, "All"))).await;
    delete(body("v1", "DeleteOptions", number(1, 0))).await;
    server.get("configmaps/a").reason().await;
}

/// A scale may come in protobuf.
pub async fn a_scale_may_come_in_protobuf(server: &Server) {
    let mut web = deployment("web");
    web["spec"]["paused"] = true.into();
    server.post("apis/apps/v1/deployments", &web).unseen().await;
    let path = "apis/apps/v1/deployments/web/scale";
    let put = server.request(http::Method::PUT, path).header("content-type", TYPE);
    let scale = [named("web"), field(2, number(1, 0))].concat();
    put.bytes(body("autoscaling/v1", "Scale", scale)).only(&["/kind", "/spec"]).await;
}

/// Reviews may come in protobuf.
pub async fn reviews_may_come_in_protobuf(server: &Server) {
    let asked = [field(1, "default"), field(2, "get"), field(3, ""), field(5, "pods")].concat();
    let review = body("authorization.k8s.io/v1", "SelfSubjectAccessReview", field(2, field(1, asked)));
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    post(server, path, review).only(&["/kind", "/spec", "/status/allowed"]).await;
    post(server, path, b"k8s\0".as_slice()).await;
}

/// A patch has no form in protobuf.
pub async fn a_patch_has_no_form_in_protobuf(server: &Server) {
    server.post("configmaps", &config_map("a", &json!({}))).unseen().await;
    let patch = server.patch(PatchFormat::Merge, "configmaps/a", &json!({}));
    patch.header("content-type", TYPE).bytes(body("v1", "ConfigMap", named("a"))).await;
}
