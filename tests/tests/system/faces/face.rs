//! The three faces, and what each answers.

use super::table::Verb;
use anyhow::{Context, Result, bail, ensure};
use plimsoll_core::error::Kind;
use plimsoll_tests::User;
use serde_json::{Value, json};

/// How Plimsoll is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    Cli,
    Rest,
    Grpc,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reply {
    /// In the words of the face.
    Answer(Value),
    /// An error, in the words that all faces share.
    Error { kind: Kind, message: String },
}

impl Face {
    pub(super) const ALL: [Self; 3] = [Self::Cli, Self::Rest, Self::Grpc];

    /// The App that this face works on.
    pub(super) fn app(self) -> &'static str {
        match self {
            Self::Cli => "shop-cli",
            Self::Rest => "shop-rest",
            Self::Grpc => "shop-grpc",
        }
    }

    pub(super) async fn ask(self, user: &User, verb: &Verb) -> Result<Reply> {
        match self {
            Self::Cli => ask_cli(user, verb).await,
            Self::Rest => ask_rest(user, verb).await,
            Self::Grpc => ask_grpc(user, verb).await,
        }
    }
}

async fn ask_cli(user: &User, verb: &Verb) -> Result<Reply> {
    let words: Vec<_> = verb.cli.iter().map(String::as_str).chain(["-o", "json"]).collect();
    let said = user.run(&words).await?;
    // 3 says that differences were found.
    if said.code == 0 || (said.code == 3 && verb.name == "diff") {
        let answer =
            serde_json::from_str(&said.stdout).with_context(|| format!("{words:?} printed {said:?}"))?;
        return Ok(Reply::Answer(answer));
    }
    let first = said.stderr.lines().next().unwrap_or_default();
    let message = first.strip_prefix("error: ").with_context(|| format!("{words:?}: {said:?}"))?;
    // The command line alone knows the file.
    let file = words.iter().zip(&words[1..]).find(|(word, _)| **word == "-f").map(|(_, file)| *file);
    let message = file.map_or(message, |file| message.trim_start_matches(file).trim_start_matches(": "));
    // Several kinds share an exit code: which of them, the other faces say.
    let kind = verb.error.with_context(|| format!("{words:?} was not to fail: {said:?}"))?;
    ensure!(i32::from(kind.exit()) == said.code, "{kind:?} ends with {}: {said:?}", kind.exit());
    Ok(Reply::Error { kind, message: message.to_owned() })
}

async fn ask_rest(user: &User, verb: &Verb) -> Result<Reply> {
    let (method, path, body) = &verb.rest;
    if verb.name == "operation watch" {
        let events = user.events(path).await?;
        let last = events.into_iter().rfind(|(name, _)| name == "operation").context("no event")?;
        return Ok(Reply::Answer(last.1));
    }
    let answer = user.rest(method.clone(), path, body.as_ref()).await?;
    if answer.status < 300 {
        return Ok(Reply::Answer(answer.body));
    }
    let kind = verb.error.with_context(|| format!("{path} was not to fail: {answer:?}"))?;
    ensure!(kind.http() == answer.status && answer.body["status"] == answer.status, "{answer:?}");
    let message = answer.body["detail"].as_str().context("a problem without detail")?.to_owned();
    Ok(Reply::Error { kind, message })
}

async fn ask_grpc(user: &User, verb: &Verb) -> Result<Reply> {
    let (method, request, field) = &verb.grpc;
    let said = user.grpc(&format!("plimsoll.v1.{method}"), request).await?;
    if said.code == 0 {
        // One message after the other where it streams.
        let messages: Vec<Value> = serde_json::Deserializer::from_str(&said.stdout)
            .into_iter()
            .collect::<Result<_, _>>()
            .with_context(|| format!("{method}: {said:?}"))?;
        let message = messages.last().with_context(|| format!("{method} answered nothing"))?;
        return Ok(Reply::Answer(match *field {
            "" => message.clone(),
            field if message[field].is_array() || method.contains("List") => {
                json!({"items": message[field], "nextPageToken": message["nextPageToken"]})
            }
            field => message[field].clone(),
        }));
    }
    let status: Value = serde_json::from_str(&said.stderr).with_context(|| format!("{method}: {said:?}"))?;
    let kind = verb.error.with_context(|| format!("{method} was not to fail: {status}"))?;
    ensure!(status["code"] == kind.grpc(), "{status}");
    let Some(message) = status["message"].as_str() else { bail!("{status}") };
    Ok(Reply::Error { kind, message: message.to_owned() })
}
