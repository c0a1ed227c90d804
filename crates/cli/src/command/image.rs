//! Images in registries.

use std::process::ExitCode;

use super::image_work;
use super::session::Session;
use crate::arguments;
use crate::failure::Failure;

pub(super) async fn run(session: &Session, command: arguments::Image) -> Result<ExitCode, Failure> {
    match command {
        arguments::Image::Copy(arguments) => image_work::copy(session, arguments).await,
        arguments::Image::Sync(arguments) => image_work::sync(session, arguments).await,
        arguments::Image::Verify(arguments) => image_work::verify(session, arguments).await,
    }
}
