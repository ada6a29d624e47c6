//! Backup, restore, export and doctor, on real databases. PostgreSQL takes part when `CLAVIGER_TEST_POSTGRES` names a server.

mod applications;
mod copies;
mod doctor;
mod foreign_journals;
mod replay;
mod replay_applications;
mod signing_keys;
mod store;
