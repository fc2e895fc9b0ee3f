//! Blocks as objects of a bucket, `PREFIX/ab/<name>`. A block is one PUT of
//! known length, so it is there whole or not at all; names are never used
//! twice, so nothing rests on conditional writes, which many stores ignore
//! (engines.md §3).

mod credentials;
mod location;

use std::time::Duration;

use bytes::BytesMut;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error as StoreError, ObjectStore, ObjectStoreExt, PutPayload,
    RetryConfig,
};
use sv_ledger::id::Hash;
use sv_ledger::sealed::SEALED_BLOCK_LEN;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    BlockBody, BlockName, BlockStore, BlockStream, Error, Listed, Owner, OwnerMark, Result, Stored,
    owner_by,
};

pub use credentials::S3Credentials;
pub use location::S3Location;

/// Blocks that are held in memory at once on their way to the bucket.
const PUTS_AT_ONCE: usize = 16;
/// How long a block waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one may take to reach the bucket once it is here.
const PUT_TIME: Duration = Duration::from_secs(120);
/// How long the store may be silent.
const SILENCE: Duration = Duration::from_secs(60);
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// Blocks in a bucket.
pub struct S3Blocks {
    bucket: AmazonS3,
    location: S3Location,
    turns: Semaphore,
}

/// Without the keys.
impl std::fmt::Debug for S3Blocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "S3Blocks({})", self.location)
    }
}

impl S3Blocks {
    /// On a bucket, as whom the environment says.
    ///
    /// # Errors
    /// [`Error::Denied`] for credentials that cannot be used.
    pub fn open(location: &S3Location) -> Result<Self> {
        Self::open_as(location, &S3Credentials::find()?)
    }

    /// The same as somebody else.
    ///
    /// # Errors
    /// [`Error`] if the settings contradict each other.
    pub fn open_as(location: &S3Location, credentials: &S3Credentials) -> Result<Self> {
        let region = location.region.clone().or_else(|| {
            let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"];
            variables.iter().find_map(|name| std::env::var(name).ok())
        });
        let is_plain = |endpoint: &url::Url| endpoint.scheme() == "http";
        let client = ClientOptions::new()
            .with_allow_http(location.endpoint.as_ref().is_some_and(is_plain))
            .with_connect_timeout(CONNECT_TIME)
            .with_read_timeout(SILENCE)
            // A slow reader of a block is no failure of the store.
            .with_timeout_disabled();
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(2),
                base: 2.0,
            },
            max_retries: 4,
            retry_timeout: Duration::from_secs(20),
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&location.bucket)
            .with_virtual_hosted_style_request(false)
            .with_disable_bulk_delete(true)
            .with_retry(retry)
            .with_client_options(client);
        if let Some(region) = region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &location.endpoint {
            builder = builder.with_endpoint(endpoint.as_str());
        }
        Ok(Self {
            bucket: credentials.apply(builder).build().map_err(failure)?,
            location: location.clone(),
            turns: Semaphore::new(PUTS_AT_ONCE),
        })
    }

    fn shard(&self, shard: u8) -> Path {
        self.location.prefix.clone().join(format!("{shard:02x}"))
    }

    fn key(&self, name: BlockName) -> Path {
        self.shard(name.shard()).join(name.to_string())
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        match tokio::time::timeout(PATIENCE, self.turns.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Error::Unavailable("too many blocks at once".to_owned())),
        }
    }

    async fn store(&self, name: BlockName, mut bytes: BlockStream<'_>) -> Result<Stored> {
        let _turn = self.turn().await?;
        let mut hasher = blake3::Hasher::new();
        // Not the pieces as they come: they may be of one byte each.
        let mut block = BytesMut::with_capacity(SEALED_BLOCK_LEN);
        while let Some(piece) = bytes.try_next().await? {
            hasher.update(&piece);
            if hasher.count() > SEALED_BLOCK_LEN as u64 {
                return Err(Error::TooLarge);
            }
            block.extend_from_slice(&piece);
        }
        let key = self.key(name);
        let put = self.bucket.put(&key, PutPayload::from(block.freeze()));
        match tokio::time::timeout(PUT_TIME, put).await {
            Ok(Ok(_)) => {}
            Ok(Err(StoreError::NotFound { source, .. })) => {
                let message = format!("there is no such bucket ({})", brief(&source.to_string()));
                return Err(Error::Denied(message));
            }
            Ok(Err(error)) => return Err(failure(error)),
            // It may arrive yet, under a name that nobody will commit.
            Err(_) => return Err(Error::Unavailable("it takes too long".to_owned())),
        }
        Ok(Stored {
            len: hasher.count(),
            hash: Hash::new(*hasher.finalize().as_bytes()),
        })
    }
}

impl BlockStore for S3Blocks {
    fn put<'a>(&'a self, name: BlockName, bytes: BlockStream<'a>) -> BoxFuture<'a, Result<Stored>> {
        self.store(name, bytes).boxed()
    }

    fn read(&self, name: BlockName) -> BoxFuture<'_, Result<BlockBody>> {
        async move {
            let found = self.bucket.get(&self.key(name)).await.map_err(failure)?;
            let len = found.meta.size;
            let bytes = found.into_stream().map_err(failure).fuse().boxed();
            Ok(BlockBody { len, bytes })
        }
        .boxed()
    }

    fn delete(&self, name: BlockName) -> BoxFuture<'_, Result<()>> {
        async move {
            match self.bucket.delete(&self.key(name)).await {
                Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
                Err(error) => Err(failure(error)),
            }
        }
        .boxed()
    }

    fn list(&self, shard: u8) -> BoxFuture<'_, Result<Vec<Listed>>> {
        async move {
            let mut objects = self.bucket.list(Some(&self.shard(shard)));
            let mut listed = Vec::new();
            while let Some(object) = objects.try_next().await.map_err(failure)? {
                let name = object.location.filename().and_then(BlockName::parse);
                // What is not ours is left alone.
                let Some(name) = name.filter(|name| self.key(*name) == object.location) else {
                    continue;
                };
                let stored_ms = object.last_modified.timestamp_millis();
                listed.push(Listed {
                    name,
                    stored_ms: stored_ms.try_into().unwrap_or(0),
                });
            }
            Ok(listed)
        }
        .boxed()
    }

    fn owner(&self, us: OwnerMark) -> BoxFuture<'_, Result<Owner>> {
        async move {
            let key = self.location.prefix.clone().join("owner");
            match self.bucket.get(&key).await {
                Ok(found) => {
                    let mark = found.bytes().await.map_err(failure)?;
                    Ok(owner_by(&mark, &us))
                }
                Err(StoreError::NotFound { .. }) => {
                    let mark = PutPayload::from(us.to_vec());
                    self.bucket.put(&key, mark).await.map_err(failure)?;
                    Ok(Owner::New)
                }
                Err(error) => Err(failure(error)),
            }
        }
        .boxed()
    }

    /// A PUT is whole or nothing.
    fn unfinished(&self, _: u64) -> BoxFuture<'_, Result<Vec<BlockName>>> {
        async { Ok(Vec::new()) }.boxed()
    }
}

fn failure(error: StoreError) -> Error {
    match error {
        StoreError::NotFound { .. } => Error::NotFound,
        StoreError::PermissionDenied { source, .. }
        | StoreError::Unauthenticated { source, .. } => Error::Denied(brief(&source.to_string())),
        error => Error::Unavailable(brief(&error.to_string())),
    }
}

/// An error without the document that the store answered with, which may name
/// keys; of it, only the code.
fn brief(text: &str) -> String {
    let Some((words, document)) = text.split_once('<') else {
        return text.to_owned();
    };
    let code = document
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map_or("", |(code, _)| code);
    format!("{}{code}", words.trim_end_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_code_and_no_key() {
        let text = "Server returned non-2xx status code: 403 Forbidden: <?xml version=\"1.0\"?>\
                    <Error><Code>InvalidAccessKeyId</Code><AWSAccessKeyId>AKIA1</AWSAccessKeyId></Error>";
        let brief = brief(text);
        assert!(
            brief.ends_with("403 Forbidden: InvalidAccessKeyId"),
            "{brief}"
        );
        assert!(!brief.contains("AKIA1"));
        assert_eq!(super::brief("no document"), "no document");
    }
}
