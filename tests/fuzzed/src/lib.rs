//! What must hold of bytes from outside.
//!
//! Each function takes any bytes and panics where the property that it is named for is broken. `cargo xtask fuzz`
//! hands them bytes that are made to reach every branch; `tests/corpus.rs` hands them the seeds of that search and
//! whatever once broke one of them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a property that is broken is told by a panic"
)]

mod answer;
mod document;
mod eval;
mod image;
mod manifest;
mod policy;
mod quantity;
mod router;
mod yaml;

pub use answer::answer;
pub use document::document;
pub use eval::eval;
pub use image::image;
pub use manifest::manifest;
pub use policy::policy;
pub use quantity::quantity;
pub use router::router;

/// A property of bytes.
pub type Property = fn(&[u8]);

/// Every property, by the name of its fuzz target and of its folder in `corpus/`.
pub const PROPERTIES: [(&str, Property); 8] = [
    ("quantity", quantity),
    ("eval", eval),
    ("policy", policy),
    ("document", document),
    ("router", router),
    ("image", image),
    ("manifest", manifest),
    ("answer", answer),
];
