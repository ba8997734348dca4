//! The first block: who has coins, and the system contracts that every block calls.

use std::collections::BTreeMap;

use alloy::eips::{eip2935, eip4788, eip7002, eip7251};
use alloy_primitives::{Address, Bytes, U256};
use ethrex_common::types::{ChainConfig, Genesis, GenesisAccount};

/// A chain under the rules of Osaka from its first block. The same for the same arguments.
pub(super) fn genesis(chain_id: u64, balances: &[(Address, U256)], gas_limit: u64) -> Genesis {
    let mut alloc: BTreeMap<_, _> = balances
        .iter()
        .map(|(owner, balance)| (address(*owner), account(Bytes::new(), *balance, 0)))
        .collect();
    // Without these no block can be built (EIP-4788, 2935, 7002, 7251).
    let system = [
        (eip4788::BEACON_ROOTS_ADDRESS, &eip4788::BEACON_ROOTS_CODE),
        (eip2935::HISTORY_STORAGE_ADDRESS, &eip2935::HISTORY_STORAGE_CODE),
        (eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, &eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_CODE),
        (eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, &eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_CODE),
    ];
    for (place, code) in system {
        alloc.insert(address(place), account(code.clone(), U256::ZERO, 1));
    }
    Genesis {
        config: ChainConfig {
            chain_id,
            homestead_block: Some(0),
            eip150_block: Some(0),
            eip155_block: Some(0),
            eip158_block: Some(0),
            byzantium_block: Some(0),
            constantinople_block: Some(0),
            petersburg_block: Some(0),
            istanbul_block: Some(0),
            berlin_block: Some(0),
            london_block: Some(0),
            merge_netsplit_block: Some(0),
            shanghai_time: Some(0),
            cancun_time: Some(0),
            prague_time: Some(0),
            osaka_time: Some(0),
            terminal_total_difficulty: Some(0),
            terminal_total_difficulty_passed: true,
            ..ChainConfig::default()
        },
        alloc,
        gas_limit,
        ..Genesis::default()
    }
}

pub(super) fn address(address: Address) -> ethrex_common::Address {
    ethrex_common::Address::from(address.into_array())
}

fn account(code: Bytes, balance: U256, nonce: u64) -> GenesisAccount {
    GenesisAccount {
        code: code.0,
        storage: BTreeMap::new(),
        balance: ethrex_common::U256::from_big_endian(&balance.to_be_bytes::<32>()),
        nonce,
    }
}
