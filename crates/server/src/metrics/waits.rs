//! How long units of work wait for a connection, or for their turn to write.

use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

type Histograms = Family<Accessed, Histogram, fn() -> Histogram>;

/// The waits at one database.
#[derive(Debug, Clone)]
pub(crate) struct Waits(Histograms);

/// What a unit of work is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Access {
    Read,
    Write,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Accessed {
    access: &'static str,
}

impl Default for Waits {
    fn default() -> Self {
        Self(Family::new_with_constructor(wait_seconds))
    }
}

impl Waits {
    /// Measures how long it takes to begin.
    pub(crate) async fn measure<T>(&self, access: Access, begin: impl Future<Output = T>) -> T {
        let access = match access {
            Access::Read => "read",
            Access::Write => "write",
        };
        let started = Instant::now();
        let begun = begin.await;
        let waits = self.0.get_or_create_owned(&Accessed { access });
        waits.observe(started.elapsed().as_secs_f64());
        begun
    }

    pub(super) fn family(&self) -> Histograms {
        self.0.clone()
    }
}

fn wait_seconds() -> Histogram {
    Histogram::new([
        0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0,
    ])
}
