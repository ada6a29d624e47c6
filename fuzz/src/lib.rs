//! What strangers can send, thrown at the code that reads it. Each target is a plain function
//! that panics when a promise is broken; libFuzzer and `tests/corpus.rs` both call it.
//!
//! On stable, in seconds: `cargo test --manifest-path fuzz/Cargo.toml`.
//! On nightly, for as long as one likes; what it finds goes to `scratch`, the seeds stay small:
//!
//! ```text
//! mkdir -p fuzz/scratch/credential_parse
//! cargo +nightly fuzz run credential_parse fuzz/scratch/credential_parse fuzz/corpus/credential_parse
//! ```
//!
//! A new target is a file `src/<name>.rs` with `pub fn <name>(data: &[u8])`, a line in
//! `targets!` below, and a few seeds in `corpus/<name>/`; for libFuzzer also a copy of
//! `fuzz_targets/credential_parse.rs` and its `[[bin]]`, with the name changed. The test
//! `every_target_is_wired_up` says which of them was forgotten.

/// Declares each target's module and lists them all for the test.
macro_rules! targets {
    ($($name:ident)*) => {
        $(
            mod $name;
            pub use $name::$name;
        )*

        /// Every target by name.
        pub const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $name)),*];
    };
}

targets! {
    config
    credential_parse
    cursor
    jws
    list_filters
    verify_body
}

/// The `main` of one target: libFuzzer's under cargo-fuzz, otherwise one that runs the files
/// named on the command line, to look at a finding in an ordinary debugger.
#[macro_export]
macro_rules! main {
    ($name:ident) => {
        #[cfg(fuzzing)]
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$name(data));

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            std::env::args_os().skip(1).try_for_each(|path| std::fs::read(path).map(|data| $crate::$name(&data)))
        }
    };
}

#[cfg(fuzzing)]
pub use libfuzzer_sys;
