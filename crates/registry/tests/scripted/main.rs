//! The client against a registry that misbehaves.

#![expect(clippy::unwrap_used, reason = "the tests share functions")]

mod carrier;
mod catalog;
mod copies;
mod images;
mod lists;
mod mk;
mod peers;
mod port;
mod profiles;
mod pulls;
mod pushes;
mod referrers;
mod tags;
mod tokens;
mod trouble;
mod whereabouts;
mod windows;
