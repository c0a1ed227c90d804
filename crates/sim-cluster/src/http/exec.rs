//! `pods/exec` over WebSocket, with the subprotocols `v5.channel.k8s.io` and `v4.channel.k8s.io`: the first byte of each
//! message says which stream it belongs to.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures::stream::SplitStream;
use futures::{SinkExt, StreamExt};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::Server;
use super::logs;
use super::query::Query;
use super::respond::{Reply, with_type};
use crate::api::Target;
use crate::commands::{Command, Executed, Known, known};
use crate::hooks::{RequestInfo, Verb};
use crate::object::{self, list, text};
use crate::status::ApiError;
use crate::store::Object;
use crate::tree::{Value, json};

/// The protocols, the better one first; only that one tells the end of the input.
const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
const CLOSE: u8 = 255;

/// How long a client may take to leave.
const FAREWELL: Duration = Duration::from_secs(1);

/// How much a scripted command may read.
const LARGEST_INPUT: usize = 1024 * 1024;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// A command and where it is run.
struct Request {
    pod: Object,
    /// The container's specification.
    container: Value,
    arguments: Vec<String>,
    stdin: bool,
    stdout: bool,
    stderr: bool,
}

/// Checks a request, changes the protocol and runs the command.
pub(super) fn respond(
    server: &Arc<Server>,
    parts: &Parts,
    target: &Target,
    query: &Query,
    info: &RequestInfo,
) -> Result<Reply, ApiError> {
    // Who opens a WebSocket gets; who runs a command creates.
    server.permissions.check(&RequestInfo { verb: Verb::Create, ..info.clone() })?;
    let pod = server.api.get(target)?;
    let name = logs::container(&pod, target, query.get("container"))?;
    if text(&pod, "/spec/nodeName").is_empty() {
        return Err(ApiError::bad_request(format!("pod {} does not have a host assigned", target.name)));
    }
    if !parts.headers.contains_key(UPGRADE) {
        return Err(ApiError::bad_request("Upgrade request required"));
    }
    if !is_running(&pod, &name) {
        // The kubelet says so, in plain words and in every protocol: kubectl shows those that it gets when it asks in the older one.
        let why = format!("container not found ({name:?})\n");
        return Ok(with_type(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", why));
    }
    let Some(protocol) = protocol(parts) else { return Err(no_protocol()) };
    let Some(upgrade) = parts.extensions.get::<OnUpgrade>().cloned() else {
        let why = "exec without a socket: connect by the kubeconfig of the cluster";
        return Err(ApiError::not_modelled(why));
    };
    let request = Request {
        container: specification(&pod, &name),
        arguments: query.all("command").map(str::to_owned).collect(),
        stdin: query.flag("stdin"),
        stdout: query.flag("stdout"),
        stderr: query.flag("stderr"),
        pod,
    };
    if !(request.stdin || request.stdout || request.stderr) {
        let why = "you must specify at least 1 of stdin, stdout, stderr";
        return Ok(with_type(StatusCode::BAD_REQUEST, "text/plain; charset=utf-8", why));
    }
    let server = server.clone();
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let config = WebSocketConfig::default().max_message_size(Some(LARGEST_INPUT));
        let io = TokioIo::new(upgraded);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        tokio::select! {
            () = server.gate.closed() => {}
            ended = run(&server, request, socket) => if let Err(error) = ended {
                tracing::debug!(%error, "the client of a command is gone");
            }
        }
    });
    Ok(switched(parts, protocol))
}

/// The protocol that client and server speak, if the client asks for a WebSocket.
fn protocol(parts: &Parts) -> Option<&'static str> {
    let asks = |name, word: &str| {
        let value = parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        value.is_some_and(|value| value.to_ascii_lowercase().contains(word))
    };
    if !(asks(UPGRADE, "websocket") && asks(CONNECTION, "upgrade")) {
        return None;
    }
    let offered = parts.headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offered = offered.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    offered.find_map(|offer| PROTOCOLS.into_iter().find(|known| *known == offer.trim()))
}

fn no_protocol() -> ApiError {
    let spoken = PROTOCOLS.join(" and ");
    ApiError::not_modelled(&format!("exec by another protocol than WebSocket with {spoken}"))
}

fn switched(parts: &Parts, protocol: &'static str) -> Reply {
    let mut reply = Reply::new(Body::empty());
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    let key = parts.headers.get(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    if let Some(key) = key.and_then(|key| HeaderValue::from_str(&key).ok()) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, key);
    }
    reply
}

fn specification(pod: &Value, name: &str) -> Value {
    object::container_of(pod, name).cloned().unwrap_or_default()
}

fn is_running(pod: &Value, name: &str) -> bool {
    let mut all =
        list(pod, "/status/containerStatuses").iter().chain(list(pod, "/status/initContainerStatuses"));
    all.any(|status| text(status, "/name") == name && status.pointer("/state/running").is_some())
}

/// Runs the command to its end and tells how it ended.
async fn run(server: &Server, request: Request, socket: Socket) -> Result<(), Error> {
    let (mut sink, input) = socket.split();
    let mut input = Input { socket: input, open: request.stdin };
    // By this the client knows that the command is being run.
    sink.send(message(if request.stdout { STDOUT } else { ERROR }, b"")).await?;
    let (pod, container) = (&request.pod, &request.container);
    let scripted = if let Some(answer) = server.scripts.commands.of(pod, container) {
        let command = Command {
            namespace: object::namespace(pod).to_owned(),
            pod: object::name(pod).to_owned(),
            container: text(container, "/name").to_owned(),
            arguments: request.arguments.clone(),
            input: input.rest().await?,
        };
        answer(&command).map(Known::Done).or_else(|| {
            let known = known(pod, container, &command.arguments)?;
            Some(if known == Known::Cat { Known::Done(Executed::printing(command.input)) } else { known })
        })
    } else {
        known(pod, container, &request.arguments)
    };
    let status = match scripted {
        None => not_started(server, &request.arguments, None),
        Some(Known::Done(Executed { refusal: Some(why), .. })) => {
            not_started(server, &request.arguments, Some(&why))
        }
        Some(Known::Done(Executed { stdout, stderr, code, refusal: None })) => {
            for (channel, text, wanted) in
                [(STDOUT, stdout, request.stdout), (STDERR, stderr, request.stderr)]
            {
                if wanted && !text.is_empty() {
                    sink.send(message(channel, &text)).await?;
                }
            }
            ended(&request.arguments, code)
        }
        Some(Known::Cat) => {
            while let Some(bytes) = input.next().await? {
                if request.stdout {
                    sink.send(message(STDOUT, &bytes)).await?;
                }
            }
            ended(&request.arguments, 0)
        }
    };
    sink.send(message(ERROR, status.to_string().as_bytes())).await?;
    let farewell = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::from_static("") };
    sink.send(Message::Close(Some(farewell))).await?;
    // What the client still sends is read: a socket that is closed over unread bytes takes back what it sent.
    tokio::select! {
        () = server.api.clock.sleep(FAREWELL) => {}
        () = async { while let Some(Ok(_)) = input.socket.next().await {} } => {}
    }
    Ok(())
}

fn message(channel: u8, bytes: &[u8]) -> Message {
    Message::binary([&[channel], bytes].concat())
}

/// How a command ended, as a container runtime says it.
fn ended(arguments: &[String], code: u8) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    let command = arguments.join(" ");
    json!({
        "metadata": {},
        "status": "Failure",
        "message": format!(
            "command terminated with non-zero exit code: error executing command [{command}], exit code {code}"
        ),
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
    })
}

/// The answer to a command that cannot be started, for this reason or because the container has it not.
fn not_started(server: &Server, arguments: &[String], why: Option<&str>) -> Value {
    let program = arguments.first().map_or("", String::as_str);
    let id = format!("{0}{0}", server.api.new_uid().replace('-', ""));
    let missing = match why {
        Some(why) => why.to_owned(),
        None if program.contains('/') => format!("stat {program}: no such file or directory"),
        None => "executable file not found in $PATH".to_owned(),
    };
    let why = format!(
        "Internal error occurred: error executing command in container: failed to exec in container: failed to start exec {id:?}: OCI runtime \
         exec failed: exec failed: unable to start container process: exec: {program:?}: {missing}: unknown"
    );
    ApiError::internal(why).to_value()
}

/// What the client sends.
struct Input {
    socket: SplitStream<Socket>,
    open: bool,
}

impl Input {
    /// The next bytes of the input; none at its end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        while self.open {
            match self.socket.next().await.transpose()? {
                None | Some(Message::Close(_)) => self.open = false,
                Some(Message::Binary(bytes)) => match bytes.split_first() {
                    Some((&STDIN, input)) if !input.is_empty() => return Ok(Some(input.to_vec())),
                    Some((&CLOSE, [STDIN])) => self.open = false,
                    _ => {}
                },
                Some(_) => {}
            }
        }
        Ok(None)
    }

    /// All of it.
    async fn rest(&mut self) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        while let Some(bytes) = self.next().await? {
            if all.len() + bytes.len() > LARGEST_INPUT {
                return Err(Error::AttackAttempt);
            }
            all.extend(bytes);
        }
        Ok(all)
    }
}
