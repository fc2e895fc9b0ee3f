//! `securevaultd healthcheck`: for containers and supervisors.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Failure;

const PATIENCE: Duration = Duration::from_secs(5);
const REQUEST: &[u8] =
    b"GET /healthz/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

pub(super) async fn run(listen: &str) -> Result<(), Failure> {
    let port = listen.rsplit_once(':').map_or("8080", |(_, port)| port);
    match tokio::time::timeout(PATIENCE, ask(port)).await {
        Ok(Ok(true)) => {
            println!("ready");
            Ok(())
        }
        Ok(Ok(false)) => Err(Failure::failed("the server is not ready")),
        Ok(Err(error)) => Err(Failure::unreachable(error)),
        Err(_) => Err(Failure::unreachable("the server does not answer")),
    }
}

async fn ask(port: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(format!("localhost:{port}")).await?;
    stream.write_all(REQUEST).await?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await?;
    Ok(status.ends_with(b" 200"))
}
