//! `docs/api.md` says what is there.

use plimsoll_core::error::Kind;

fn documentation() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api.md");
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn every_kind_of_error_has_its_row() {
    let documentation = documentation();
    for kind in Kind::ALL {
        let grpc = match kind.grpc() {
            1 => "CANCELLED",
            3 => "INVALID_ARGUMENT",
            4 => "DEADLINE_EXCEEDED",
            5 => "NOT_FOUND",
            6 => "ALREADY_EXISTS",
            7 => "PERMISSION_DENIED",
            8 => "RESOURCE_EXHAUSTED",
            9 => "FAILED_PRECONDITION",
            10 => "ABORTED",
            12 => "UNIMPLEMENTED",
            13 => "INTERNAL",
            14 => "UNAVAILABLE",
            16 => "UNAUTHENTICATED",
            other => panic!("gRPC has no code {other}"),
        };
        let row = format!("| `{kind:?}` | {} | `{grpc}` | {} |\n", kind.http(), kind.exit());
        assert!(documentation.contains(&row), "docs/api.md lacks this row:\n{row}");
    }
}

#[test]
fn every_path_has_its_row() {
    let documentation = documentation();
    for (path, item) in plimsoll_api_rest::openapi().paths.paths {
        let short = path.replace("/v1/namespaces/{namespace}/apps/{app}", "…");
        let methods = [("GET", item.get), ("PUT", item.put), ("POST", item.post), ("DELETE", item.delete)];
        for (method, operation) in methods {
            let open = short == "/healthz" || short == "/readyz" || short == "/openapi.json";
            let told = if open { format!("`{short}`") } else { format!("`{method} {short}`") };
            assert!(operation.is_none() || documentation.contains(&told), "docs/api.md lacks {told}");
        }
    }
}
