//! All f of degree below K with Q(x, f(x)) = 0, by Roth and Ruckenstein (Efficient decoding of Reed-Solomon codes beyond half the
//! minimum distance, 2000): the constant term of f is a root of Q(0, y) once powers of x are divided out, and the rest of f is
//! such a root of Q(x, x y + that root).

use super::field::Element;
use super::interpolation::{Bivariate, odd_binomial};

/// Coefficients, K each, from the constant one up. Some need not be roots of `q`, as the last steps are not looked at: whoever
/// asks compares. There are at most as many as the degree of `q` in y. `q` must not be zero.
pub(super) fn polynomials(q: &Bivariate, dimension: usize) -> Vec<Vec<Element>> {
    let mut found = Vec::new();
    // What remains to be solved, and the coefficients that led there.
    let mut open = vec![(q.clone(), Vec::new())];
    while let Some((mut q, coefficients)) = open.pop() {
        if coefficients.len() == dimension {
            found.push(coefficients);
            continue;
        }
        divide_by_x(&mut q);
        let at_zero: Vec<Element> =
            q.iter().map(|row| row.first().copied().unwrap_or(Element::ZERO)).collect();
        for root in field_roots(&at_zero) {
            let mut longer = coefficients.clone();
            longer.push(root);
            open.push((substitute(&q, root), longer));
        }
    }
    found
}

/// Divides by the largest power of x that divides all rows.
fn divide_by_x(q: &mut Bivariate) {
    let leading_zeros = |row: &Vec<Element>| row.iter().position(|coefficient| !coefficient.is_zero());
    let power = q.iter().filter_map(leading_zeros).min().expect("the polynomial is not zero");
    for row in q {
        row.drain(..power.min(row.len()));
    }
}

/// Q(x, x y + `root`).
fn substitute(q: &Bivariate, root: Element) -> Bivariate {
    let mut powers = vec![Element::ONE];
    for n in 1..q.len() {
        powers.push(powers[n - 1] * root);
    }
    let mut result: Bivariate = vec![Vec::new(); q.len()];
    for (n, row) in q.iter().enumerate() {
        for k in (0..=n).filter(|k| odd_binomial(n, *k)) {
            let factor = powers[n - k];
            let target = &mut result[k];
            if target.len() < row.len() + k {
                target.resize(row.len() + k, Element::ZERO);
            }
            for (value, coefficient) in target[k..].iter_mut().zip(row) {
                *value += *coefficient * factor;
            }
        }
    }
    result
}

/// All roots in the field of a polynomial that is not zero, by trying every element where it is not linear.
fn field_roots(coefficients: &[Element]) -> Vec<Element> {
    let degree = coefficients.iter().rposition(|coefficient| !coefficient.is_zero());
    match degree.expect("the polynomial is not zero") {
        0 => Vec::new(),
        1 => vec![coefficients[0] / coefficients[1]],
        degree => {
            let value = |y: Element| {
                coefficients[..=degree].iter().rev().fold(Element::ZERO, |value, c| value * y + *c)
            };
            (0..=u16::MAX).map(Element).filter(|y| value(*y).is_zero()).collect()
        }
    }
}
