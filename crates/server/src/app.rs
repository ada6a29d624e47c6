//! What every handler shares. It holds things together and does nothing itself.

use std::sync::Arc;

use claviger_authority::Authority;

use crate::host::config::{ForwardedHeader, Gateway, Http};
use crate::host::metrics::Metrics;
#[cfg(feature = "otlp")]
use crate::host::traces::Traces;

/// The shared state of the edge.
pub struct App {
    pub authority: Arc<Authority>,
    pub metrics: Metrics,
    #[cfg(feature = "otlp")]
    pub traces: Option<Traces>,
    pub http: Http,
    pub gateway: Gateway,
}

impl App {
    pub fn forwarded_header(&self) -> ForwardedHeader {
        self.http.forwarded_header
    }
}
