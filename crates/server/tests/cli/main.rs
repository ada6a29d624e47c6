//! The command line as a process, against a real server that is a process too. A file per command, and transcripts
//! (`transcripts/`) of what depends on no server. Runs on either engine.

#[path = "../support/mod.rs"]
mod support;

mod application;
mod connection;
mod environment;
mod key;
mod key_files;
mod management_key;
mod operator;
mod org;
mod output;
mod owner;
mod resource;
mod running;
mod signing_keys;
mod store;
mod words;
