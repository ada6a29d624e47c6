//! What systemd is told: ready, reloading, stopping, and that the process is alive (`Type=notify`, `WatchdogSec=`).
//! It never fails a start: without systemd every call is silent.

use std::future::Future;

use sd_notify::NotifyState;

/// The server answers.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Files are being read again; [`ready`] must follow.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "systemd cannot be told of the reload"),
    }
}

/// No new work is taken; what is under way is finished.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells systemd twice per `WatchdogSec=` that the runtime still turns; `None` if nobody asked. Spawn it.
pub fn watchdog() -> Option<impl Future<Output = ()> + Send> {
    let period = sd_notify::watchdog_enabled()? / 2;
    Some(async move {
        let mut ticks = tokio::time::interval(period.max(std::time::Duration::from_millis(1)));
        loop {
            ticks.tick().await;
            tell(&[NotifyState::Watchdog]);
        }
    })
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
