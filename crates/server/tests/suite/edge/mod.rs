//! The edge of the server: TLS, what browsers are shown, metrics.

mod acme;
mod client;
mod metrics;
mod pages;
mod program;
mod tls;
