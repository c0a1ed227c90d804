//! All pages of a list.

use plimsoll_api_rest::dto::Page;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::session::Session;
use crate::arguments::Format;
use crate::client::read;
use crate::failure::{FAILED, Failure};
use crate::output::{Table, clean, note, print, structured};

/// Asks for as much at once as the server gives.
const PAGE_SIZE: &str = "500";

/// Everything under a path, page after page.
pub(super) async fn all(
    session: &Session,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Vec<Value>, Failure> {
    let mut items = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut call = session.client.call(Method::GET, path).query("pageSize", PAGE_SIZE);
        for (key, value) in query {
            call = call.query(key, value);
        }
        if let Some(token) = &token {
            call = call.query("pageToken", token);
        }
        let page: Page<Value> = read(&call.send().await?)?;
        items.extend(page.items);
        for said in &page.notes {
            note(&clean(said));
        }
        if page.next_page_token.is_none() {
            return Ok(items);
        }
        // It would be asked for without end, and what is there so far is not the list.
        if page.next_page_token == token {
            return Err(Failure::new(FAILED, "the server answers the same page of a list again and again"));
        }
        token = page.next_page_token;
    }
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
