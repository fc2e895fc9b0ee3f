//! Random choices that can be made again: every seed is printed, and
//! `SV_SEED` sets it.

/// A source of choices (SplitMix64; nothing secret comes of it).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// A new seed, or the one that `SV_SEED` sets, said aloud.
    pub fn thrown(test: &str) -> Self {
        let given = std::env::var("SV_SEED").ok();
        let seed = given.map_or_else(
            || getrandom::u64().expect("randomness") >> 16,
            |text| text.parse().expect("SV_SEED is a number"),
        );
        println!("{test}: SV_SEED={seed}");
        Self(seed)
    }

    /// Always the same choices.
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Another source, which depends on this one.
    pub const fn split(&mut self) -> Self {
        Self(self.next())
    }

    /// Any number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a bound.
    pub const fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Whether something of that probability happens.
    pub const fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    pub fn pick<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        (!of.is_empty()).then(|| &of[self.below(of.len())])
    }

    /// Bytes that no compression would make shorter.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }

    /// Letters and digits.
    pub fn text(&mut self, len: usize) -> String {
        const OF: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
        (0..len)
            .map(|_| char::from(OF[self.below(OF.len())]))
            .collect()
    }
}
