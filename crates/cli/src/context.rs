//! Which server is spoken to: as the command line says, else the environment, else the context file that
//! `plimsoll dev` writes.

use std::io;
use std::path::Path;

use plimsoll_core::name::NamespaceName;
use secrecy::SecretString;
use serde::Deserialize;

use crate::arguments::Global;
use crate::failure::{FAILED, Failure};

/// Which server, and as whom.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) server: String,
    pub(crate) token: Option<SecretString>,
    pub(crate) namespace: Option<NamespaceName>,
}

/// The context file; what it says beyond this is for others.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    server: String,
    token: Option<SecretString>,
    namespace: Option<NamespaceName>,
}

impl Context {
    /// Finds it. A token of the context file goes to the server of the context file alone.
    pub(crate) fn find(global: &Global) -> Result<Self, Failure> {
        let token = global.token.as_deref().map(token).transpose()?.flatten();
        let namespace = global.namespace.clone();
        if let Some(server) = global.server.clone().filter(|server| !server.is_empty()) {
            return Ok(Self { server, token, namespace });
        }
        let path = plimsoll_server::dev::context_path();
        let file = path.as_deref().map(read).transpose()?.flatten();
        let Some(File { server, token: kept, namespace: usual }) = file else {
            return Err(Failure::usage(
                "no server is known; start one with `plimsoll dev`, or name one with --server or PLIMSOLL_SERVER",
            ));
        };
        Ok(Self { server, token: token.or(kept), namespace: namespace.or(usual) })
    }
}

/// A token as it is given by hand: what surrounds it, such as the line end of a file, is no part of it.
fn token(text: &str) -> Result<Option<SecretString>, Failure> {
    match text.trim() {
        "" => Ok(None),
        token if token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Some(token.into())),
        _ => Err(Failure::usage(
            "the token holds characters that no token has; was all of it pasted, and nothing else?",
        )),
    }
}

fn read(path: &Path) -> Result<Option<File>, Failure> {
    let failed = |why: String| Failure::new(FAILED, format!("the context file {}: {why}", path.display()));
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| failed(format!("cannot be read ({error}); remove it, or give --server"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(format!("{error}; give --server instead"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_without_what_surrounds_it() {
        use secrecy::ExposeSecret as _;
        let read = |text: &str| token(text).map(|token| token.map(|token| token.expose_secret().to_owned()));
        assert_eq!(read(" abc\n").unwrap().as_deref(), Some("abc"));
        assert_eq!(read(" \n").unwrap(), None);
        assert!(read("abc def").is_err() && read("töken").is_err() && read("a\nb").is_err());
    }
}
