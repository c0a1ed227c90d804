//! What was asked.

use http::{HeaderMap, Method};

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is done.
    pub method: Method,
    /// The path with its query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// How many bytes of its body were read.
    pub body: usize,
    /// The status that was answered; 0 where there was no answer.
    pub status: u16,
}

impl Request {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
