//! The native run, for `cargo xtask test` to compare the browser's with.

fn main() -> Result<(), String> {
    println!("{}", sv_vectors::run()?);
    Ok(())
}
