//! The client against a registry that misbehaves.

mod lists;
mod mk;
mod pulls;
mod pushes;
mod referrers;
mod tokens;
mod trouble;
