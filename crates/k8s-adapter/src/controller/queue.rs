//! The Apps that are to be looked at, each once, and never the same one twice at a time.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use plimsoll_core::name::AppRef;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A queue of Apps without doubles. It holds at most one entry for each App that exists, so it needs no
/// other bound.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    ready: VecDeque<AppRef>,
    queued: HashSet<AppRef>,
    running: HashSet<AppRef>,
    /// Asked for while it was being looked at.
    again: HashSet<AppRef>,
    later: BTreeSet<(Instant, AppRef)>,
    due: HashMap<AppRef, Instant>,
}

impl Queue {
    /// As soon as may be.
    pub(super) fn add(&self, app: &AppRef) {
        self.state().add(app);
        self.changed.notify_one();
    }

    /// After `delay` at the latest.
    pub(super) fn add_after(&self, app: &AppRef, delay: Duration) {
        let mut state = self.state();
        let when = Instant::now() + delay;
        if state.due.get(app).is_some_and(|due| *due <= when) {
            return;
        }
        if let Some(due) = state.due.insert(app.clone(), when) {
            state.later.remove(&(due, app.clone()));
        }
        state.later.insert((when, app.clone()));
        drop(state);
        self.changed.notify_one();
    }

    /// The next App. Whoever gets it says [`Queue::done`].
    pub(super) async fn next(&self) -> AppRef {
        loop {
            let next_due = {
                let mut state = self.state();
                state.promote(Instant::now());
                if let Some(app) = state.ready.pop_front() {
                    state.queued.remove(&app);
                    state.running.insert(app.clone());
                    // What was to be looked at later is looked at now: whoever looks says when to look again.
                    state.forget(&app);
                    if !state.ready.is_empty() {
                        // `notify_one` keeps one wake-up only; pass it on.
                        self.changed.notify_one();
                    }
                    return app;
                }
                state.later.first().map(|(due, _)| *due)
            };
            match next_due {
                None => self.changed.notified().await,
                Some(due) => {
                    // Whichever comes first, the state is looked at again.
                    let _ = tokio::time::timeout_at(due, self.changed.notified()).await;
                }
            }
        }
    }

    /// The App may be given out again.
    pub(super) fn done(&self, app: &AppRef) {
        let mut state = self.state();
        state.running.remove(app);
        if state.again.remove(app) {
            state.add(app);
            drop(state);
            self.changed.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, app: &AppRef) {
        if self.running.contains(app) {
            self.again.insert(app.clone());
        } else if self.queued.insert(app.clone()) {
            self.ready.push_back(app.clone());
        }
    }

    fn forget(&mut self, app: &AppRef) {
        if let Some(due) = self.due.remove(app) {
            self.later.remove(&(due, app.clone()));
        }
    }

    fn promote(&mut self, now: Instant) {
        while let Some((due, app)) = self.later.first().cloned() {
            if due > now {
                break;
            }
            self.later.pop_first();
            self.due.remove(&app);
            self.add(&app);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(name: &str) -> AppRef {
        AppRef { namespace: "demo".parse().unwrap(), name: name.parse().unwrap() }
    }

    #[tokio::test(start_paused = true)]
    async fn an_app_is_looked_at_once_for_many_reasons_and_never_twice_at_a_time() {
        let queue = Queue::default();
        queue.add(&app("a"));
        queue.add(&app("b"));
        queue.add(&app("a"));
        assert_eq!(queue.next().await, app("a"));
        queue.add(&app("a"));
        queue.add(&app("a"));
        assert_eq!(queue.next().await, app("b"));
        let nobody = tokio::time::timeout(Duration::from_mins(1), queue.next()).await;
        assert!(nobody.is_err(), "a was given out while it was being looked at");
        queue.done(&app("a"));
        assert_eq!(queue.next().await, app("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_earliest_of_several_delays_counts() {
        let queue = Queue::default();
        let start = Instant::now();
        queue.add_after(&app("a"), Duration::from_secs(10));
        queue.add_after(&app("a"), Duration::from_secs(2));
        queue.add_after(&app("a"), Duration::from_secs(5));
        assert_eq!(queue.next().await, app("a"));
        assert_eq!(start.elapsed(), Duration::from_secs(2));
        queue.done(&app("a"));
        let nobody = tokio::time::timeout(Duration::from_mins(1), queue.next()).await;
        assert!(nobody.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_takes_the_place_of_the_one_that_was_to_come_later() {
        let queue = Queue::default();
        queue.add_after(&app("a"), Duration::from_secs(2));
        queue.add(&app("a"));
        assert_eq!(queue.next().await, app("a"));
        queue.add_after(&app("a"), Duration::from_secs(5));
        queue.done(&app("a"));
        let start = Instant::now();
        assert_eq!(queue.next().await, app("a"));
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn two_who_wait_get_two_apps() {
        let queue = Queue::default();
        queue.add(&app("a"));
        queue.add(&app("b"));
        let (one, two) = tokio::join!(queue.next(), queue.next());
        assert_ne!(one, two);
    }
}
