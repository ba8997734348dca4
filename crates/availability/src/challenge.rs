//! The challenges: two points of GF(2^128), drawn from everything that was committed to before.

use crate::{Parameters, field::Element, header::challenged_part};

/// Two independent points at which shards are evaluated.
pub(crate) type Challenges = [Element; 2];

/// The challenges to a code, a payload's length and a root.
///
/// They come after the root, so that whoever chose the shards did not know them.
pub(crate) fn challenges(parameters: Parameters, payload_length: u64, root: &[u8; 32]) -> Challenges {
    let mut bytes = [[0; 16]; 2];
    blake3::Hasher::new_derive_key("glassbook availability v1 challenges")
        .update(&challenged_part(parameters, payload_length, root))
        .finalize_xof()
        .fill(bytes.as_flattened_mut());
    bytes.map(Element::from_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that was said before the challenge must be heard: a change anywhere gives other challenges, both of them.
    #[test]
    fn a_change_of_anything_before_them_changes_both_challenges() {
        let (code, root) = (Parameters::DEFAULT, [7; 32]);
        let drawn = challenges(code, 1000, &root);
        assert_ne!(drawn[0], drawn[1]);
        let parameters = |data, parity| Parameters::new(data, parity).unwrap();
        let mut others = vec![
            challenges(parameters(255, 128), 1000, &root),
            challenges(parameters(256, 127), 1000, &root),
            challenges(parameters(128, 256), 1000, &root),
        ];
        others.extend((0..64).map(|bit| challenges(code, 1000 ^ 1 << bit, &root)));
        others.extend((0..256).map(|bit| {
            let mut root = root;
            root[bit / 8] ^= 1 << (bit % 8);
            challenges(code, 1000, &root)
        }));
        for other in others {
            assert!(other[0] != drawn[0] && other[1] != drawn[1]);
        }
    }
}
