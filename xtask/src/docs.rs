//! Documents: links lead somewhere, vectors are used.

use std::path::Path;

use crate::cargo;
use crate::report::{Done, Outcome};
use crate::walk;

/// Every relative link in every Markdown file leads to a file, and to a
/// heading in it where it names one.
pub(crate) fn links() -> Outcome {
    let root = cargo::root();
    let mut broken = Vec::new();
    let mut count = 0;
    for page in walk::files(&root, ".md") {
        let text = walk::read(&page)?;
        for (line, target) in targets(&text) {
            count += 1;
            if let Err(why) = resolve(&page, &target) {
                let page = page.strip_prefix(&root).unwrap_or(&page).display();
                broken.push(format!("{page}:{line}: {target}: {why}"));
            }
        }
    }
    if broken.is_empty() {
        Ok(Done::noted(format!("{count} links")))
    } else {
        Err(broken.join("\n").into())
    }
}

/// Every file in `docs/spec/vectors` is named in the sources, itself or by a
/// folder it is in: what nothing runs proves nothing.
pub(crate) fn vectors() -> Outcome {
    let root = cargo::root();
    let folder = root.join("docs/spec/vectors");
    let mut sources = String::new();
    for path in walk::files(&root.join("crates"), ".rs") {
        sources.push_str(&walk::read(&path)?);
    }
    let files: Vec<_> = walk::files(&folder, "")
        .into_iter()
        .filter(|path| path.extension().is_none_or(|ending| ending != "md"))
        .collect();
    if files.is_empty() {
        return Err("there are none".into());
    }
    for path in &files {
        let name = path
            .strip_prefix(&folder)
            .map_err(|error| error.to_string())?;
        let mut named = name
            .ancestors()
            .filter(|part| part.components().next().is_some());
        let used = |part: &Path| sources.contains(&format!("vectors/{}", part.display()));
        if !named.any(used) {
            return Err(format!("no test uses docs/spec/vectors/{}", name.display()).into());
        }
    }
    Ok(Done::noted(format!("{} files", files.len())))
}

/// The targets of the links in a page that stay in this repository.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Odd pieces are code.
        let prose = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for (at, _) in prose.match_indices("](") {
            let target = prose[at + 2..].split([')', ' ']).next().unwrap_or_default();
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            if !target.is_empty() && !elsewhere {
                found.push((index + 1, target.to_owned()));
            }
        }
    }
    found
}

fn resolve(page: &Path, target: &str) -> Result<(), String> {
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = match file {
        "" => page.to_path_buf(),
        file if file.starts_with('/') => return Err("is not relative".to_owned()),
        file => page.parent().unwrap_or(Path::new("")).join(file),
    };
    if !path.exists() {
        return Err("does not exist".to_owned());
    }
    if heading.is_empty() || slugs(&walk::read(&path)?).any(|slug| slug == heading) {
        Ok(())
    } else {
        Err("has no such heading".to_owned())
    }
}

/// The names under which a page's headings are linked.
fn slugs(text: &str) -> impl Iterator<Item = String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
            let words = line.trim_start_matches('#').trim().to_lowercase();
            words
                .chars()
                .filter(kept)
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_of_code() {
        let text = "[a](b.md) `[c](d.md)` [e](https://x) [f](#g)\n```\n[h](i.md)\n```\n![j](k.png)";
        let targets: Vec<_> = targets(text)
            .into_iter()
            .map(|(_, target)| target)
            .collect();
        assert_eq!(targets, ["b.md", "#g", "k.png"]);
    }

    #[test]
    fn headings_are_named_as_the_forge_names_them() {
        let slugs: Vec<_> = slugs("# Password login\n## 3. What a *login* is bound to").collect();
        assert_eq!(slugs, ["password-login", "3-what-a-login-is-bound-to"]);
    }
}
