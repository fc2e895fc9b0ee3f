//! How much of an attack is tried, and where.

/// Whether to try everything: `SV_FULL=1`.
pub(crate) fn is_full() -> bool {
    std::env::var_os("SV_FULL").is_some_and(|value| value == "1")
}

/// How many tries: a sample, or the full size.
pub(crate) fn tries(sample: usize, full: usize) -> usize {
    if is_full() { full } else { sample }
}

/// Choices that are the same in every run (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    pub(crate) fn choose<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..len.div_ceil(8))
            .flat_map(|_| self.roll().to_le_bytes())
            .collect();
        bytes.truncate(len);
        bytes
    }
}

/// Bits of `len` bytes: all of them if there are no more than `count`, else
/// the first, the last and others spread over the rest.
pub(crate) fn bits(len: usize, count: usize, dice: &mut Dice) -> Vec<usize> {
    let all = len * 8;
    if all <= count {
        return (0..all).collect();
    }
    let spread = (0..count).map(|n| {
        let (start, end) = (n * all / count, (n + 1) * all / count);
        start + dice.below(end - start)
    });
    let mut bits: Vec<usize> = [0, all - 1].into_iter().chain(spread).collect();
    bits.sort_unstable();
    bits.dedup();
    bits
}

/// Changes one bit.
pub(crate) fn flip(bytes: &mut [u8], bit: usize) {
    bytes[bit / 8] ^= 1 << (bit % 8);
}
