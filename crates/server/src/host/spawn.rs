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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::logs::tests::written_by;

    /// What is logged while the future runs on this thread.
    fn logged(future: impl Future<Output = ()>) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        written_by(|| runtime.block_on(future))
    }

    #[test]
    fn a_panic_is_logged_with_the_name_of_the_task() {
        let text = logged(async { assert!(task("sums", async { panic!("no sum") }).await.unwrap_err().is_panic()) });
        assert!(text.contains("task panicked and has ended task=\"sums\""), "{text}");
    }

    #[test]
    fn neither_an_end_nor_an_abort_is_a_panic() {
        let text = logged(async {
            assert_eq!(task("sums", async { 2 + 2 }).await.unwrap(), 4);
            let waiting = task("waits", std::future::pending::<()>());
            waiting.abort();
            assert!(waiting.await.unwrap_err().is_cancelled());
        });
        assert_eq!(text, "");
    }
}
