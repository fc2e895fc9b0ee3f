//! What the bucket holds: the files of `s3s-fs`, read in one piece and listed
//! from where a prefix begins. By itself it reads files in pieces of 4 KiB,
//! each on another thread, and walks the whole bucket for every list.

use std::io;
use std::path::{Path, PathBuf};

use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, GetObjectInput, GetObjectOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object, PutObjectInput, PutObjectOutput,
};
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;

/// Objects in one page of a list, unless fewer are asked for.
const PAGE: i32 = 1000;

/// Objects in the files of a folder, each bucket a folder in it.
pub(super) struct Objects {
    folder: PathBuf,
    files: FileSystem,
}

impl Objects {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let files =
            FileSystem::new(folder).map_err(|error| io::Error::other(format!("{error:?}")))?;
        Ok(Self {
            folder: folder.to_owned(),
            files,
        })
    }
}

#[async_trait::async_trait]
impl S3 for Objects {
    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        self.files.put_object(request).await
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.files.delete_object(request).await
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        if request.input.range.is_some() {
            return Err(s3_error!(NotImplemented, "ranges"));
        }
        let path = self
            .folder
            .join(&request.input.bucket)
            .join(&request.input.key);
        let bytes = tokio::fs::read(path)
            .await
            .map_err(|error| s3_error!(error, NoSuchKey))?;
        Ok(S3Response::new(GetObjectOutput {
            content_length: i64::try_from(bytes.len()).ok(),
            body: Some(Body::from(bytes).into()),
            ..Default::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let asked = request.input;
        let bucket = self.folder.join(&asked.bucket);
        if !bucket.is_dir() {
            return Err(s3_error!(NoSuchBucket));
        }
        let prefix = asked.prefix.clone().unwrap_or_default();
        let after = asked.continuation_token.clone().unwrap_or_default();
        let at_most = usize::try_from(asked.max_keys.unwrap_or(PAGE).min(PAGE)).unwrap_or(0);
        let found = tokio::task::spawn_blocking(move || objects(&bucket, &prefix)).await;
        let found = found.map_err(|error| s3_error!(error, InternalError))?;
        let mut found = found.map_err(|error| s3_error!(error, InternalError))?;
        found.retain(|object| object.key.as_ref() > Some(&after));
        found.sort_by(|a, b| a.key.cmp(&b.key));
        let is_truncated = found.len() > at_most;
        found.truncate(at_most);
        Ok(S3Response::new(ListObjectsV2Output {
            key_count: i32::try_from(found.len()).ok(),
            is_truncated: Some(is_truncated),
            next_continuation_token: found
                .last()
                .filter(|_| is_truncated)
                .and_then(|last| last.key.clone()),
            contents: Some(found),
            name: Some(asked.bucket),
            prefix: asked.prefix,
            ..Default::default()
        }))
    }
}

/// All objects of a bucket whose keys begin so.
fn objects(bucket: &Path, prefix: &str) -> io::Result<Vec<Object>> {
    let (within, _) = prefix.rsplit_once('/').unwrap_or_default();
    let mut folders = vec![bucket.join(within)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            let key = path.strip_prefix(bucket).ok().and_then(Path::to_str);
            let about = match entry.metadata() {
                Ok(about) if about.is_dir() => {
                    folders.push(path);
                    continue;
                }
                Ok(about) => about,
                // Deleted, or renamed into its place, since the folder was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if let Some(key) = key.filter(|key| key.starts_with(prefix)) {
                found.push(Object {
                    key: Some(key.to_owned()),
                    size: i64::try_from(about.len()).ok(),
                    last_modified: Some(about.modified()?.into()),
                    ..Default::default()
                });
            }
        }
    }
    Ok(found)
}
