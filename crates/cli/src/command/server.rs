//! Being the server.

use std::process::ExitCode;

use plimsoll_server::dev::{DevOptions, Until};
use plimsoll_server::serve::ServeOptions;

use crate::arguments::{Dev, Serve};
use crate::failure::Failure;

pub(super) async fn serve(arguments: Serve) -> Result<ExitCode, Failure> {
    let Serve { config } = arguments;
    ended(plimsoll_server::serve::run(ServeOptions { config }).await)
}

pub(super) async fn dev(arguments: Dev) -> Result<ExitCode, Failure> {
    let Dev { data, listen, registries, until_healthy, timeout } = arguments;
    let until = if until_healthy { Until::Healthy { timeout } } else { Until::Stopped };
    ended(plimsoll_server::dev::run(DevOptions { data, listen, until, registries }).await)
}

fn ended(result: Result<(), plimsoll_server::Error>) -> Result<ExitCode, Failure> {
    match result {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            let failure = Failure::new(error.exit(), error.to_string());
            Err(error.details().into_iter().fold(failure, Failure::with))
        }
    }
}
