//! Every `SECUREVAULT_*` that is written anywhere is one that a program reads,
//! and every value that is shipped is one that it takes.

use std::collections::{BTreeMap, BTreeSet};

use super::{files, parse, read, root};

/// A setting's flag, and whether it takes a value.
struct Flag {
    long: String,
    takes_value: bool,
}

/// The flags of `serve` by their variables.
fn flags() -> BTreeMap<String, Flag> {
    let mut command = sv_server::cli::command();
    command.build();
    let serve = command.find_subcommand("serve").unwrap();
    serve
        .get_arguments()
        .filter_map(|argument| {
            let variable = argument.get_env()?.to_str()?.to_owned();
            let flag = Flag {
                long: format!("--{}", argument.get_long()?),
                takes_value: argument.get_action().takes_values(),
            };
            Some((variable, flag))
        })
        .collect()
}

/// What is wrong with a variable and the value that a file gives it.
pub(super) fn fault(variable: &str, value: &str) -> Option<String> {
    if !variable.starts_with("SECUREVAULT_") {
        return None;
    }
    let Some(flag) = flags().remove(variable) else {
        let is_read = is_read_by(&["server"], variable);
        return (!is_read).then(|| format!("nothing reads {variable}"));
    };
    if !flag.takes_value {
        let is_switch = ["true", "false"].contains(&value);
        return (!is_switch).then(|| format!("{variable} is true or false, not {value}"));
    }
    let words = ["securevaultd", "serve", &format!("{}={value}", flag.long)];
    let refused = parse(&words.map(str::to_owned)).err()?;
    Some(format!("{variable}: {refused}"))
}

/// Whether a program reads a variable by itself, without a flag.
fn is_read_by(crates: &[&str], variable: &str) -> bool {
    let wanted = format!("\"{variable}\"");
    crates.iter().any(|name| {
        let mut folders = vec![root().join("crates").join(name).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if std::fs::read_to_string(path).is_ok_and(|text| text.contains(&wanted)) {
                    return true;
                }
            }
        }
        false
    })
}

/// The variables that a text names.
fn named(text: &str) -> BTreeSet<&str> {
    let is_of_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.match_indices("SECUREVAULT_")
        .map(|(at, _)| {
            let tail = &text[at..];
            let end = tail.find(|c| !is_of_name(c)).unwrap_or(tail.len());
            &tail[..end]
        })
        // `SECUREVAULT_*` and `SECUREVAULT_TEST_…` name no setting.
        .filter(|name| *name != "SECUREVAULT_" && !name.starts_with("SECUREVAULT_TEST_"))
        .collect()
}

#[test]
fn every_variable_that_is_named_is_read() {
    let flags = flags();
    let (mut count, mut wrong) = (0, Vec::new());
    let pages = [files("docs/guide"), vec!["README.md".to_owned()]].concat();
    let hosting = [files("deploy"), vec!["render.yaml".to_owned()]].concat();
    let all = pages
        .iter()
        .map(|page| (page, ["server", "cli"].as_slice()));
    let hosting = hosting.iter().map(|file| (file, ["server"].as_slice()));
    for (place, programs) in all.chain(hosting) {
        for variable in named(&read(place)) {
            count += 1;
            if !flags.contains_key(variable) && !is_read_by(programs, variable) {
                wrong.push(format!("{place}: nothing reads {variable}"));
            }
        }
    }
    assert!(count > 20, "only {count} were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The hosting guide's table is the whole list.
#[test]
fn the_guide_lists_every_setting() {
    let guide = read("docs/guide/settings.md");
    for (variable, flag) in flags() {
        for name in [&variable, &flag.long] {
            assert!(
                guide.contains(&format!("`{name}")),
                "settings.md lacks {name}"
            );
        }
    }
}
