//! axe-core, which finds what people with a screen reader, a keyboard or weak
//! eyes would stumble over. A test's tool: no part of it ships.

use serde_json::Value;

use super::page::Page;
use super::text;

const AXE: &str = include_str!("../../vendor/axe-core/axe.min.js");
/// Serious and critical ones, one line each with the first place. One rule of
/// axe is an experiment and takes initials that are hidden from screen readers
/// for visible text. What fades in has too little contrast until it is there.
const RUN: &str = "(async () => {
  const moves = ({ playState, effect }) =>
    playState === 'running' && effect.getComputedTiming().endTime < 2000;
  for (let round = 0; round < 5; round += 1) {
    const moving = document.getAnimations().filter(moves);
    if (moving.length === 0) break;
    await Promise.allSettled(moving.map((one) => one.finished));
  }
  const found = await axe.run(document, {
    resultTypes: ['violations'],
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    rules: { 'label-content-name-mismatch': { enabled: false } },
  });
  return found.violations
    .filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${one.impact} ${one.id}: ${one.help}: ` +
      one.nodes.map((node) => node.html).slice(0, 3).join(' | '));
})()";

impl Page {
    /// What is seriously wrong with what is shown.
    pub async fn barriers(&self) -> Vec<String> {
        self.evaluate(&format!("void (() => {{ {AXE} }})()")).await;
        let found: Value = self.evaluate(RUN).await;
        found.as_array().into_iter().flatten().map(text).collect()
    }

    /// Nothing is.
    pub async fn assert_accessible(&self, what: &str) {
        let barriers = self.barriers().await;
        assert!(barriers.is_empty(), "{what}:\n{}", barriers.join("\n"));
    }
}
