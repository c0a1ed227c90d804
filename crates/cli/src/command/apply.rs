//! Publishing a document.

use std::process::ExitCode;

use reqwest::Method;

use super::change::send;
use super::session::{Session, path};
use crate::arguments::Apply;
use crate::document::Source;
use crate::failure::Failure;

pub(super) async fn apply(session: &Session, arguments: Apply) -> Result<ExitCode, Failure> {
    let Apply { file, scale, write } = arguments;
    let source = Source::open(&file)?;
    let app = source.app(session.namespace.as_ref())?;
    let mut call =
        session.client.call(Method::PUT, &path(&app, &[])).body(source.value().clone()).about(&source);
    if scale {
        call = call.query("takeScale", "true");
    }
    send(session, &app, call, write).await
}
