//! A transfer as it is watched: bars on a terminal, and Ctrl-C at any moment.

use std::time::Duration;

use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use indicatif::{ProgressBar, ProgressStyle};
use sv_client::ClientError;
use sv_client::progress::{Progress, Reporter};

use crate::failure::{Failure, Result};
use crate::output::{Output, set_bar};

const TICK: Duration = Duration::from_millis(120);

/// Runs a transfer. On a terminal its progress is shown; on Ctrl-C it stops
/// with `how_to_resume`.
///
/// # Errors
/// Those of the transfer, or [`Failure::Interrupted`].
pub async fn watch<T>(
    out: &Output,
    how_to_resume: &str,
    transfer: impl AsyncFnOnce(&Reporter) -> Result<T, ClientError>,
) -> Result<T> {
    let (reporter, display) = if out.is_animated() {
        let (sender, receiver) = unbounded();
        (Reporter::to(sender), Some(tokio::spawn(draw(receiver))))
    } else {
        (Reporter::silent(), None)
    };
    let outcome = tokio::select! {
        outcome = transfer(&reporter) => outcome.map_err(Failure::from),
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted(how_to_resume.to_owned())),
    };
    drop(reporter);
    if let Some(display) = display {
        // A display that failed is no reason to fail.
        let _ = display.await;
    }
    outcome
}

async fn draw(mut steps: UnboundedReceiver<Progress>) {
    let bar = ProgressBar::no_length();
    bar.set_style(style());
    bar.enable_steady_tick(TICK);
    set_bar(Some(bar.clone()));
    let (mut files, mut total, mut done) = (0, 0, 0u64);
    while let Some(step) = steps.next().await {
        match step {
            Progress::Planned {
                files: planned,
                bytes,
            } => {
                // One vault after the other.
                (files, total) = (files + planned, total + bytes);
                bar.set_length(total);
                bar.set_message(format!("{}/{files}", done.min(files)));
            }
            Progress::Bytes(bytes) => bar.inc(bytes),
            Progress::Done(_) => {
                done += 1;
                bar.set_message(format!("{}/{files}", done.min(files)));
            }
        }
    }
    set_bar(None);
    bar.finish_and_clear();
}

fn style() -> ProgressStyle {
    let template = "{msg:>9} files {wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
