//! What each verb does.

mod app;
mod apply;
mod change;
mod diff;
mod image;
mod image_work;
mod installation;
mod list;
mod operation;
pub(crate) mod policy;
mod registry;
mod server;
mod session;

use std::process::ExitCode;

use crate::arguments::{Arguments, Command};
use crate::failure::{FAILED, Failure};
use session::Session;

/// Does what the command line says.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Arguments { global, command } = arguments;
    let runtime = |mut builder: tokio::runtime::Builder| {
        builder
            .enable_all()
            .build()
            .map_err(|error| Failure::new(FAILED, format!("no threads can be started: {error}")))
    };
    match command {
        Command::Completion { shell } => completion(shell),
        Command::Qos(command) => crate::qos::run(global.output, command),
        Command::Serve(options) => {
            runtime(tokio::runtime::Builder::new_multi_thread())?.block_on(server::serve(options))
        }
        Command::Dev(options) => {
            runtime(tokio::runtime::Builder::new_multi_thread())?.block_on(server::dev(options))
        }
        command => runtime(tokio::runtime::Builder::new_current_thread())?.block_on(async {
            let session = Session::open(&global)?;
            call(&session, command).await
        }),
    }
}

fn completion(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::help::command(), "plimsoll", &mut script);
    crate::output::print(String::from_utf8_lossy(&script).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// The verbs that speak to a server.
async fn call(session: &Session, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Apply(arguments) => apply::apply(session, arguments).await,
        Command::Diff(arguments) => diff::diff(session, arguments).await,
        Command::Rollback(arguments) => change::rollback(session, arguments).await,
        Command::Unpin(arguments) => change::plain(session, "unpin", arguments).await,
        Command::Scale(arguments) => change::scale(session, arguments).await,
        Command::Restart(arguments) => change::plain(session, "restart", arguments).await,
        Command::Offline(arguments) => change::plain(session, "offline", arguments).await,
        Command::Online(arguments) => change::plain(session, "online", arguments).await,
        Command::Delete(arguments) => change::delete(session, arguments).await,
        Command::Get(arguments) => app::get(session, arguments).await,
        Command::List(arguments) => app::list(session, arguments).await,
        Command::History(arguments) => app::history(session, arguments).await,
        Command::Show(arguments) => app::show(session, arguments).await,
        Command::Operation(arguments) => operation::run(session, arguments).await,
        Command::Dc(arguments) => installation::dc(session, arguments).await,
        Command::Namespace(arguments) => installation::namespace(session, arguments).await,
        Command::Policy(arguments) => policy::policy(session, arguments).await,
        Command::Image(arguments) => image::run(session, arguments).await,
        Command::Registry(arguments) => registry::run(session, arguments).await,
        Command::Init(arguments) => installation::init(session, arguments).await,
        // They speak to no server, and `run` has taken them.
        Command::Serve(_) | Command::Dev(_) | Command::Qos(_) | Command::Completion { .. } => {
            Ok(ExitCode::FAILURE)
        }
    }
}
