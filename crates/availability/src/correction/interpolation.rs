//! A polynomial Q(x, y) that passes through every given point m times, by Kötter's algorithm.
//!
//! Q passes m times through (a, b) when its Hasse derivatives D_{r,s} Q(a, b) vanish for all r + s < m. Starting with 1, y, …, y^ℓ,
//! each such equation is met by all polynomials of the basis in turn: the smallest one that does not meet it, P, is subtracted from
//! the others and then multiplied by x − a. (R. Kötter, Fast generalized minimum-distance decoding, 1996; R. McEliece, The
//! Guruswami-Sudan decoding algorithm for Reed-Solomon codes, 2003.)

use super::field::Element;

/// Q(x, y): for each power of y, the coefficients of the powers of x.
pub(super) type Bivariate = Vec<Vec<Element>>;

/// The smallest such Q by (1, `weight`)-weighted degree, of degree at most `degree` in y. Not zero.
pub(super) fn through(
    points: &[(Element, Element)],
    multiplicity: usize,
    weight: usize,
    degree: usize,
) -> Bivariate {
    let mut basis: Vec<Bivariate> = (0..=degree)
        .map(|power| {
            let mut rows = vec![Vec::new(); degree + 1];
            rows[power] = vec![Element::ONE];
            rows
        })
        .collect();
    // Leading monomials keep their power of y, so an order is kept by the weighted degree and then that power.
    let mut degrees: Vec<usize> = (0..=degree).map(|power| power * weight).collect();
    for (a, b) in points {
        // x-derivatives outermost: after multiplying by x - a, D_{r,s} is what D_{r-1,s} was, which has been met.
        for r in 0..multiplicity {
            for s in 0..multiplicity - r {
                let defects: Vec<Element> = basis.iter().map(|q| hasse(q, r, s, *a, *b)).collect();
                let Some(least) =
                    (0..=degree).filter(|j| !defects[*j].is_zero()).min_by_key(|j| (degrees[*j], *j))
                else {
                    continue;
                };
                let pivot = basis[least].clone();
                for (j, q) in basis.iter_mut().enumerate() {
                    if j != least && !defects[j].is_zero() {
                        add_multiple(q, &pivot, defects[j] / defects[least]);
                    }
                }
                times_root(&mut basis[least], *a);
                degrees[least] += 1;
            }
        }
    }
    let least = (0..=degree).min_by_key(|j| (degrees[*j], *j)).expect("the basis has a polynomial");
    basis.swap_remove(least)
}

/// Whether C(n, k) is odd (Lucas).
pub(super) fn odd_binomial(n: usize, k: usize) -> bool {
    n & k == k
}

/// D_{r,s} Q(a, b): the coefficient of x^r y^s in Q(x + a, y + b).
fn hasse(q: &Bivariate, r: usize, s: usize, a: Element, b: Element) -> Element {
    let along = |coefficients: &[Element], k: usize, x: Element| {
        let mut value = Element::ZERO;
        for (n, coefficient) in coefficients.iter().enumerate().skip(k).rev() {
            value = value * x;
            if odd_binomial(n, k) {
                value += *coefficient;
            }
        }
        value
    };
    let rows: Vec<Element> = q
        .iter()
        .enumerate()
        .map(|(n, row)| if n >= s && odd_binomial(n, s) { along(row, r, a) } else { Element::ZERO })
        .collect();
    along(&rows, s, b)
}

fn add_multiple(q: &mut Bivariate, other: &Bivariate, factor: Element) {
    for (row, others) in q.iter_mut().zip(other) {
        if row.len() < others.len() {
            row.resize(others.len(), Element::ZERO);
        }
        for (value, coefficient) in row.iter_mut().zip(others) {
            *value += *coefficient * factor;
        }
    }
}

/// Multiplies by x − `root`.
fn times_root(q: &mut Bivariate, root: Element) {
    for row in q.iter_mut().filter(|row| !row.is_empty()) {
        row.push(Element::ZERO);
        for i in (0..row.len()).rev() {
            let lower = if i > 0 { row[i - 1] } else { Element::ZERO };
            row[i] = lower + row[i] * root;
        }
    }
}
