//! The services: read the request, call one use case, write the answer.

mod app;
mod image;
mod installation;
mod operation;

pub(crate) use app::Apps;
pub(crate) use image::Images;
pub(crate) use installation::Installations;
pub(crate) use operation::Operations;

/// What a list answers where there is no further page.
fn next_page_token(next: Option<String>) -> String {
    next.unwrap_or_default()
}
