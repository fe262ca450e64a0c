//! What the service manager is told (sd_notify(3)), where there is one.

use sd_notify::NotifyState;
use std::time::Duration;

/// Tells it; nobody may be there to hear it.
pub fn tell(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::debug!(%error, "the service manager does not listen");
    }
}

/// How often it wants to hear that all is well, if it does: a third of the time after which it would end this process.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 3)
}
