//! Chains where a development exchange has no business: its attestors' and traders' keys are public.

use anyhow::{Result, bail};

/// Chain ids that development chains use by themselves: geth's and Ganache's, and Anvil's, Hardhat's and ours.
const DEVELOPMENT: [u64; 2] = [1_337, 31_337];

/// Public networks that have a name here. Every other id that is not [`DEVELOPMENT`] counts as public, too.
const PUBLIC: [(u64, &str); 18] = [
    (1, "Ethereum"),
    (10, "OP Mainnet"),
    (56, "BNB Smart Chain"),
    (100, "Gnosis"),
    (130, "Unichain"),
    (137, "Polygon"),
    (324, "ZKsync Era"),
    (480, "World Chain"),
    (5_000, "Mantle"),
    (8_453, "Base"),
    (17_000, "Holesky"),
    (42_161, "Arbitrum One"),
    (43_114, "Avalanche"),
    (59_144, "Linea"),
    (84_532, "Base Sepolia"),
    (534_352, "Scroll"),
    (560_048, "Hoodi"),
    (11_155_111, "Sepolia"),
];

/// Refuses a chain that others use, unless somebody insists.
pub fn check(chain_id: u64, insisted: bool) -> Result<()> {
    if insisted || DEVELOPMENT.contains(&chain_id) {
        return Ok(());
    }
    let name = PUBLIC.iter().find(|(public, _)| *public == chain_id);
    let name = name.map_or("not a development chain".to_string(), |(_, name)| name.to_string());
    bail!(
        "the node is of chain {chain_id} ({name}): everybody has the keys of a development exchange's attestors and traders, and can \
         take what it holds. Use a chain with id 1337 or 31337; or --allow-public-network, and deposit nothing of worth"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_and_unknown_chains_are_refused_and_development_chains_are_not() {
        for chain_id in PUBLIC.map(|(public, _)| public).into_iter().chain([0, 2, 1_338, u64::MAX]) {
            let why = check(chain_id, false).unwrap_err().to_string();
            assert!(why.contains("--allow-public-network") && why.contains(&chain_id.to_string()), "{why}");
            assert!(check(chain_id, true).is_ok());
        }
        for chain_id in DEVELOPMENT {
            assert!(check(chain_id, false).is_ok());
        }
        assert!(check(11_155_111, false).unwrap_err().to_string().contains("Sepolia"));
    }
}
