//! What is generated from the command line itself.

use std::process::{Command, Stdio};

use crate::world::{Home, finish};

/// Home and server play no part.
fn run(args: &[&str]) -> crate::world::Done {
    let dir = tempfile::tempdir().unwrap();
    finish(Home::at(dir.path()).command(args))
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]).ok().text();
        for command in ["put", "recovery", "completions", "on-conflict"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    run(&["completions", "sesh"]).exits(2).says("bash");
}

/// Bash itself reads the script and completes with it.
#[test]
fn bash_completes_a_command() {
    let script = run(&["completions", "bash"]).ok().text();
    let ask = "COMP_WORDS=(securevault reco) COMP_CWORD=1\n\
               _securevault securevault reco securevault\necho \"${COMPREPLY[@]}\"";
    let bash = Command::new("bash")
        .args(["--norc", "-c", &format!("{script}\n{ask}")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&bash.stdout).into_owned();
    let errors = String::from_utf8_lossy(&bash.stderr);
    assert_eq!(said.trim(), "recovery", "{errors}");
}

#[test]
fn every_command_has_a_manual_page() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("share/man1");
    run(&["man", pages.to_str().unwrap()]).ok();
    let read = |name: &str| std::fs::read_to_string(pages.join(name)).unwrap();
    let of_program = read("securevault.1");
    assert!(of_program.starts_with(".ie \\n(.g"), "not roff");
    for page in [
        "securevault-put.1",
        "securevault-trash-restore.1",
        "securevault-man.1",
    ] {
        let stem = page.trim_end_matches(".1");
        assert!(read(page).contains(".TH"), "{stem}");
    }
    assert!(read("securevault-put.1").contains("on\\-conflict"));
    // A page of its own for `help` would only say what this one says.
    let names = std::fs::read_dir(&pages).unwrap();
    let is_help = |name: &str| name.contains("help");
    assert!(
        !names
            .flatten()
            .any(|page| is_help(&page.file_name().to_string_lossy()))
    );
    let taken = dir.path().join("file");
    std::fs::write(&taken, "").unwrap();
    run(&["man", taken.to_str().unwrap()]).exits(1).says("file");
}
