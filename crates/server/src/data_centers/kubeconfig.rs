//! A kubeconfig as it is sent: it may lead to a cluster, and to nothing on this machine.

use plimsoll_core::error::Violation;
use serde_json::Value;

/// Far above any real one.
const MAX_BYTES: usize = 512 * 1024;
const FLATTEN: &str = "send what `kubectl config view --raw --flatten --minify` prints";

/// Checks a kubeconfig that came over the network. One that names programs or files would have this server
/// run or read them for whoever sent it.
pub(super) fn check(text: &str) -> Result<(), Vec<Violation>> {
    let fault = |path: &str, message: String, remedy: &str| {
        Violation::new(format!("kubeconfig{path}"), message, remedy)
    };
    if text.len() > MAX_BYTES {
        return Err(vec![fault("", format!("has more than {MAX_BYTES} bytes"), FLATTEN)]);
    }
    let Ok(config) = serde_saphyr::from_str::<Value>(text) else {
        return Err(vec![fault("", "is not YAML".to_owned(), FLATTEN)]);
    };
    if !config.is_object() {
        return Err(vec![fault("", "is no kubeconfig".to_owned(), FLATTEN)]);
    }
    let mut faults = Vec::new();
    for (list, inner, files) in [
        ("clusters", "cluster", &["certificate-authority"][..]),
        ("users", "user", &["client-certificate", "client-key", "tokenFile"]),
    ] {
        let entries = config[list].as_array().map(Vec::as_slice).unwrap_or_default();
        for (n, entry) in entries.iter().enumerate() {
            let has = |field: &str| entry[inner].get(field).is_some_and(|value| !value.is_null());
            for file in files.iter().filter(|file| has(file)) {
                let path = format!(".{list}[{n}].{inner}.{file}");
                faults.push(fault(&path, "names a file, which is not sent along".to_owned(), FLATTEN));
            }
            if entry[inner]["insecure-skip-tls-verify"] == Value::Bool(true) {
                let path = format!(".{list}[{n}].{inner}.insecure-skip-tls-verify");
                faults.push(fault(
                    &path,
                    "has the server's certificate unchecked, so that anybody in between gets the credentials".to_owned(),
                    "remove it, and give the authority that signed the certificate as certificate-authority-data",
                ));
            }
            for program in ["exec", "auth-provider"].into_iter().filter(|program| has(program)) {
                let path = format!(".{list}[{n}].{inner}.{program}");
                faults.push(fault(
                    &path,
                    "names a program, which the server would have to run".to_owned(),
                    "give a service account's token, or put the file into the server's kubeconfig folder by hand",
                ));
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_that_leads_to_this_machine_is_refused() {
        let good = "clusters:\n- name: a\n  cluster: {server: 'https://x', certificate-authority-data: aGk=}\n\
                    users:\n- name: a\n  user: {token: t, client-key: null}\n";
        assert_eq!(check(good), Ok(()));
        let paths = |text: &str| -> Vec<String> {
            check(text).unwrap_err().into_iter().map(|violation| violation.path).collect()
        };
        assert_eq!(
            paths("users: [{user: {exec: {command: rm}}}, {user: {tokenFile: /etc/passwd, client-key: k}}]"),
            [
                "kubeconfig.users[0].user.exec",
                "kubeconfig.users[1].user.client-key",
                "kubeconfig.users[1].user.tokenFile"
            ]
        );
        assert_eq!(
            paths("clusters: [{cluster: {certificate-authority: ca.pem}}]"),
            ["kubeconfig.clusters[0].cluster.certificate-authority"]
        );
        assert_eq!(
            paths(
                "clusters: [{cluster: {insecure-skip-tls-verify: false}}, {cluster: {insecure-skip-tls-verify: true}}]"
            ),
            ["kubeconfig.clusters[1].cluster.insecure-skip-tls-verify"]
        );
        for bad in ["", "just text", "[1, 2]", "{", &"x".repeat(MAX_BYTES + 1)] {
            assert_eq!(paths(bad), ["kubeconfig"], "{bad:.20}");
        }
    }
}
