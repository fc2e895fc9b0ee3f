//! The ways in which an answer is changed.

use std::collections::BTreeMap;

use sv_testkit::{Dice, Exchange, Recording};

use super::fields::{Map, count_up, splice};
use crate::evil::sampling::flip;

/// A way in which an answer, or a stored row, is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// One bit of a field is another.
    Flip,
    /// A field is all zeros, all ones, or one more.
    Set,
    /// The answer ends early, goes on, or is empty.
    Cut,
    /// A field or an item of a list is left out.
    Drop,
    /// Two items of a list change places, or one comes twice.
    Reorder,
    /// A field or item is that of another object of its type.
    Swap,
    /// Another whole answer of the same type: an older one, another vault's.
    Replay,
    /// A refusal.
    Refuse,
    /// A stored row is gone, or a column of it changed, or another's.
    Row,
}

pub(super) const KINDS: [Kind; 9] = [
    Kind::Flip,
    Kind::Set,
    Kind::Cut,
    Kind::Drop,
    Kind::Reorder,
    Kind::Swap,
    Kind::Replay,
    Kind::Refuse,
    Kind::Row,
];

/// Everything of a type that was ever seen, to put in another's place.
#[derive(Default)]
pub(super) struct Pool {
    fields: BTreeMap<&'static str, Vec<Vec<u8>>>,
    parts: BTreeMap<&'static str, Vec<Vec<u8>>>,
    answers: BTreeMap<Vec<String>, Vec<Vec<u8>>>,
}

impl Pool {
    pub(super) fn of(recordings: &[&Recording]) -> Self {
        let mut pool = Self::default();
        let all = recordings.iter();
        for (request, answer) in all.flat_map(|r| r.requests.iter().zip(&r.answers)) {
            let Some((200, body)) = answer else { continue };
            let map = Map::of(request, body).unwrap_or_default();
            for field in map.fields {
                let values = pool.fields.entry(field.name).or_default();
                values.push(body[field.range].to_vec());
            }
            for part in map.parts {
                let values = pool.parts.entry(part.name).or_default();
                values.push(body[part.range].to_vec());
            }
            let answers = pool.answers.entry(kind_of(request)).or_default();
            answers.push(body.clone());
        }
        let lists = pool.fields.values_mut().chain(pool.parts.values_mut());
        for list in lists.chain(pool.answers.values_mut()) {
            list.sort();
            list.dedup();
        }
        pool
    }
}

/// Method and path without the ids in it.
fn kind_of(request: &Exchange) -> Vec<String> {
    let is_name = |part: &&str| part.len() < 20 && part.parse::<u64>().is_err();
    let path = request.path.split('/').filter(is_name).map(str::to_owned);
    std::iter::once(request.method.to_owned())
        .chain(path)
        .collect()
}

/// An answer in another's place: what was changed, the status, the body.
pub(super) struct Lie {
    pub(super) what: String,
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// A changed answer; `None` if it has nothing that could be changed that way.
pub(super) fn changed(
    request: &Exchange,
    honest: &[u8],
    kind: Kind,
    pool: &Pool,
    dice: &mut Dice,
) -> Option<Lie> {
    let (what, body) = match kind {
        Kind::Refuse => return refusal(dice),
        Kind::Row => return None,
        Kind::Cut => cut(honest, dice),
        Kind::Replay => {
            let other = dice.pick(pool.answers.get(&kind_of(request))?)?;
            ("the whole answer".to_owned(), other.clone())
        }
        Kind::Flip | Kind::Set | Kind::Drop | Kind::Reorder | Kind::Swap => {
            match Map::of(request, honest) {
                Some(map) => binary(&map, honest, kind, pool, dice)?,
                None => json(honest, kind, dice)?,
            }
        }
    };
    (body != honest).then_some(Lie {
        what,
        status: 200,
        body,
    })
}

fn refusal(dice: &mut Dice) -> Option<Lie> {
    let codes = [
        ("not_found", 404),
        ("forbidden", 403),
        ("checkpoint_gone", 410),
        ("conflict", 409),
        ("damaged", 500),
        ("internal", 500),
        ("a code that nobody knows", 418),
    ];
    let (code, status) = *dice.pick(&codes)?;
    let body = format!(r#"{{"code":"{code}","message":"no"}}"#).into_bytes();
    Some(Lie {
        what: code.to_owned(),
        status,
        body,
    })
}

fn cut(honest: &[u8], dice: &mut Dice) -> (String, Vec<u8>) {
    let body = match dice.below(4) {
        0 => Vec::new(),
        1 => [honest, &dice.bytes(1)].concat(),
        2 => [honest, honest].concat(),
        _ => honest[..dice.below(honest.len().max(1))].to_vec(),
    };
    (format!("{} bytes for {}", body.len(), honest.len()), body)
}

fn binary(
    map: &Map,
    honest: &[u8],
    kind: Kind,
    pool: &Pool,
    dice: &mut Dice,
) -> Option<(String, Vec<u8>)> {
    let is_part = match kind {
        Kind::Reorder => true,
        Kind::Drop | Kind::Swap => !map.parts.is_empty() && dice.chance(50),
        _ => false,
    };
    if is_part {
        return rearranged(map, honest, kind, pool, dice);
    }
    // Each name as often as any other.
    let mut names: Vec<&str> = map.fields.iter().map(|field| field.name).collect();
    names.sort_unstable();
    names.dedup();
    let name = *dice.pick(&names)?;
    let alike: Vec<_> = map.fields.iter().filter(|f| f.name == name).collect();
    let field = *dice.pick(&alike)?;
    let old = &honest[field.range.clone()];
    let new = match kind {
        Kind::Flip => {
            let mut new = old.to_vec();
            flip(&mut new, dice.below(old.len() * 8));
            new
        }
        Kind::Set => match dice.below(3) {
            0 => vec![0; old.len()],
            1 => vec![0xff; old.len()],
            _ => {
                let mut new = old.to_vec();
                let last = new.last_mut()?;
                *last = last.wrapping_add(1);
                new
            }
        },
        Kind::Drop => Vec::new(),
        _ => dice.pick(pool.fields.get(field.name)?)?.clone(),
    };
    let body = splice(honest, &field.range, &new, field.inside)?;
    Some((field.name.to_owned(), body))
}

/// An item of a list left out, doubled, exchanged.
fn rearranged(
    map: &Map,
    honest: &[u8],
    kind: Kind,
    pool: &Pool,
    dice: &mut Dice,
) -> Option<(String, Vec<u8>)> {
    let part = dice.pick(&map.parts)?;
    let own = &honest[part.range.clone()];
    let what = format!("{}, a whole one", part.name);
    match kind {
        Kind::Drop => {
            let mut body = splice(honest, &part.range, &[], part.inside)?;
            count_up(&mut body, &part.count, -1)?;
            Some((what, body))
        }
        Kind::Reorder if dice.chance(50) => {
            let twice = [own, own].concat();
            let mut body = splice(honest, &part.range, &twice, part.inside)?;
            count_up(&mut body, &part.count, 1)?;
            Some((what, body))
        }
        Kind::Reorder => {
            let is_beside = |p: &&super::fields::Part| p.count == part.count;
            let beside: Vec<_> = map.parts.iter().filter(is_beside).collect();
            let other = dice.pick(&beside)?;
            let (first, last) = match part.range.start < other.range.start {
                true => (&part.range, &other.range),
                false => (&other.range, &part.range),
            };
            let between = honest.get(first.end..last.start)?;
            let turned = [&honest[last.clone()], between, &honest[first.clone()]].concat();
            let body = splice(honest, &(first.start..last.end), &turned, None)?;
            Some((what, body))
        }
        _ => {
            let other = dice.pick(pool.parts.get(part.name)?)?;
            let body = splice(honest, &part.range, other, part.inside)?;
            Some((what, body))
        }
    }
}

/// A JSON document with a field gone, of another value, or another's.
fn json(honest: &[u8], kind: Kind, dice: &mut Dice) -> Option<(String, Vec<u8>)> {
    let whole: serde_json::Value = serde_json::from_slice(honest).ok()?;
    let mut pointers = Vec::new();
    collect(&whole, String::new(), &mut pointers);
    let pointer = dice.pick(&pointers)?.clone();
    let mut changed = whole.clone();
    match kind {
        Kind::Drop => {
            let (parent, name) = pointer.rsplit_once('/')?;
            match changed.pointer_mut(parent)? {
                serde_json::Value::Object(fields) => fields.remove(name)?,
                serde_json::Value::Array(list) => list.remove(name.parse().ok()?),
                _ => return None,
            };
        }
        Kind::Flip => match changed.pointer_mut(&pointer)? {
            serde_json::Value::String(text) => {
                let mut bytes = text.clone().into_bytes();
                let at = dice.below(bytes.len().max(1));
                let byte = bytes.get_mut(at)?;
                *byte = *dice.pick(b"AZaz09-_")?;
                *text = String::from_utf8(bytes).ok()?;
            }
            serde_json::Value::Number(number) => {
                *number = (number.as_u64()? ^ (1 << dice.below(40))).into();
            }
            serde_json::Value::Bool(flag) => *flag = !*flag,
            _ => return None,
        },
        Kind::Set => {
            let others = [
                serde_json::Value::Null,
                "AAAA".into(),
                0.into(),
                u64::MAX.into(),
                serde_json::json!([]),
            ];
            *changed.pointer_mut(&pointer)? = dice.pick(&others)?.clone();
        }
        Kind::Reorder => match changed.pointer_mut(&pointer)? {
            serde_json::Value::Array(list) if !list.is_empty() => {
                let (one, other) = (dice.below(list.len()), dice.below(list.len()));
                match one == other {
                    true => list.push(list[one].clone()),
                    false => list.swap(one, other),
                }
            }
            _ => return None,
        },
        _ => {
            let other = whole.pointer(dice.pick(&pointers)?)?.clone();
            *changed.pointer_mut(&pointer)? = other;
        }
    }
    let body = serde_json::to_vec(&changed).ok()?;
    // Numbers are places in a list.
    let is_name = |part: &&str| part.parse::<usize>().is_err();
    let name: Vec<&str> = pointer.split('/').filter(is_name).collect();
    (changed != whole).then(|| (format!("JSON {}", name.join("/")), body))
}

/// Pointers to everything in a document.
fn collect(value: &serde_json::Value, at: String, into: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, inner) in fields {
                collect(inner, format!("{at}/{name}"), into);
            }
        }
        serde_json::Value::Array(list) => {
            for (place, inner) in list.iter().enumerate() {
                collect(inner, format!("{at}/{place}"), into);
            }
        }
        _ => {}
    }
    if !at.is_empty() {
        into.push(at);
    }
}
