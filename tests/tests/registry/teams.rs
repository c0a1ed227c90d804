use std::collections::HashMap;
use std::process::Stdio;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use plimsoll_bench::{RegistryOptions, RegistryServer};
use plimsoll_registry::{Access, Credential, Kind, Registry};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

use crate::mk::{LINES, mk_bytes, mk_repository, push_image};

const SERVICE: &str = "registry of the tests";

/// Gives every team the rights to its own repositories, and the auditor the list of all.
struct TokenServer {
    key: EcdsaKeyPair,
    certificate: String,
}

async fn token(
    State(server): State<Arc<TokenServer>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<String, StatusCode> {
    let pairs: Vec<(String, String)> =
        form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let given = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let given = given.and_then(|text| String::from_utf8(STANDARD.decode(text).ok()?).ok());
    // Everybody's password is their name.
    let user =
        given.as_deref().and_then(|text| text.split_once(':')).filter(|(user, password)| user == password);
    let Some((user, _)) = user else { return Err(StatusCode::UNAUTHORIZED) };
    let allowed = |scope: &str| -> Option<Value> {
        let (kind, rest) = scope.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let own = kind == "repository" && name.starts_with(&format!("{user}/"));
        let all = kind == "registry" && user == "auditor";
        let actions: Vec<&str> = actions.split(',').collect();
        (own || all).then(|| json!({"type": kind, "name": name, "actions": actions}))
    };
    let access: Vec<Value> = pairs
        .iter()
        .filter(|(key, _)| key == "scope")
        .flat_map(|(_, scopes)| scopes.split(' ').filter_map(allowed))
        .collect();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let header = json!({"typ": "JWT", "alg": "ES256", "x5c": [server.certificate]});
    let claims = json!({"iss": "plimsoll-tests", "sub": user, "aud": SERVICE, "exp": now + 60, "nbf": now - 10, "iat": now,
        "jti": "1", "access": access});
    let body = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = server.key.sign(&SystemRandom::new(), body.as_bytes()).unwrap();
    let token = format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()));
    Ok(json!({"token": token, "expires_in": 60}).to_string())
}

async fn skopeo_copy(from: &str, to: &str, team: &str) -> bool {
    let credentials = format!("{team}:{team}");
    let output = tokio::process::Command::new("skopeo")
        .args(["copy", "--src-tls-verify=false", "--dest-tls-verify=false", "--preserve-digests"])
        .args(["--src-creds", &credentials, "--dest-creds", &credentials, from, to])
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    output.status.success()
}

#[tokio::test]
async fn a_team_has_what_is_its_own_and_nothing_else_by_our_client_and_by_skopeo() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["tokens".to_owned()]).unwrap();
    let bundle = folder.path().join("bundle.pem");
    std::fs::write(&bundle, made.cert.pem()).unwrap();
    let key = made.signing_key.serialize_der();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key, &SystemRandom::new()).unwrap();
    let server = Arc::new(TokenServer { key, certificate: STANDARD.encode(made.cert.der()) });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tokens = listener.local_addr().unwrap().to_string();
    let app = axum::Router::new().route("/token", get(token)).with_state(server);
    tokio::spawn(async move { axum::serve(listener, app).await });
    let realm = format!("http://{tokens}/token");

    for line in LINES {
        let options = RegistryOptions {
            deletes: true,
            tokens: Some((&realm, SERVICE, &bundle)),
            ..RegistryOptions::default()
        };
        let registry = RegistryServer::start(line, options).await.unwrap();
        let team = |name: &str| {
            let credential = Credential::Password { user: name.to_owned(), password: name.to_owned().into() };
            let access = Access::new(registry.host().parse().unwrap());
            Registry::new(access.credential(credential).token_host(tokens.parse().unwrap())).unwrap()
        };
        let teams: HashMap<&str, Registry> =
            ["shop", "bank", "auditor"].map(|name| (name, team(name))).into();
        let repository = mk_repository("shop/web");
        let image = push_image(&teams["shop"], &repository, Some("1"), mk_bytes(1, 50_000)).await;
        let by_digest = plimsoll_registry::Reference::Digest(image.digest().clone());
        assert!(teams["shop"].head(&repository, &by_digest).await.unwrap().is_some(), "{line:?}");

        let denied = |error: plimsoll_registry::Error| {
            assert!(matches!(error.kind(), Kind::Unauthenticated | Kind::Denied), "{line:?}: {error}");
        };
        denied(teams["bank"].head(&repository, &by_digest).await.unwrap_err());
        denied(teams["bank"].put_manifest(&repository, &by_digest, &image).await.unwrap_err());
        denied(teams["bank"].delete_manifest(&repository, image.digest()).await.unwrap_err());
        denied(teams["shop"].repositories().unwrap().collect().await.unwrap_err());
        denied(team("nobody").repositories().unwrap().collect().await.unwrap_err());
        let (all, _) = teams["auditor"].repositories().unwrap().collect().await.unwrap();
        assert_eq!(all, std::slice::from_ref(&repository), "{line:?}");

        let host = registry.host();
        let (from, own, other) = (
            format!("docker://{host}/shop/web:1"),
            format!("docker://{host}/shop/copy:1"),
            format!("docker://{host}/bank/copy:1"),
        );
        assert!(skopeo_copy(&from, &own, "shop").await, "{line:?}");
        assert!(!skopeo_copy(&from, &other, "shop").await, "{line:?}");
        assert!(!skopeo_copy(&from, &own, "bank").await, "{line:?}");
        teams["shop"].delete_manifest(&repository, image.digest()).await.unwrap();
    }
}
