//! What is done to a server behind its back.

use async_trait::async_trait;

/// Ways to put a server into a state that requests do not. Each returns when the server is in that state and answers.
#[async_trait(?Send)]
pub trait Faults {
    /// Requests about Secrets of a namespace are too many, and turned away.
    async fn overload(&self, namespace: &str);

    /// They are not any more.
    async fn relieve(&self, namespace: &str);

    /// Requests take some time, if only a moment.
    async fn slow_down(&self);

    /// The server is restarted, and its store is not.
    async fn restart(&self);

    /// The store forgets what was there before.
    async fn compact(&self);

    /// Remembers all that is in the store.
    async fn back_up(&self);

    /// Puts into the store what was remembered, and restarts the server.
    async fn put_back(&self);
}
