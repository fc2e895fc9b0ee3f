//! Every command of `securevaultd` that a guide shows is one that it takes.

use clap::error::ErrorKind;

use super::{files, parse, read};

/// What is missing in a command that is only mentioned.
const MENTION: [ErrorKind; 3] = [
    ErrorKind::MissingRequiredArgument,
    ErrorKind::MissingSubcommand,
    ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
];

#[test]
fn every_command_in_a_guide_is_taken() {
    let (mut count, mut wrong) = (0, Vec::new());
    let pages = [files("docs/guide"), vec!["README.md".to_owned()]].concat();
    for page in pages {
        let text = read(&page);
        let shown = examples(&text).into_iter().flat_map(|line| commands(&line));
        let shown = shown.map(|words| (words, [].as_slice()));
        let mentioned = spans(&text).into_iter().flat_map(|span| commands(&span));
        let mentioned = mentioned.map(|words| (words, MENTION.as_slice()));
        for (words, excused) in shown.chain(mentioned) {
            count += 1;
            match parse(&words) {
                Err(error) if !excused.contains(&error.kind()) => {
                    wrong.push(format!("{page}: {}\n{error}", words.join(" ")));
                }
                _ => {}
            }
        }
    }
    assert!(count > 20, "only {count} were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// On the pages about the server, and in the examples, a flag by itself is one
/// of its flags.
#[test]
fn every_flag_in_a_guide_exists() {
    let mut command = sv_server::cli::command();
    command.build();
    let known = flags(&command);
    let of_client = [
        "docs/guide/cli.md",
        "docs/guide/accounts.md",
        "docs/guide/fernet.md",
        "docs/guide/moving.md",
        "docs/guide/sharing.md",
    ];
    let is_known = |flag: &str| !flag.starts_with("--") || known.contains(flag);
    let mut wrong = Vec::new();
    for page in files("docs/guide") {
        if of_client.contains(&page.as_str()) {
            continue;
        }
        let spans = spans(&read(&page));
        let spans = spans.into_iter().filter(|span| {
            let flag = span.split([' ', '=']).next().unwrap_or_default();
            !is_known(flag)
        });
        wrong.extend(spans.map(|span| format!("{page}: {span}")));
    }
    for file in ["deploy/nginx.conf", "deploy/Caddyfile"] {
        let text = read(file);
        let words = text.split_whitespace().filter(|word| !is_known(word));
        wrong.extend(words.map(|word| format!("{file}: {word}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn flags(command: &clap::Command) -> std::collections::BTreeSet<String> {
    let own = command.get_arguments().filter_map(|a| a.get_long());
    let mut all: std::collections::BTreeSet<_> = own.map(|long| format!("--{long}")).collect();
    all.extend(command.get_subcommands().flat_map(flags));
    all
}

/// The lines after a `$` in blocks of code, continued lines joined.
fn examples(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut fenced = false;
    let mut rest = text.lines();
    while let Some(line) = rest.next() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if let (true, Some(line)) = (fenced, line.trim_start().strip_prefix("$ ")) {
            let mut whole = line.to_owned();
            while let Some(head) = whole.strip_suffix('\\') {
                whole = format!("{head}{}", rest.next().unwrap_or_default().trim_start());
            }
            lines.push(whole);
        }
    }
    lines
}

/// Code within prose.
fn spans(text: &str) -> Vec<String> {
    let mut fenced = false;
    let prose = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    });
    prose
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        // A column of a table escapes what would end it.
        .map(|span| span.replace("\\|", "|"))
        .collect()
}

/// The commands of `securevaultd` in a line of shell, as words.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    for word in words(line) {
        match word.as_str() {
            "|" | "&&" | ";" | "&" => found.push(Vec::new()),
            _ => found.last_mut().unwrap().push(word),
        }
    }
    let ours = |words: Vec<String>| {
        let is_program = |word: &String| word.rsplit('/').next() == Some("securevaultd");
        let at = words.iter().position(is_program)?;
        // Before it: these, and variables. Anything else is about a file of
        // that name.
        let start = "sudo -u securevault docker compose exec single";
        let is_start = |word: &String| start.split(' ').any(|w| w == word) || word.contains('=');
        let is_command = words[..at].iter().all(is_start);
        let end = |word: &String| word.starts_with(['>', '<', '#']) || word.starts_with("2>");
        let words = words.into_iter().skip(at).take_while(|word| !end(word));
        let words: Vec<_> = words.filter(|word| word != "…").collect();
        is_command.then_some(words)
    };
    found.into_iter().filter_map(ours).collect()
}

/// Splits as a shell does, as far as the guides need it.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, c) if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            (_, c) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn commands_are_found_in_lines_of_shell() {
    let line = "sudo -u securevault securevaultd backup '/a b' && ls | securevaultd check > x";
    let expected = [
        vec!["securevaultd", "backup", "/a b"],
        vec!["securevaultd", "check"],
    ];
    assert_eq!(commands(line), expected);
    assert!(commands("sudo install securevaultd /usr/local/bin/").is_empty());
    let page = "a `--x` b\n```\n$ one \\\n  two\nout\n```\n`c \\| d`\n";
    assert_eq!(examples(page), ["one two"]);
    assert_eq!(spans(page), ["--x", "c | d"]);
}
