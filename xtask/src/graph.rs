//! Who may depend on whom: the invariants of ARCHITECTURE.md.
//!
//! "Reaches" is over normal dependencies with every feature on and for every
//! platform; what only builds or tests a crate does not ship with it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cargo;
use crate::report::{Done, Outcome, Report};

/// One invariant, and what it says when it is broken.
struct Rule {
    says: &'static str,
    from: &'static str,
    never: Never,
}

/// What a package must not reach.
enum Never {
    /// Any of these.
    These(&'static [&'static str]),
    /// Any other package of this workspace, but these.
    OursBut(&'static [&'static str]),
}

const RULES: [Rule; 14] = [
    Rule {
        says: "the server cannot decrypt",
        from: "sv-server",
        never: Never::OursBut(&["sv-api", "sv-ledger", "sv-pake"]),
    },
    Rule {
        says: "ledger stands alone",
        from: "sv-ledger",
        never: Never::OursBut(&[]),
    },
    Rule {
        says: "pake stands alone",
        from: "sv-pake",
        never: Never::OursBut(&[]),
    },
    Rule {
        says: "core stands on ledger",
        from: "sv-core",
        never: Never::OursBut(&["sv-ledger"]),
    },
    Rule {
        says: "api stands on ledger",
        from: "sv-api",
        never: Never::OursBut(&["sv-ledger"]),
    },
    Rule {
        says: "api knows no web framework",
        from: "sv-api",
        never: Never::These(&["axum", "reqwest", "tokio", "hyper", "sqlx"]),
    },
    Rule {
        says: "ledger does no I/O",
        from: "sv-ledger",
        never: Never::These(&["tokio", "reqwest", "sqlx", "getrandom"]),
    },
    Rule {
        says: "core does no I/O",
        from: "sv-core",
        never: Never::These(&["tokio", "reqwest", "sqlx", "axum"]),
    },
    Rule {
        says: "client names no runtime",
        from: "sv-client",
        never: Never::These(&["tokio", "reqwest", "axum", "sqlx"]),
    },
    Rule {
        says: "the command line ships no server and no test actors",
        from: "sv-cli",
        never: Never::These(&["sv-server", "sv-testkit", "sv-vectors", "sv-backends"]),
    },
    Rule {
        says: "the page reaches no client and no key",
        from: "sv-web",
        never: Never::OursBut(&["sv-bridge", "sv-api", "sv-ledger"]),
    },
    Rule {
        says: "the web application's engine is a shell around the client",
        from: "sv-engine",
        never: Never::OursBut(&[
            "sv-bridge",
            "sv-client",
            "sv-core",
            "sv-api",
            "sv-ledger",
            "sv-pake",
            "g2p",
        ]),
    },
    Rule {
        says: "what reads the original's database knows no server and no client",
        from: "sv-original",
        never: Never::OursBut(&["sv-core", "sv-ledger"]),
    },
    Rule {
        says: "the back ends of the tests know no server",
        from: "sv-backends",
        never: Never::OursBut(&[]),
    },
];

/// Ours is rustls on aws-lc-rs; with two providers it would ask for one.
const OTHER_TLS: [&str; 3] = ["ring", "openssl-sys", "native-tls"];

/// Old-generation cryptography, and the one package that may name it.
const OLD_GENERATION: [(&str, &str); 2] = [("opaque-ke", ""), ("sha2", "0.10.")];
const ITS_KEEPER: &str = "sv-pake";

pub(crate) fn check(report: &mut Report) {
    let graph = match cargo::metadata().map(|metadata| Graph::of(&metadata)) {
        Ok(graph) => graph,
        Err(why) => return report.fail("invariants of the crate graph", &why),
    };
    for rule in &RULES {
        report.step(&format!("invariant: {}", rule.says), || graph.holds(rule));
    }
    let kept = || graph.old_generation_is_kept();
    report.step(
        "invariant: old-generation cryptography is pake's alone",
        kept,
    );
    report.step("invariant: one TLS", one_tls);
}

/// Over what is built in earnest: the metadata's graph also has edges of
/// features that nobody switches on.
fn one_tls() -> Outcome {
    let tree = cargo::output(&mut cargo::cargo([
        "tree",
        "--package=sv-server",
        "--package=sv-cli",
        "--edges=normal",
        "--target=all",
        "--prefix=none",
    ]))?;
    let tree = String::from_utf8_lossy(&tree);
    let mut names = tree.lines().filter_map(|line| line.split(' ').next());
    match names.find(|name| OTHER_TLS.contains(name)) {
        Some(name) => Err(format!("{name} ships").into()),
        None => Ok(Done::plain()),
    }
}

/// The resolved graph.
#[derive(Default)]
struct Graph {
    /// (name, version) by cargo's id.
    packages: BTreeMap<String, (String, String)>,
    /// Ids of this workspace.
    ours: BTreeSet<String>,
    /// Normal dependencies.
    normal: BTreeMap<String, Vec<String>>,
    /// Dependencies of every kind.
    any: BTreeMap<String, Vec<String>>,
}

impl Graph {
    fn of(metadata: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let mut graph = Self::default();
        for package in list(&metadata["packages"]) {
            let named = (text(&package["name"]), text(&package["version"]));
            graph.packages.insert(text(&package["id"]), named);
        }
        graph.ours = list(&metadata["workspace_members"])
            .iter()
            .map(text)
            .collect();
        for node in list(&metadata["resolve"]["nodes"]) {
            let id = text(&node["id"]);
            for dependency in list(&node["deps"]) {
                let to = text(&dependency["pkg"]);
                if list(&dependency["dep_kinds"])
                    .iter()
                    .any(|kind| kind["kind"].is_null())
                {
                    graph.normal.entry(id.clone()).or_default().push(to.clone());
                }
                graph.any.entry(id.clone()).or_default().push(to);
            }
        }
        graph
    }

    fn holds(&self, rule: &Rule) -> Outcome {
        let from = self
            .ours
            .iter()
            .find(|id| self.name(id) == rule.from)
            .ok_or_else(|| format!("there is no package {}", rule.from))?;
        let paths = self.paths_from(from);
        for (reached, path) in &paths {
            let name = self.name(reached);
            let broken = match rule.never {
                Never::These(names) => names.contains(&name),
                Never::OursBut(names) => {
                    self.ours.contains(*reached) && *reached != from && !names.contains(&name)
                }
            };
            if broken {
                return Err(format!("{} reaches {name}: {}", rule.from, path.join(" → ")).into());
            }
        }
        Ok(Done::noted(format!(
            "{} reaches {} packages",
            rule.from,
            paths.len() - 1
        )))
    }

    fn old_generation_is_kept(&self) -> Outcome {
        for (id, dependencies) in &self.any {
            if !self.ours.contains(id) || self.name(id) == ITS_KEEPER {
                continue;
            }
            for dependency in dependencies {
                let (name, version) = &self.packages[dependency];
                let old = OLD_GENERATION
                    .iter()
                    .any(|(old, prefix)| name == old && version.starts_with(prefix));
                if old {
                    let who = self.name(id);
                    return Err(format!("{who} depends on {name} {version}").into());
                }
            }
        }
        Ok(Done::plain())
    }

    /// Everything reached over normal dependencies, each with one way there.
    fn paths_from<'a>(&'a self, from: &'a String) -> BTreeMap<&'a String, Vec<&'a str>> {
        let mut paths = BTreeMap::from([(from, vec![self.name(from)])]);
        let mut open = vec![from];
        while let Some(id) = open.pop() {
            for next in self.normal.get(id).into_iter().flatten() {
                if !paths.contains_key(next) {
                    let mut path = paths[id].clone();
                    path.push(self.name(next));
                    paths.insert(next, path);
                    open.push(next);
                }
            }
        }
        paths
    }

    fn name(&self, id: &str) -> &str {
        self.packages.get(id).map_or("", |(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &Rule = &RULES[0];

    /// A server that reaches core through another package, by a dependency of that kind.
    fn graph(kind: &str) -> Graph {
        let metadata = format!(
            r#"{{
            "packages": [
                {{"id": "s", "name": "sv-server", "version": "1.0.0"}},
                {{"id": "x", "name": "innocent", "version": "1.0.0"}},
                {{"id": "c", "name": "sv-core", "version": "1.0.0"}}
            ],
            "workspace_members": ["s", "c"],
            "resolve": {{"nodes": [
                {{"id": "s", "deps": [{{"pkg": "x", "dep_kinds": [{{"kind": {kind}}}]}}]}},
                {{"id": "x", "deps": [{{"pkg": "c", "dep_kinds": [{{"kind": null}}]}}]}},
                {{"id": "c", "deps": []}}
            ]}}
        }}"#
        );
        Graph::of(&serde_json::from_str(&metadata).unwrap())
    }

    #[test]
    fn a_server_that_reaches_core_is_found() {
        assert!(graph("null").holds(SERVER).is_err());
    }

    #[test]
    fn what_only_tests_a_server_may_reach_core() {
        assert!(graph("\"dev\"").holds(SERVER).is_ok());
    }

    #[test]
    fn a_rule_about_a_package_that_is_gone_fails() {
        assert!(Graph::default().holds(SERVER).is_err());
    }
}
