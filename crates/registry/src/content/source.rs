//! Where the bytes of an upload come from.

use bytes::Bytes;
use futures::stream::BoxStream;

/// Bytes that can be read more than once: an upload that breaks off begins again at the first.
pub trait BlobSource: Send + Sync {
    /// The bytes from the first on.
    fn open(&self) -> BoxStream<'static, std::io::Result<Bytes>>;

    /// Whether bytes may stop coming for longer than a connection waits. They then go out in chunks, between which nothing
    /// is under way.
    fn pauses(&self) -> bool {
        false
    }
}

impl BlobSource for Bytes {
    fn open(&self) -> BoxStream<'static, std::io::Result<Bytes>> {
        let bytes = self.clone();
        Box::pin(futures::stream::once(async move { Ok(bytes) }))
    }
}
