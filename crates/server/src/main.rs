//! The `securevaultd` command.

fn main() {}
