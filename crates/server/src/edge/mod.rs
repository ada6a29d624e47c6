//! Between HTTP and the authority: who calls, what the body says, and how a refusal reads.

pub mod body;
pub mod caller;
pub mod headers;
pub mod problem;
pub mod request;
pub mod service;

pub use body::Json;
pub use caller::Caller;
pub use headers::{IdempotencyKey, IfMatch, Versioned};
pub use problem::Problem;
pub use request::{Id, Ids, Query};
