//! Every secret that a test's client hears is looked for, when its server ends, in all that the server leaves behind: its
//! files (database and write-ahead log, backups), every row of PostgreSQL, its metrics, its log, and answers that showed
//! it once more. What is found is told by its place; the secret itself is never repeated.

use std::collections::{BTreeSet, HashSet};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};

use claviger_authority::credential::redact;
use claviger_server::app::App;
use claviger_server::host::config::Config;

/// What follows the last `_` of a credential: the secret and its checksum.
const SECRET: usize = 43;
const TAIL: usize = 49;
/// A part as long as this is a leak like the whole.
const PART: usize = SECRET / 2;

pub struct Canary {
    folder: PathBuf,
    config: Config,
    app: Arc<App>,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    secrets: BTreeSet<String>,
    /// Answers that showed a secret which an earlier one had shown.
    repeated: Vec<String>,
}

impl Canary {
    /// `folder` is the server's; the file of the first key alone may hold a secret.
    pub fn new(folder: PathBuf, config: Config, app: Arc<App>, root: &str) -> Self {
        listen_to_the_log();
        let canary = Self { folder, config, app, heard: Mutex::default() };
        canary.hear("", root);
        canary
    }

    /// Takes note of every secret in an answer.
    pub fn hear(&self, place: &str, answer: &str) {
        let mut heard = self.heard.lock().expect("no panic");
        for secret in secrets(answer) {
            if !heard.secrets.insert(secret.to_owned()) {
                heard.repeated.push(format!("a later answer of {}", redact(place)));
            }
        }
    }

    /// Where a secret stands that should stand nowhere.
    pub fn places(&self) -> Vec<String> {
        let heard = self.heard.lock().expect("no panic");
        let needles: Vec<String> =
            heard.secrets.iter().flat_map(|secret| [&secret[..PART], &secret[PART..SECRET]]).flat_map(spellings).collect();
        let mut places = heard.repeated.clone();
        let mut look = |place: String, bytes: &[u8]| places.extend(holds(runs(bytes), &needles).then_some(place));
        for (path, bytes) in super::files(&self.folder) {
            if Some(&path) != self.config.bootstrap_key_file.as_ref() {
                look(path.display().to_string(), &bytes);
            }
        }
        if !self.config.database.expose().is_empty() {
            look("a row of the database".to_owned(), &rows(self.config.database.expose()));
        }
        look("the metrics".to_owned(), self.app.metrics.encode().as_bytes());
        let log = LOG.lock().expect("no panic");
        places.extend(holds(log.iter().map(String::as_str), &needles).then_some("the log".to_owned()));
        places
    }

    /// How many secrets are looked for.
    pub fn count(&self) -> usize {
        self.heard.lock().expect("no panic").secrets.len()
    }

    /// For the test of the canary itself, which leaves secrets lying about.
    pub fn forget(&self) {
        *self.heard.lock().expect("no panic") = Heard::default();
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        // The test has something else to say already, and a second panic would end the process.
        if !std::thread::panicking() {
            let places = self.places();
            assert!(places.is_empty(), "a secret stands in {}", places.join(" and in "));
        }
    }
}

/// The secret part, without its checksum, of everything that has the form of a credential.
fn secrets(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.filter_map(|word| {
        let (rest, tail) = word.rsplit_once('_')?;
        let (rest, id) = rest.rsplit_once('_')?;
        let (_, class) = rest.rsplit_once('_')?;
        (tail.len() == TAIL && id.len() == 17 && ["ak", "mk", "cs", "wt"].contains(&class)).then(|| &tail[..SECRET])
    })
}

/// As it is, and as hexadecimal digits, which is how PostgreSQL writes bytes.
fn spellings(part: &str) -> [String; 2] {
    [part.to_owned(), part.bytes().map(|byte| format!("{byte:02x}")).collect()]
}

/// Everything in these bytes that is long enough to be a part of a secret.
fn runs(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let runs: HashSet<&[u8]> = bytes.split(|byte| !byte.is_ascii_alphanumeric()).filter(|run| run.len() >= PART).collect();
    runs.into_iter().map(|run| std::str::from_utf8(run).expect("it is ASCII"))
}

fn holds<'a>(mut runs: impl Iterator<Item = &'a str>, needles: &[String]) -> bool {
    runs.any(|run| needles.iter().any(|needle| run.contains(needle.as_str())))
}

/// Every row of every table, as text.
fn rows(database: &str) -> Vec<u8> {
    let each = "SELECT format('SELECT t::text FROM %I.%I t', schemaname, tablename) FROM pg_tables
                WHERE schemaname NOT IN ('pg_catalog', 'information_schema') \\gexec";
    let mut psql = Command::new("psql");
    psql.args([database, "-qAt", "-v", "ON_ERROR_STOP=1"]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = psql.spawn().expect("psql runs");
    child.stdin.take().expect("it is piped").write_all(each.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && !output.stdout.is_empty(), "the rows could not be read");
    output.stdout
}

/// What is long enough in the log of all servers of this process, from its lowest level on and before the log writer
/// blacks anything out: nothing may rest on that alone.
static LOG: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

fn listen_to_the_log() {
    static LISTENING: LazyLock<()> = LazyLock::new(|| {
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(|| Ear);
        log.try_init().expect("nobody else listens");
    });
    LazyLock::force(&LISTENING);
}

struct Ear;

impl Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // The ids that fill a log have small letters only; 43 random ones of base 62 do not.
        let runs = runs(bytes).filter(|run| run.bytes().any(|byte| byte.is_ascii_uppercase()));
        let mut runs = runs.peekable();
        if runs.peek().is_some() {
            LOG.lock().expect("no panic").extend(runs.map(str::to_owned));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
