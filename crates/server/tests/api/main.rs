//! The whole contract through the public door, a file per address. Runs on either engine.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod api_keys;
mod applications;
mod bad_input;
mod canary;
mod environments;
mod gateway;
mod idempotency;
mod journal;
mod limits;
mod oauth;
mod openapi;
mod organizations;
mod owners;
mod resources;
mod signing_keys;
mod verify;
