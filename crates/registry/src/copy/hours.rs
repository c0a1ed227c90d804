//! Windows, and the clock that they go by.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use plimsoll_core::clock::Clock;

use plimsoll_core::image::Window;

/// Wall clocks are set and machines sleep: no moment is waited for blindly for longer than this.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Hours in which something may be done: while one of the windows is open, by the wall time of a clock.
pub struct Hours {
    windows: Vec<Window>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hours").field(&self.windows).finish()
    }
}

impl Hours {
    /// The hours of these windows; of none, always.
    pub fn new(windows: Vec<Window>, clock: Arc<dyn Clock>) -> Self {
        Self { windows, clock }
    }

    /// How long nothing may be done from now on; nothing while something may.
    pub fn shut_for(&self) -> Option<Duration> {
        let now = self.clock.now();
        self.windows.iter().map(|window| window.shut_for(now)).min().filter(|wait| !wait.is_zero())
    }

    /// Waits until a window is open.
    pub async fn opened(&self) {
        while let Some(wait) = self.shut_for() {
            tokio::time::sleep(wait.min(LOOK_AGAIN)).await;
        }
    }

    /// Waits until a window begins; where there is none, for ever.
    pub(super) async fn begins(&self) {
        let now = self.clock.now();
        let Some(wait) = self.windows.iter().map(|window| window.begins_in(now)).min() else {
            return std::future::pending().await;
        };
        let left = |at: Timestamp| Duration::try_from(at.duration_until(now + wait)).unwrap_or_default();
        loop {
            match left(self.clock.now()) {
                Duration::ZERO => return,
                left => tokio::time::sleep(left.min(LOOK_AGAIN)).await,
            }
        }
    }
}
