//! Values that many slots share, under small numbers: grants, organizations, extras.
//! Readers take no lock. A number may be given out again, so whoever read it asks the slot afterwards whether it
//! still is what it was.

use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwapOption, Guard};

const CHUNK: usize = 1_024;
const CHUNKS: usize = 16_384;

/// Up to 16 million values; the slots are allocated as they are needed.
pub struct Pool<T> {
    chunks: Box<[Chunk<T>]>,
}

type Chunk<T> = OnceLock<Box<[ArcSwapOption<T>]>>;

/// The writer's side: which numbers are free.
#[derive(Default)]
pub struct Numbers {
    free: Vec<u32>,
    next: u32,
}

impl<T> Pool<T> {
    pub fn new() -> Self {
        Self { chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect() }
    }

    fn cell(&self, number: u32) -> &ArcSwapOption<T> {
        let chunk = self.chunks[number as usize / CHUNK].get_or_init(|| (0..CHUNK).map(|_| ArcSwapOption::empty()).collect());
        &chunk[number as usize % CHUNK]
    }

    pub fn read(&self, number: u32) -> Guard<Option<Arc<T>>> {
        self.cell(number).load()
    }

    pub fn insert(&self, numbers: &mut Numbers, value: Arc<T>) -> u32 {
        let number = numbers.free.pop().unwrap_or_else(|| {
            // Number 0 means "none" wherever a slot holds one.
            numbers.next += 1;
            numbers.next
        });
        self.cell(number).store(Some(value));
        number
    }

    pub fn remove(&self, numbers: &mut Numbers, number: u32) {
        if number != 0 {
            self.cell(number).store(None);
            numbers.free.push(number);
        }
    }
}
