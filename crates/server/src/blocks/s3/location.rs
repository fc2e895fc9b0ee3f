//! `s3://BUCKET/PREFIX?endpoint=URL&region=NAME`. Credentials are no part of
//! it: a command line is visible to every user of the machine.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use object_store::path::Path;
use url::{Host, Url};

use crate::blocks::BlocksUrlError;

/// A bucket, and the part of it that is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Location {
    pub(super) bucket: String,
    pub(super) prefix: Path,
    /// None is Amazon's, of the region.
    pub(super) endpoint: Option<Url>,
    pub(super) region: Option<String>,
}

impl FromStr for S3Location {
    type Err = BlocksUrlError;

    fn from_str(text: &str) -> Result<Self, BlocksUrlError> {
        let url = Url::parse(text).map_err(|error| malformed(error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(malformed(
                "keys do not belong into the URL, use AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            ));
        }
        let bucket = match url.host_str() {
            Some(bucket) if bucket.len() >= 3 && url.port().is_none() => bucket.to_owned(),
            _ => return Err(malformed("there is no bucket of that name")),
        };
        let prefix = Path::from_url_path(url.path())
            .map_err(|_| malformed("the prefix has parts that no key may have"))?;
        let (mut endpoint, mut region, mut is_plain_allowed) = (None, None, false);
        for (key, value) in url.query_pairs() {
            match key.as_ref() {
                "endpoint" => {
                    let parsed = Url::parse(&value);
                    endpoint = Some(parsed.map_err(|_| malformed("the endpoint is no URL"))?);
                }
                "region" => region = Some(value.into_owned()),
                "allow_http" => is_plain_allowed = value == "true",
                _ => return Err(malformed(format!("there is no setting {key}"))),
            }
        }
        if let Some(endpoint) = &endpoint {
            check_endpoint(endpoint, is_plain_allowed)?;
        }
        Ok(Self {
            bucket,
            prefix,
            endpoint,
            region,
        })
    }
}

impl fmt::Display for S3Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if !self.prefix.as_ref().is_empty() {
            write!(f, "/{}", self.prefix)?;
        }
        match &self.endpoint {
            Some(endpoint) => write!(f, " at {endpoint}"),
            None => Ok(()),
        }
    }
}

/// Sealed blocks may be seen, but whoever may change a request on its way can
/// take or repeat it: plain HTTP is for this machine.
fn check_endpoint(endpoint: &Url, is_plain_allowed: bool) -> Result<(), BlocksUrlError> {
    if !endpoint.username().is_empty() || endpoint.password().is_some() {
        return Err(malformed("keys do not belong into the endpoint"));
    }
    match endpoint.scheme() {
        "https" => Ok(()),
        "http" if is_plain_allowed || is_loopback(endpoint) => Ok(()),
        "http" => Err(malformed(
            "the endpoint is plain http to another machine; use https, or add allow_http=true \
             where the network is trusted",
        )),
        _ => Err(malformed("the endpoint must be https://")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

fn malformed(why: impl Into<String>) -> BlocksUrlError {
    BlocksUrlError::S3(why.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<S3Location, BlocksUrlError> {
        text.parse()
    }

    #[test]
    fn a_location_is_read_whole() {
        let location = parse("s3://vault/a/b?endpoint=http://127.0.0.1:9000&region=eu-1").unwrap();
        assert_eq!(location.bucket, "vault");
        assert_eq!(location.prefix.as_ref(), "a/b");
        assert_eq!(location.region.as_deref(), Some("eu-1"));
        assert_eq!(
            location.to_string(),
            "s3://vault/a/b at http://127.0.0.1:9000/"
        );
        assert_eq!(parse("s3://vault").unwrap().endpoint, None);
    }

    #[test]
    fn plain_http_stays_on_this_machine_and_keys_out_of_the_url() {
        for host in ["localhost", "127.0.0.1:9000", "[::1]:9000"] {
            assert!(parse(&format!("s3://vault?endpoint=http://{host}")).is_ok());
        }
        let far = "s3://vault?endpoint=http://s3.example.org";
        assert!(parse(far).is_err());
        assert!(parse(&format!("{far}&allow_http=true")).is_ok());
        assert!(parse("s3://vault?endpoint=https://s3.example.org").is_ok());
        let error = parse("s3://key:secret@vault/x").unwrap_err().to_string();
        assert!(
            !error.contains("secret@") && !error.contains("key:"),
            "{error}"
        );
        for text in [
            "s3://",
            "s3://ab",
            "s3://vault?acl=public",
            "s3://vault/a/../b?x",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
