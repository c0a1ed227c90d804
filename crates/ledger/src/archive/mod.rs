//! The archive port: files that only grow, and a list in memory.

mod file;
mod memory;

pub use self::file::FileArchive;
pub use self::memory::MemoryArchive;
