//! Stories of people at a terminal: the real client against the real server,
//! over a socket, each in a world of its own.

mod account;
mod files;
mod hostile;
mod scripts;
mod versions;
mod world;
