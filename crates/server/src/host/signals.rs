//! Signals, as futures: stop on SIGTERM and SIGINT, read files again on SIGHUP.
//! It never acts on one itself.

use std::future::Future;

use futures_util::Stream;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Completes at the first SIGTERM or SIGINT after this call; needs a runtime.
pub fn terminate() -> impl Future<Output = ()> + Send {
    // Installed here, not at the first poll: a signal in between must not kill the process.
    let mut terminate = install(SignalKind::terminate());
    let mut interrupt = install(SignalKind::interrupt());
    async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "stopping");
    }
}

/// One item for each SIGHUP after this call; needs a runtime.
pub fn hangups() -> impl Stream<Item = ()> + Send {
    futures_util::stream::unfold(install(SignalKind::hangup()), async |mut hangup| {
        hangup.recv().await;
        Some(((), hangup))
    })
}

fn install(kind: SignalKind) -> Signal {
    signal(kind).expect("inside a runtime, a handler for these signals can always be installed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt as _;
    use rustix::process::{Signal as Posix, getpid, kill_process};

    // One test, for a signal reaches the whole test process: both handlers must be in place first.
    #[tokio::test]
    async fn signals_that_come_before_the_first_poll_are_not_lost() {
        let mut hangups = std::pin::pin!(hangups());
        let stopped = terminate();
        kill_process(getpid(), Posix::HUP).unwrap();
        kill_process(getpid(), Posix::TERM).unwrap();
        assert_eq!(hangups.next().await, Some(()));
        stopped.await;
    }
}
