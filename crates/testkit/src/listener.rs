//! Somebody who listens for changes at one server.

use sv_api::endpoint::EVENTS_PATH;
use sv_api::vault::VaultHead;

/// A stream of events.
pub struct Listener {
    response: reqwest::Response,
    /// What came and was not read yet.
    text: String,
}

impl Listener {
    /// Listens at a server, by a session's token.
    pub async fn open(url: &str, token: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().build();
        let request = client.expect("an HTTP client");
        let request = request
            .get(format!("{url}{EVENTS_PATH}"))
            .bearer_auth(token);
        let response = request.send().await.expect("the server answers");
        assert_eq!(response.status().as_u16(), 200);
        Self {
            response,
            text: String::new(),
        }
    }

    /// The next head; `None` when the server has ended the stream.
    pub async fn next(&mut self) -> Option<VaultHead> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                let head = data.map(|json| serde_json::from_str(json).expect("a head"));
                self.text = rest.to_owned();
                match head {
                    Some(head) => return Some(head),
                    // A comment, to show that the connection lives.
                    None => continue,
                }
            }
            let piece = self.response.chunk().await.ok().flatten()?;
            self.text
                .push_str(std::str::from_utf8(&piece).expect("text"));
        }
    }
}
