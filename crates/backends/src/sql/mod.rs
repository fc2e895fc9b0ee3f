//! Database servers of the `MySQL` protocol, each a process of its own.

mod engine;
mod fresh;
mod server;

pub use engine::Engine;
pub use fresh::FreshDatabase;
pub use server::Server;
