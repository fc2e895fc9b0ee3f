//! What is below a path, through everything that is mounted there, and what
//! is said of the rest.

use sv_client::ClientError;
use sv_client::drive::Drive;
use sv_client::sharing::{Closed, Reach, Step, Stretch, Why};
use sv_client::transfer::DownloadPlan;

use crate::context::{Context, point_out_unreadable};
use crate::failure::{Failure, Result};
use crate::human;
use crate::platform::NativePlatform;

/// What is fetched from one vault.
pub type Part<'r, 's> = (&'r Drive<'s, NativePlatform>, DownloadPlan);

/// Everything that was to be gone through.
pub struct Reached<'s> {
    /// One for each vault.
    pub stretches: Vec<Stretch<'s, NativePlatform>>,
    /// What is left out.
    pub closed: Vec<Closed>,
}

impl<'s> Reached<'s> {
    /// Opens all of it. Nodes that cannot be read are pointed out.
    ///
    /// # Errors
    /// Those of the path itself, and those of a call.
    pub async fn all(context: &Context, mut reach: Reach<'s, NativePlatform>) -> Result<Self> {
        let (mut stretches, mut closed) = (Vec::new(), Vec::new());
        while let Some(step) = reach.next().await? {
            match step {
                Step::Closed(one) => closed.push(one),
                Step::Open(stretch) => {
                    point_out_unreadable(context, stretch.drive());
                    stretches.push(*stretch);
                }
            }
        }
        Ok(Self { stretches, closed })
    }
}

/// Says what was left out, one by one. The command fails in the end if that
/// was not because of what it is: a mount that was never accepted is none of
/// the person's.
///
/// # Errors
/// The first integrity violation, else [`Failure::Incomplete`].
pub fn say_left_out(context: &Context, closed: &[Closed]) -> Result {
    let (mut tampered, mut failed) = (None, 0);
    for Closed { path, why } in closed {
        let path = human::printable(path);
        let reason = match why {
            Why::NotAccepted => {
                "something shared that you have not accepted; see `securevault shares`".to_owned()
            }
            Why::Circle => "it leads back to where it comes from".to_owned(),
            Why::Gone => "what was shared here is gone".to_owned(),
            Why::TooMany => "too many shared folders lead to one another".to_owned(),
            Why::Failed(error) => error.to_string(),
        };
        let text = format!("not gone through: {path}: {reason}");
        match why {
            Why::NotAccepted | Why::Circle | Why::Gone => context.out.remark(&text),
            Why::TooMany | Why::Failed(_) => {
                failed += 1;
                context.out.warn(&text);
            }
        }
        if let Why::Failed(error @ ClientError::Tampered(_)) = why {
            tampered.get_or_insert(error.clone());
        }
    }
    match (tampered, failed) {
        (Some(error), _) => Err(error.into()),
        (None, 0) => Ok(()),
        (None, failed) => Err(Failure::Incomplete(format!(
            "{} not gone through; the rest was",
            human::count(failed, "shared folder")
        ))),
    }
}
