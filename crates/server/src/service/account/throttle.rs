//! How often something may be tried. Each limit is a bucket: `burst` tries at
//! once, then one every `interval_ms`. The buckets are rows of the database,
//! so they survive a restart and all servers share them; their keys are keyed
//! hashes, so they tell nobody who tried.

use sv_api::{ApiError, ErrorCode};
use sv_ledger::limits::{SPARE_KEY_MS, SPARE_KEYS};

use super::Accounts;
use crate::db::Write;
use crate::secrets::Keyed;
use crate::service::{Error, Result};
use crate::store::accounts::throttle as store;

/// A limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    /// Names the bucket, apart from every other limit's.
    pub(crate) purpose: &'static str,
    /// Tries in a row.
    pub(crate) burst: u64,
    /// Milliseconds until one more.
    pub(crate) interval_ms: u64,
}

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;

/// Passwords tried for a handle from one network.
pub(crate) const LOGIN_FROM_NETWORK: Limit = limit("login/network", 10, MINUTE);
/// Passwords tried for a handle by all strangers together.
pub(crate) const LOGIN_BY_STRANGERS: Limit = limit("login/handle", 50, 2 * MINUTE);
/// Passwords tried for a handle on a device that has logged in before.
pub(crate) const LOGIN_FROM_DEVICE: Limit = limit("login/device", 20, MINUTE);
/// Passwords tried from one network, whatever the handle.
pub(crate) const LOGIN_FROM_ANYONE_THERE: Limit = limit("login/any", 300, SECOND);
/// Passwords tried within a session, for a fresh proof. Each session has a
/// bucket of its own, so that one in wrong hands cannot empty the owner's.
pub(crate) const PROOF: Limit = limit("proof", 10, MINUTE);
/// Second factors tried by strangers who know the password.
pub(crate) const CODE_BY_STRANGERS: Limit = limit("code", 10, 10 * MINUTE);
/// Second factors tried on a device that has logged in before.
pub(crate) const CODE_FROM_DEVICE: Limit = limit("code/device", 10, 10 * MINUTE);
/// Recovery keys tried for a handle from one network.
pub(crate) const RECOVERY_FROM_NETWORK: Limit = limit("recovery/network", 10, MINUTE);
/// Sign-ups started from one network: each also tells whether a handle is taken.
pub(crate) const SIGNUP_START: Limit = limit("signup/start", 60, 10 * SECOND);
/// Sign-ups started for one handle, from anywhere: each evaluates the function
/// that the password of whoever gets the handle goes through, like a log-in.
pub(crate) const SIGNUP_START_FOR_HANDLE: Limit = limit("signup/handle", 20, 2 * MINUTE);
/// Sign-ups completed from one network.
pub(crate) const SIGNUP_FINISH: Limit = limit("signup/finish", 60, 30 * SECOND);
/// Handles looked up by one account: enough to share something with a
/// thousand people in one go, not to read the whole directory.
pub(crate) const DIRECTORY_BY_ACCOUNT: Limit = limit("directory/account", 2000, 20 * SECOND);
/// Handles looked up from one network.
pub(crate) const DIRECTORY_FROM_NETWORK: Limit = limit("directory/network", 10_000, 4 * SECOND);

/// Keys that somebody makes in a vault although none is due.
pub(crate) const SPARE_KEY: Limit = limit("key", SPARE_KEYS, SPARE_KEY_MS);

const fn limit(purpose: &'static str, burst: u64, interval_ms: u64) -> Limit {
    Limit {
        purpose,
        burst,
        interval_ms,
    }
}

impl Limit {
    /// Takes tries from a bucket that is empty again at `free_at_ms`, and
    /// gives the bucket's new state.
    ///
    /// # Errors
    /// Milliseconds until there are so many, if there are not.
    pub(crate) fn take(&self, tries: u64, free_at_ms: u64, now_ms: u64) -> Result<u64, u64> {
        let from = free_at_ms.max(now_ms);
        let room = self.interval_ms * self.burst.saturating_sub(tries);
        match (from - now_ms).checked_sub(room) {
            None | Some(0) => Ok(from + self.interval_ms * tries),
            Some(wait_ms) => Err(wait_ms),
        }
    }
}

/// One try, counted in some buckets. Given back when it was no guess.
#[derive(Debug, Default)]
pub(crate) struct Charge {
    buckets: Vec<([u8; 32], u64)>,
}

impl Charge {
    /// For a log-in's row.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let bytes = |(bucket, interval): &([u8; 32], u64)| {
            [bucket.as_slice(), &interval.to_be_bytes()].concat()
        };
        self.buckets.iter().flat_map(bytes).collect()
    }

    /// Reads that form; what is malformed is not given back.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let bucket = |chunk: &[u8]| {
            let (bucket, interval) = chunk.split_first_chunk::<32>()?;
            Some((*bucket, u64::from_be_bytes(interval.try_into().ok()?)))
        };
        Self {
            buckets: bytes.chunks(40).filter_map(bucket).collect(),
        }
    }

    /// Gives the try back.
    pub(crate) async fn give_back(&self, w: &mut Write) -> Result<()> {
        for (bucket, interval_ms) in &self.buckets {
            store::give_back(w, *bucket, *interval_ms).await?;
        }
        Ok(())
    }
}

impl Accounts {
    /// Counts a try in every bucket, or in none: then the caller must wait.
    /// Kept even if what is tried fails.
    pub(super) async fn charge(&self, buckets: &[(Limit, &[&[u8]])]) -> Result<Charge> {
        self.charge_many(1, buckets).await
    }

    /// The same for several tries at once.
    pub(super) async fn charge_many(
        &self,
        tries: u64,
        buckets: &[(Limit, &[&[u8]])],
    ) -> Result<Charge> {
        self.db.retry(|| self.charge_once(tries, buckets)).await
    }

    async fn charge_once(&self, tries: u64, buckets: &[(Limit, &[&[u8]])]) -> Result<Charge> {
        let now_ms = self.clock.now_ms();
        let mut w = self.db.write().await?;
        let mut charge = Charge::default();
        let mut wait_ms = 0;
        for (limit, what) in buckets {
            let fields: Vec<&[u8]> = std::iter::once(limit.purpose.as_bytes())
                .chain(what.iter().copied())
                .collect();
            let bucket = self.kek.keyed_hash(Keyed::RateLimit, &fields);
            let free_at_ms = store::free_at_ms(&mut w, bucket).await?;
            match limit.take(tries, free_at_ms, now_ms) {
                Ok(free_at_ms) => store::put(&mut w, bucket, free_at_ms).await?,
                Err(wait) => wait_ms = wait.max(wait_ms),
            }
            charge.buckets.push((bucket, limit.interval_ms * tries));
        }
        if wait_ms > 0 {
            return Err(Error::Refused(ApiError {
                retry_after_ms: Some(wait_ms),
                ..ApiError::new(ErrorCode::RateLimited)
            }));
        }
        w.commit().await?;
        Ok(charge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_one_per_interval() {
        let limit = limit("test", 3, 1000);
        let mut state = 0;
        for _ in 0..3 {
            state = limit.take(1, state, 10_000).unwrap();
        }
        assert_eq!(limit.take(1, state, 10_000), Err(1000));
        assert_eq!(limit.take(1, state, 10_400), Err(600));
        state = limit.take(1, state, 11_000).unwrap();
        assert_eq!(limit.take(1, state, 11_000), Err(1000));
        let mut other = 0;
        other = limit.take(2, other, 10_000).unwrap();
        assert_eq!(limit.take(2, other, 10_000), Err(1000));
        limit.take(1, other, 10_000).unwrap();
        // After a long rest the whole burst is there again, and not more.
        for _ in 0..3 {
            state = limit.take(1, state, 1_000_000).unwrap();
        }
        assert!(limit.take(1, state, 1_000_000).is_err());
    }

    #[test]
    fn a_million_guesses_of_a_code_take_centuries() {
        let mut state = 0;
        let tries = (0..1_000_000)
            .filter(|_| match CODE_BY_STRANGERS.take(1, state, 1) {
                Ok(next) => {
                    state = next;
                    true
                }
                Err(_) => false,
            })
            .count();
        assert_eq!(tries, 10);
    }
}
