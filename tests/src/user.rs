use crate::server::OPERATOR;
use crate::{Document, Program, Said, Server};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// Somebody who uses a server: by the command line, by REST, and by gRPC.
#[derive(Clone, Debug)]
pub struct User {
    server: String,
    token: String,
    home: PathBuf,
    http: reqwest::Client,
}

/// An answer of the REST API.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null where there was none.
    pub body: Value,
}

impl User {
    pub(crate) fn new(server: String, token: &str, home: &Path) -> Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_mins(1))
            .build()
            .context("making an HTTP client")?;
        Ok(Self { server, token: token.to_owned(), home: home.to_path_buf(), http })
    }

    /// The operator of a server, who works in the folder `home`.
    pub fn operator(server: &Server, home: &Path) -> Result<Self> {
        Self::new(server.url().to_owned(), OPERATOR, home)
    }

    /// Where the server listens: `http://127.0.0.1:PORT`.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The same person with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The folder that the commands run in, for the files that they read.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// A call of the program as this user.
    pub fn command(&self) -> Result<Command> {
        let mut command = Program::command(&self.home)?;
        command.env("PLIMSOLL_SERVER", &self.server).env("PLIMSOLL_TOKEN", &self.token);
        Ok(command)
    }

    /// Runs the program to its end, however it ends.
    pub async fn run(&self, arguments: &[&str]) -> Result<Said> {
        Said::by(self.command()?.args(arguments)).await
    }

    /// What the program prints, if it ends well.
    pub async fn ok(&self, arguments: &[&str]) -> Result<String> {
        self.run(arguments).await?.ok().with_context(|| format!("plimsoll {}", arguments.join(" ")))
    }

    /// What the program prints with `-o json`, if it ends well.
    pub async fn json(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.ok(&[arguments, &["-o", "json"]].concat()).await?;
        serde_json::from_str(&text)
            .with_context(|| format!("plimsoll {} printed {text}", arguments.join(" ")))
    }

    /// Applies a document and returns at once, with what was accepted.
    pub async fn apply(&self, document: &Document) -> Result<Value> {
        let file = document.write(&self.home)?;
        self.json(&["apply", "-f", &file.to_string_lossy()]).await
    }

    /// Applies a document and waits until it has succeeded everywhere; gives the Operation.
    pub async fn apply_and_wait(&self, document: &Document) -> Result<Value> {
        let file = document.write(&self.home)?;
        self.json(&["apply", "-f", &file.to_string_lossy(), "--wait"]).await
    }

    /// Calls the REST API; `path` begins behind the server's address, as `/v1/…`, and ends with the query.
    pub async fn rest(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let mut request =
            self.http.request(method.clone(), format!("{}{path}", self.server)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.with_context(|| format!("{method} {path}"))?;
        let status = answer.status().as_u16();
        let text = answer.text().await.with_context(|| format!("{method} {path}: reading the answer"))?;
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? };
        Ok(Answer { status, body })
    }

    /// The JSON at `path` of the REST API.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.rest(Method::GET, path, None).await?;
        ensure!(answer.status == 200, "GET {path}: {answer:?}");
        Ok(answer.body)
    }

    /// The server-sent events at `path`, by name, until the server ends the stream.
    pub async fn events(&self, path: &str) -> Result<Vec<(String, Value)>> {
        let request = self.http.get(format!("{}{path}", self.server)).bearer_auth(&self.token);
        let answer = request.send().await.with_context(|| format!("GET {path}"))?;
        ensure!(answer.status().is_success(), "GET {path}: {}", answer.status());
        let text = answer.text().await.with_context(|| format!("GET {path}: reading events"))?;
        let mut events = Vec::new();
        for event in text.split("\n\n") {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            if let (Some(name), Some(data)) = (field("event:"), field("data:")) {
                events.push((name.to_owned(), serde_json::from_str(data).context("reading an event")?));
            }
        }
        Ok(events)
    }

    /// Calls a method of the gRPC API with grpcurl, which learns the messages by reflection; exit code, answer
    /// and complaint are those of grpcurl.
    pub async fn grpc(&self, method: &str, request: &Value) -> Result<Said> {
        let address = self.server.trim_start_matches("http://");
        let grpcurl = plimsoll_bench::Binaries::find()?.grpcurl();
        let mut command = Command::new(grpcurl);
        command
            .args(["-plaintext", "-emit-defaults", "-max-time", "60", "-format-error"])
            .args(["-H", &format!("authorization: Bearer {}", self.token)])
            .args(["-d", &request.to_string(), address, method])
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        Said::by(&mut command).await
    }
}
