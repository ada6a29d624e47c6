//! Logs on standard error, as text or JSON, with every credential redacted.
//! Nothing reaches the sink but whole, redacted events: a credential cannot straddle two writes.

use std::io::{self, Write};

use claviger_authority::credential::redact;
use tracing::{Dispatch, Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::config::LogFormat;

/// Installs the process's logger and the panic hook that writes through it; once per process.
pub fn init(format: LogFormat, level: &str) -> Result<(), String> {
    let dispatch = dispatch(format, level, io::stderr)?;
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| "logs are set up already".to_owned())?;
    std::panic::set_hook(Box::new(report_panic));
    Ok(())
}

/// `level` is what `log.level` takes: a level, or directives per module.
fn dispatch<S>(format: LogFormat, level: &str, sink: S) -> Result<Dispatch, String>
where
    S: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(level).map_err(|error| format!("log.level: {error}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Redacting(sink));
    Ok(match format {
        LogFormat::Text => builder.into(),
        LogFormat::Json => builder.json().into(),
    })
}

/// Makes one `Event` per event.
struct Redacting<S>(S);

impl<'a, S: MakeWriter<'a>> MakeWriter<'a> for Redacting<S> {
    type Writer = Event<S::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Event { text: Vec::new(), sink: self.0.make_writer() }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Self::Writer {
        Event { text: Vec::new(), sink: self.0.make_writer_for(metadata) }
    }
}

/// Keeps what is written until the event is complete, which is when it is dropped.
struct Event<W: Write> {
    text: Vec<u8>,
    sink: W,
}

impl<W: Write> Write for Event<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Drop for Event<W> {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        // There is nowhere to report that the log itself cannot be written.
        let _ = self.sink.write_all(redact(&text).as_bytes());
        let _ = self.sink.flush();
    }
}

fn report_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("a panic without words");
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    if tracing::enabled!(Level::ERROR) {
        tracing::error!(location, thread, "panicked: {message}");
    } else {
        // Logs are off, or it was a log event that panicked. A process that dies must say why.
        let line = format!("thread {thread} panicked at {location}: {message}\n");
        let _ = io::stderr().write_all(redact(&line).as_bytes());
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use claviger_authority::credential::{Class, CredentialId, Prefix, mint};
    use std::sync::{Arc, Mutex};

    /// Every write as it came.
    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<String>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(format: LogFormat, level: &str, log: impl FnOnce()) -> Vec<String> {
        let memory = Memory::default();
        let sink = memory.clone();
        let dispatch = dispatch(format, level, move || sink.clone()).unwrap();
        tracing::dispatcher::with_default(&dispatch, log);
        let writes = memory.0.lock().unwrap();
        writes.clone()
    }

    /// What is logged on this thread meanwhile, for the tests of other modules.
    pub fn written_by(log: impl FnOnce()) -> String {
        written(LogFormat::Text, "info", log).concat()
    }

    fn key() -> String {
        let prefix = Prefix::parse("acme_live").unwrap();
        mint(&prefix, Class::ApiKey, CredentialId::from_bytes([7; 12]), &[42; 32]).expose().to_owned()
    }

    #[test]
    fn a_key_is_redacted_in_messages_fields_and_spans_of_both_formats() {
        let key = key();
        let secret = key.rsplit('_').next().unwrap();
        for format in [LogFormat::Text, LogFormat::Json] {
            let writes = written(format, "info", || {
                let span = tracing::info_span!("request", authorization = %format!("Bearer {key}"));
                let _inside = span.enter();
                tracing::warn!(header = key, debug = ?Some(&key), "refused {key}\n{key}");
            });
            assert_eq!(writes.len(), 1, "one event is one write");
            assert!(!writes[0].contains(secret), "{}", writes[0]);
            let named = writes[0].matches("acme_live_ak_").count();
            assert!(named >= 5, "two in the message, two fields, one in the span: {}", writes[0]);
            assert_eq!(writes[0].matches("_[redacted]").count(), named, "{}", writes[0]);
            assert!(writes[0].ends_with('\n'));
        }
    }

    #[test]
    fn a_key_written_in_pieces_is_redacted() {
        let key = key();
        let memory = Memory::default();
        let mut event = Event { text: Vec::new(), sink: memory.clone() };
        for piece in key.as_bytes().chunks(5) {
            event.write_all(piece).unwrap();
            event.flush().unwrap();
        }
        assert!(memory.0.lock().unwrap().is_empty(), "nothing is written before the event is complete");
        drop(event);
        assert!(memory.0.lock().unwrap().concat().ends_with("_[redacted]"));
    }

    #[test]
    fn json_is_one_object_per_line() {
        let writes = written(LogFormat::Json, "info", || tracing::info!(port = 7480, "ready"));
        let event: serde_json::Value = serde_json::from_str(&writes[0]).unwrap();
        assert_eq!(event["level"], "INFO");
        assert_eq!(event["fields"]["message"], "ready");
        assert_eq!(event["fields"]["port"], 7480);
    }

    #[test]
    fn the_level_and_its_directives_are_kept_to() {
        let log = || {
            tracing::debug!(target: "loud", "a");
            tracing::debug!(target: "quiet", "b");
            tracing::warn!(target: "quiet", "c");
        };
        assert_eq!(written(LogFormat::Text, "warn,loud=debug", log).len(), 2);
        assert_eq!(written(LogFormat::Text, "off", log).len(), 0);
        assert!(dispatch(LogFormat::Text, "loud=very", io::sink).unwrap_err().starts_with("log.level: "));
    }

    #[test]
    fn a_panic_is_logged_without_the_key_it_names() {
        let key = key();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(report_panic));
        let writes = written(LogFormat::Text, "error", || {
            let _ = std::panic::catch_unwind(|| panic!("cannot use {key}"));
        });
        std::panic::set_hook(before);
        assert_eq!(writes.len(), 1, "{writes:?}");
        assert!(writes[0].contains("panicked: cannot use acme_live_ak_"), "{}", writes[0]);
        assert!(writes[0].contains("[redacted]") && writes[0].contains("logs.rs:"), "{}", writes[0]);
    }
}
