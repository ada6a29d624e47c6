//! The atomics of the directory: the machine's, or loom's when every interleaving is tried.

#[cfg(feature = "loom")]
pub use loom::{
    hint::spin_loop,
    sync::atomic::{AtomicU32, AtomicU64, Ordering, fence},
};
#[cfg(not(feature = "loom"))]
pub use std::{
    hint::spin_loop,
    sync::atomic::{AtomicU32, AtomicU64, Ordering, fence},
};
