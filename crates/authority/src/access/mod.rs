//! Who may use the management plane: management keys, operators and their roles.
//! A caller's state is read from the database at every request, never from a cache.

pub mod caller;
pub mod keys;
pub mod operators;
pub mod permission;
mod sql;

pub use caller::{Caller, authenticate};
pub use permission::{Permission, Permissions, Role};
