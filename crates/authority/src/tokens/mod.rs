//! Access tokens: so far, the keys that sign them.

pub mod signing;
