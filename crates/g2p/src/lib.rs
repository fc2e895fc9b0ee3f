//! Arithmetic in fields of two to the p-th elements, p up to 8, in the place of
//! the crate of this name, by which `rqrr` corrects errors. That one has all
//! products in tables of 64 KiB, which everybody who visits the web application
//! would load; here they are computed (decision 64).

use std::ops::{Add, AddAssign, Div, Mul, MulAssign};

/// A finite field.
pub trait GaloisField:
    Copy
    + PartialEq
    + Add<Output = Self>
    + AddAssign
    + Mul<Output = Self>
    + MulAssign
    + Div<Output = Self>
{
    /// The sum of none.
    const ZERO: Self;
    /// The product of none.
    const ONE: Self;
    /// Its powers are all elements but zero.
    const GENERATOR: Self;

    /// The product of so many of this.
    #[must_use]
    fn pow(self, mut exponent: usize) -> Self {
        let (mut result, mut power) = (Self::ONE, self);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result *= power;
            }
            power *= power;
            exponent >>= 1;
        }
        result
    }
}

/// Makes a field: its name, p, and the polynomial by which products are
/// reduced, of which `x` must be a generator. Dividing by zero gives zero.
#[macro_export]
macro_rules! g2p {
    ($name:ident, $p:literal, modulus: $modulus:literal) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        struct $name(u8);

        impl $crate::GaloisField for $name {
            const ZERO: Self = Self(0);
            const ONE: Self = Self(1);
            const GENERATOR: Self = Self(2);
        }

        impl ::core::ops::Add for $name {
            type Output = Self;

            fn add(self, other: Self) -> Self {
                Self($crate::sum(self.0, other.0))
            }
        }

        impl ::core::ops::AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl ::core::ops::Mul for $name {
            type Output = Self;

            fn mul(self, other: Self) -> Self {
                Self($crate::product(self.0, other.0, $p, $modulus))
            }
        }

        impl ::core::ops::MulAssign for $name {
            fn mul_assign(&mut self, other: Self) {
                *self = *self * other;
            }
        }

        impl ::core::ops::Div for $name {
            type Output = Self;

            fn div(self, other: Self) -> Self {
                self * $crate::GaloisField::pow(other, (1 << $p) - 2)
            }
        }
    };
}

/// The sum of two polynomials over the field of two elements.
pub const fn sum(a: u8, b: u8) -> u8 {
    a ^ b
}

/// The product of two polynomials of less than `p` bits, reduced.
pub const fn product(a: u8, b: u8, p: u32, modulus: u16) -> u8 {
    let (mut shifted, mut sum, mut bit) = (a as u16, 0, 0);
    while bit < p {
        if b >> bit & 1 == 1 {
            sum ^= shifted;
        }
        shifted <<= 1;
        if shifted >> p & 1 == 1 {
            shifted ^= modulus;
        }
        bit += 1;
    }
    sum as u8
}

#[cfg(test)]
mod tests {
    use super::GaloisField;

    g2p!(GF16, 4, modulus: 0b1_0011);
    g2p!(GF256, 8, modulus: 0b1_0001_1101);

    /// The powers of the generator, by the definition: shift, and reduce.
    fn powers(p: u32, modulus: u16) -> Vec<u8> {
        let next = |last: &u16| {
            let shifted = last << 1;
            Some(if shifted >> p == 1 {
                shifted ^ modulus
            } else {
                shifted
            })
        };
        let all = std::iter::successors(Some(1_u16), next);
        all.take((1 << p) - 1).map(|power| power as u8).collect()
    }

    /// Every product and quotient, against logarithms.
    fn assert_field<F: GaloisField>(powers: &[u8], of: fn(u8) -> F) {
        let count = powers.len();
        let mut seen = powers.to_vec();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count, "not a generator");
        assert!(!seen.contains(&0));
        for (i, a) in powers.iter().enumerate() {
            assert!(F::GENERATOR.pow(i) == of(*a));
            assert!(of(*a) * F::ZERO == F::ZERO && F::ZERO / of(*a) == F::ZERO);
            for (j, b) in powers.iter().enumerate() {
                assert!(of(*a) * of(*b) == of(powers[(i + j) % count]));
                assert!(of(*a) / of(*b) == of(powers[(i + count - j) % count]));
                assert!(of(*a) + of(*b) == of(a ^ b));
            }
        }
    }

    #[test]
    fn products_are_those_of_the_field() {
        assert_field(&powers(4, 0b1_0011), GF16);
        assert_field(&powers(8, 0b1_0001_1101), GF256);
        assert_eq!(GF256(0x80) * GF256(2), GF256(0x1d));
    }
}
