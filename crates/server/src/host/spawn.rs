//! The one place where a task is spawned: it has a name, and its panic is told.
//! It never hides a task: the handle comes back, to be joined or aborted.

use std::future::Future;

use tokio::task::JoinHandle;

/// Runs `future` beside the caller. A panic inside ends this task only, and is logged with its name.
pub fn task<F>(name: &'static str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[allow(clippy::disallowed_methods, reason = "this is the one place that the rule sends everybody to")]
    tokio::spawn(async move {
        let panicked = Panicked(name);
        let output = future.await;
        // Not a match on the outcome: dropping is the only thing that happens in a panic.
        std::mem::forget(panicked);
        output
    })
}

/// Dropped before its time only by a panic or by an abort.
struct Panicked(&'static str);

impl Drop for Panicked {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(task = self.0, "task panicked and has ended");
        }
    }
}
