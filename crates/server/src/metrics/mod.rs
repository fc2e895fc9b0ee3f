//! What the server counts about itself, for Prometheus. Labels come from
//! fixed sets: route templates, methods, status codes, outcomes. Nothing says
//! who did something or with what.

mod label;
mod serve;
mod waits;

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::service;
use label::{Built, Direction, Outcome, Request, Routed, method_label};

pub use serve::render;
pub(crate) use serve::serve;
pub(crate) use waits::{Access, Waits};

/// Before every name.
const PREFIX: &str = "securevault";

/// The counts of one server. Clones are the same counts.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Family<Routed, Histogram, fn() -> Histogram>,
    block_bytes: Family<Direction, Counter>,
    appends: Family<Outcome, Counter>,
    jobs: Family<Outcome, Counter>,
    connections: Gauge,
    listeners: Gauge,
}

/// Something open that is counted as long as it lives.
#[derive(Debug)]
pub(crate) struct Held(Gauge);

/// Which way bytes go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// To the server.
    In,
    /// From it.
    Out,
}

impl Metrics {
    /// Starts at zero; `waits` belong to the database.
    pub(crate) fn new(waits: &Waits) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let requests = Family::default();
        let seconds: Family<Routed, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(request_seconds);
        let (block_bytes, appends, jobs) =
            (Family::default(), Family::default(), Family::default());
        let (connections, listeners) = (Gauge::default(), Gauge::default());
        let built = Family::<Built, Gauge>::default();
        built.get_or_create(&Built::this()).set(1);

        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register(
            "http_request_seconds",
            "Time until an answer begins",
            seconds.clone(),
        );
        registry.register(
            "block_bytes",
            "Bytes of sealed blocks that came in and went out",
            block_bytes.clone(),
        );
        registry.register("appends", "Entries offered to logs", appends.clone());
        registry.register("job_runs", "Runs of the background jobs", jobs.clone());
        registry.register("connections", "Open connections", connections.clone());
        registry.register(
            "event_listeners",
            "Clients that listen for changes",
            listeners.clone(),
        );
        registry.register(
            "database_wait_seconds",
            "Time until a transaction could begin",
            waits.family(),
        );
        registry.register("build_info", "The program that runs", built);
        Self(Arc::new(Counts {
            registry,
            requests,
            seconds,
            block_bytes,
            appends,
            jobs,
            connections,
            listeners,
        }))
    }

    /// A request that was answered. `route` is its template.
    pub(crate) fn request(&self, route: &str, method: &Method, status: u16, took: Duration) {
        let routed = Routed {
            route: route.to_owned(),
            method: method_label(method),
        };
        let seconds = self.0.seconds.get_or_create_owned(&routed);
        seconds.observe(took.as_secs_f64());
        let request = Request::new(routed, status);
        self.0.requests.get_or_create_owned(&request).inc();
    }

    /// A counter of the bytes of blocks that go this way.
    pub(crate) fn block_bytes(&self, way: Way) -> impl Fn(u64) + Send + Sync + use<> {
        let counter = self.0.block_bytes.get_or_create_owned(&way.into());
        move |bytes| {
            counter.inc_by(bytes);
        }
    }

    /// An entry that was offered, and what became of it.
    pub(crate) fn append<T>(&self, outcome: &Result<T, service::Error>) {
        let outcome = Outcome::of_append(outcome);
        self.0.appends.get_or_create_owned(&outcome).inc();
    }

    /// A run of the background jobs.
    pub(crate) fn job<T, E>(&self, outcome: &Result<T, E>) {
        let outcome = Outcome::of_job(outcome.is_ok());
        self.0.jobs.get_or_create_owned(&outcome).inc();
    }

    /// A connection, as long as the value lives.
    pub(crate) fn connection(&self) -> Held {
        Held::count(&self.0.connections)
    }

    /// A listener for events, as long as the value lives.
    pub(crate) fn listener(&self) -> Held {
        Held::count(&self.0.listeners)
    }

    fn registry(&self) -> &Registry {
        &self.0.registry
    }
}

impl Held {
    fn count(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// From a lookup to a block over a slow line.
fn request_seconds() -> Histogram {
    Histogram::new([
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0,
    ])
}
