//! How many guesses a password stands, roughly: what somebody who knows how
//! people choose them would have to try. Common passwords, words of the person,
//! runs of keys, repetitions and years count for what they are.
//!
//! `common.txt`: most frequent first, from zxcvbn's list of passwords (MIT,
//! Copyright Dropbox and contributors), with some of ours.

/// Most frequent passwords, one a line.
const COMMON: &str = include_str!("strength/common.txt");
/// Rows of keys and of the alphabet, along which fingers and thoughts run.
const RUNS: [&str; 8] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "1qaz2wsx3edc4rfv",
    "azertyuiop",
];
/// Characters of a password that are looked at; what comes after only helps.
const LOOKED_AT: usize = 64;
/// Shortest thing that is recognised.
const SHORTEST: usize = 3;
/// Decimal digits of guesses that a character which follows no rule is worth.
const PER_CHARACTER: f64 = 1.0;

/// How strong a password is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// Guessed at once.
    VeryWeak,
    /// Guessed in an afternoon.
    Weak,
    /// Stands somebody who may ask the server only. The least that is taken.
    Fair,
    /// Stands most who have stolen the database.
    Good,
    /// Stands whoever has stolen the database.
    Strong,
}

/// Judges a password; `own` are words that whoever guesses knows, such as the
/// user name.
pub(crate) fn judge(password: &str, own: &[&str]) -> Strength {
    match digits(password, own) {
        d if d < 4.0 => Strength::VeryWeak,
        d if d < 7.0 => Strength::Weak,
        d if d < 9.0 => Strength::Fair,
        d if d < 11.5 => Strength::Good,
        _ => Strength::Strong,
    }
}

/// Whether it is one of the passwords that are tried first.
pub(crate) fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    COMMON.lines().any(|line| line == lower)
}

/// The decimal logarithm of the guesses: the cheapest way to put the password
/// together from things that can be guessed.
fn digits(password: &str, own: &[&str]) -> f64 {
    let plain: Vec<char> = password.to_lowercase().chars().take(LOOKED_AT).collect();
    let plain_shape: Vec<char> = password.chars().take(plain.len()).collect();
    let read: Vec<char> = plain.iter().map(|c| unmask(*c)).collect();
    let mut best = vec![0.0_f64; plain.len() + 1];
    for end in 1..=plain.len() {
        let mut cheapest = best[end - 1] + PER_CHARACTER;
        for from in 0..=end.saturating_sub(SHORTEST) {
            let cost = [&plain[from..end], &read[from..end]]
                .iter()
                .filter_map(|part| cost(part, own))
                .reduce(f64::min);
            if let Some(cost) = cost {
                let shape = shape(&plain_shape[from..end], &plain[from..end]);
                // Each further part multiplies the ways to put them together.
                let joint = if from > 0 { 0.5 } else { 0.0 };
                cheapest = cheapest.min(best[from] + cost + shape + joint);
            }
        }
        best[end] = cheapest;
    }
    best[plain.len()]
}

/// Letters that digits and signs stand for.
const fn unmask(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

/// What capitals and masks are worth.
fn shape(written: &[char], lower: &[char]) -> f64 {
    let capitals = written.iter().zip(lower).filter(|(a, b)| a != b).count();
    match capitals {
        0 => 0.0,
        1 => 0.3,
        _ => 0.9,
    }
}

/// Guesses for something recognised, as a decimal logarithm.
fn cost(part: &[char], own: &[&str]) -> Option<f64> {
    let text: String = part.iter().collect();
    let is_own = own
        .iter()
        .any(|word| word.chars().count() >= SHORTEST && word.to_lowercase() == text);
    if is_own {
        return Some(0.5);
    }
    if part.iter().all(|c| *c == part[0]) {
        return Some(1.0 + (part.len() as f64).log10());
    }
    if is_run(&text) {
        return Some(1.3 + (part.len() as f64).log10());
    }
    if part.len() == 4
        && text
            .parse::<u16>()
            .is_ok_and(|year| (1900..2100).contains(&year))
    {
        return Some(2.0);
    }
    let half = part.len() / 2;
    if part.len() >= 4 && part.len().is_multiple_of(2) && part[..half] == part[half..] {
        return Some(cost(&part[..half], own).unwrap_or(half as f64 * PER_CHARACTER) + 0.4);
    }
    rank(&text).map(|rank| (rank as f64 + 1.0).log10())
}

fn is_run(text: &str) -> bool {
    let backwards: String = text.chars().rev().collect();
    RUNS.iter()
        .any(|run| run.contains(text) || run.contains(&backwards))
}

/// The place in the list of common passwords, from 1.
fn rank(text: &str) -> Option<usize> {
    let found = COMMON.lines().position(|line| line == text)?;
    Some(found + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_choose_is_weak() {
        for password in [
            "",
            "a",
            "password",
            "Password1",
            "P@ssw0rd",
            "qwertyuiop",
            "12345678901",
            "aaaaaaaaaa",
            "asdfghjkl",
            "dragon1987",
            "alice2024",
            "abcabcabc",
        ] {
            assert!(judge(password, &["alice"]) < Strength::Fair, "{password}");
        }
    }

    #[test]
    fn what_nobody_guesses_is_strong() {
        for password in [
            "correct horse battery staple",
            "x7#Kq9!vLm2Pz",
            "tR4x-wq8Z-mn2L",
            "यह मेरा लंबा वाक्य है",
        ] {
            assert_eq!(judge(password, &["alice"]), Strength::Strong, "{password}");
        }
        assert!(judge("vu8qkz3m", &[]) >= Strength::Fair);
    }

    #[test]
    fn a_name_that_is_known_helps_nobody() {
        assert!(judge("bartholomew99", &["bartholomew99"]) < judge("bartholomew99", &[]));
    }

    #[test]
    fn common_ones_are_found_in_any_case() {
        assert!(is_common("LetMeIn"));
        assert!(!is_common("tR4x-wq8Z-mn2L"));
    }
}
