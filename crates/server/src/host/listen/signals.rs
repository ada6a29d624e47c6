//! What a connection has to hear of besides its client: the end of the listener, and time.
//! A connection is woken for every packet; only a signal that was woken itself is polled then.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Phase;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Draining,
    CutOff,
    /// By now the first request should have begun.
    FirstRequestDue,
    /// Time to look whether the connection still does anything.
    Look,
}

pub struct Signals(FuturesUnordered<BoxFuture<'static, Signal>>);

impl Signals {
    /// Of the listener's phases; times are added as they are needed.
    pub fn new(phases: &watch::Receiver<Phase>) -> Self {
        let signals = Self(FuturesUnordered::new());
        for (phase, signal) in [(Phase::Draining, Signal::Draining), (Phase::CutOff, Signal::CutOff)] {
            let mut phases = phases.clone();
            signals.0.push(Box::pin(async move {
                // The end of the listener is later than any phase.
                let _ = phases.wait_for(|now| *now >= phase).await;
                signal
            }));
        }
        signals
    }

    pub fn after(&self, time: Duration, signal: Signal) {
        self.0.push(Box::pin(async move {
            sleep(time).await;
            signal
        }));
    }

    pub async fn next(&mut self) -> Signal {
        // Empty only after the listener has cut everything off.
        self.0.next().await.unwrap_or(Signal::CutOff)
    }
}
