//! Where an attack is tried.

use sv_testkit::Dice;

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
