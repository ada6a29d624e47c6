//! The HTTP edge, the command line and the process of Claviger. It knows no SQL and decides nothing about credentials.

pub mod app;
pub mod cli;
pub mod edge;
pub mod host;
pub mod router;
mod routes;
pub mod serve;
