//! How requests of the web application differ from a program's: they carry
//! this header and no token, since the browser keeps the token in a cookie
//! that scripts cannot read (spec: `wire.md` §9).

/// The header. A page of another site cannot send it without being asked.
pub const PAGE_HEADER: &str = "x-securevault";
/// The only value it has.
pub const PAGE_VALUE: &str = "1";
