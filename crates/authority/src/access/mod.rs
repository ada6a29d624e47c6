//! Who may use the management plane: management keys, operators and their roles.
//! A caller's state is read from the database at every request, never from a cache.

pub mod caller;
mod fate;
pub mod keys;
pub mod operators;
pub mod permission;
mod sql;

pub use caller::{Caller, authenticate};
pub(crate) use fate::{ManagementKeyFate, OperatorFate};
pub use permission::{Permission, Permissions, Role};
