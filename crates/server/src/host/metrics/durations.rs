//! A histogram of durations made of atomics.
//! It takes no lock, which the histogram of prometheus-client does; a scrape in the middle of an addition may be off by one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

use super::sharded::Counts;

/// Upper bounds in microseconds: fine where the gate answers, coarse where a database does.
const BOUNDS: [u64; 15] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000];

/// One for each bound, and one for what is beyond.
const BUCKETS: usize = BOUNDS.len() + 1;
/// Where the sum stands, behind the buckets: nanoseconds, enough for five hundred years.
const NANOS: usize = BUCKETS;

#[derive(Clone, Debug, Default)]
pub struct Durations(Arc<Counts<{ BUCKETS + 1 }>>);

impl Durations {
    pub fn observe(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| bound * 1_000 < nanos);
        let counts = self.0.mine();
        counts[bucket].fetch_add(1, Ordering::Relaxed);
        counts[NANOS].fetch_add(nanos, Ordering::Relaxed);
    }
}

impl TypedMetric for Durations {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Durations {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = BOUNDS.iter().map(|micros| *micros as f64 / 1e6).chain([f64::INFINITY]);
        let counts = (0..BUCKETS).map(|bucket| self.0.sum(bucket));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        // Summed up from the buckets, so that count and last bucket agree in every scrape.
        let count = buckets.iter().map(|(_, count)| count).sum();
        let seconds = Duration::from_nanos(self.0.sum(NANOS)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(seconds, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        for (micros, bucket) in [(0, 0), (50, 0), (51, 1), (5_000_000, 14), (5_000_001, 15)] {
            let durations = Durations::default();
            durations.observe(Duration::from_micros(micros));
            assert_eq!(durations.0.sum(bucket), 1, "{micros} µs");
        }
    }
}
