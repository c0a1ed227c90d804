//! All pages of a list.

use plimsoll_api_rest::dto::Page;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::session::Session;
use crate::arguments::Format;
use crate::client::read;
use crate::failure::{FAILED, Failure};
use crate::output::{Table, clean, note, note_all, print, structured};

/// Asks for as much at once as the server gives.
const PAGE_SIZE: &str = "500";

/// The pages of a list, one after the other.
pub(super) struct Pages<'a> {
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    token: Option<String>,
    at_end: bool,
}

impl<'a> Pages<'a> {
    /// Those of the list under a path.
    pub(super) fn new(path: &'a [&'a str], query: &'a [(&'a str, &'a str)]) -> Self {
        Self { path, query, token: None, at_end: false }
    }

    /// The next page as the server answers it; none behind the last.
    pub(super) async fn next(&mut self, session: &Session) -> Result<Option<Value>, Failure> {
        if self.at_end {
            return Ok(None);
        }
        let mut call = session.client.call(Method::GET, self.path).query("pageSize", PAGE_SIZE);
        for (key, value) in self.query {
            call = call.query(key, value);
        }
        if let Some(token) = &self.token {
            call = call.query("pageToken", token);
        }
        let page = call.send().await?;
        let next = page["nextPageToken"].as_str().map(str::to_owned);
        // It would be asked for without end, and what is there so far is not the list.
        if next.is_some() && next == self.token {
            return Err(Failure::new(FAILED, "the server answers the same page of a list again and again"));
        }
        self.at_end = next.is_none();
        self.token = next;
        Ok(Some(page))
    }
}

/// Everything under a path, page after page.
pub(super) async fn all(
    session: &Session,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Vec<Value>, Failure> {
    let mut items = Vec::new();
    let mut pages = Pages::new(path, query);
    while let Some(page) = pages.next(session).await? {
        let page: Page<Value> = read(&page)?;
        items.extend(page.items);
        note_all(&page.notes);
    }
    Ok(items)
}

/// Prints a list: for programs as it came, for people as a table or by name.
pub(super) fn show<T: DeserializeOwned>(
    session: &Session,
    items: &[Value],
    none: &str,
    name: impl Fn(&T) -> String,
    table: impl FnOnce(&[T]) -> Table,
) -> Result<(), Failure> {
    let value = json!({"items": items});
    if let Some(printed) = structured(session.format, &value) {
        return printed;
    }
    let items: Vec<T> = read(&value["items"])?;
    if session.format == Format::Name {
        return items.iter().try_for_each(|item| print(&clean(&name(item))));
    }
    let table = table(&items);
    if table.is_empty() {
        note(none);
        return Ok(());
    }
    print(&table.to_string())
}
