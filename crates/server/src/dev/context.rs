//! The file by which the client verbs find this server without being told.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::data_dir::write_private;

/// The Namespace of the example.
const NAMESPACE: &str = "demo";

/// The context file while it speaks of this server.
pub(super) struct Context {
    path: PathBuf,
    ours: Value,
    before: Option<String>,
}

impl Context {
    /// Writes it; `None` where no folder of this user is known.
    pub(super) fn publish(server: &str, token: &SecretString) -> io::Result<Option<Self>> {
        let Some(path) = context_path() else { return Ok(None) };
        Self::write(path, server, token).map(Some)
    }

    fn write(path: PathBuf, server: &str, token: &SecretString) -> io::Result<Self> {
        let before = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        // One that leads here is an earlier run's that was killed.
        let before = before.filter(|text| {
            serde_json::from_str::<Value>(text).is_ok_and(|context| context["server"] != server)
        });
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let ours = json!({"server": server, "token": token.expose_secret(), "namespace": NAMESPACE});
        write_private(&path, &format!("{ours}\n"))?;
        Ok(Self { path, ours, before })
    }

    /// Puts back what was there before, if nobody has changed it since.
    pub(super) fn withdraw(self) {
        let Self { path, ours, before } = self;
        let mine = fs::read_to_string(&path)
            .is_ok_and(|text| serde_json::from_str::<Value>(&text).is_ok_and(|context| context == ours));
        if !mine {
            return;
        }
        let undone = match before {
            Some(before) => write_private(&path, &before),
            None => fs::remove_file(&path),
        };
        if let Err(error) = undone {
            tracing::warn!(path = %path.display(), %error, "the context file still names this server");
        }
    }
}

/// Where the context file lies, for who writes it and who reads it: `$PLIMSOLL_CONTEXT`, or
/// `plimsoll/context.json` in the folder of this user's configuration; `None` where no such folder is known.
pub fn context_path() -> Option<PathBuf> {
    path(|name| std::env::var_os(name))
}

fn path(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = set("PLIMSOLL_CONTEXT") {
        return Some(path);
    }
    let folder = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(folder.join("plimsoll").join("context.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_file_lies_where_the_environment_says() {
        let at = |set: &[(&str, &str)]| {
            path(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
        };
        assert_eq!(at(&[("PLIMSOLL_CONTEXT", "/x/c.json"), ("HOME", "/h")]), Some("/x/c.json".into()));
        assert_eq!(
            at(&[("PLIMSOLL_CONTEXT", ""), ("XDG_CONFIG_HOME", "/cfg"), ("HOME", "/h")]),
            Some("/cfg/plimsoll/context.json".into())
        );
        assert_eq!(at(&[("HOME", "/h")]), Some("/h/.config/plimsoll/context.json".into()));
        assert_eq!(at(&[]), None);
    }

    #[test]
    fn what_was_there_before_comes_back_unless_somebody_changed_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/context.json");
        let token = SecretString::from("t0ken");
        let read = || fs::read_to_string(&path).ok();

        Context::write(path.clone(), "http://127.0.0.1:1", &token).unwrap().withdraw();
        assert_eq!(read(), None);

        let theirs = r#"{"server":"https://real","token":"secret"}"#;
        fs::write(&path, theirs).unwrap();
        let context = Context::write(path.clone(), "http://127.0.0.1:1", &token).unwrap();
        assert_eq!(
            read().unwrap(),
            "{\"namespace\":\"demo\",\"server\":\"http://127.0.0.1:1\",\"token\":\"t0ken\"}\n"
        );
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        context.withdraw();
        assert_eq!(read().unwrap(), theirs);

        let context = Context::write(path.clone(), "http://127.0.0.1:1", &token).unwrap();
        fs::write(&path, "{}").unwrap();
        context.withdraw();
        assert_eq!(read().unwrap(), "{}");

        // An earlier run that was killed left this.
        fs::write(&path, r#"{"server":"http://127.0.0.1:1","token":"old"}"#).unwrap();
        Context::write(path.clone(), "http://127.0.0.1:1", &token).unwrap().withdraw();
        assert_eq!(read(), None);
    }
}
