//! Vectors that never change: every hash and encoding that somebody else computes too.
//!
//! All but the last test's were calculated by `golden.py` beside this file, which shares no code with Glassbook: it
//! uses Python's hashlib, and eth-abi, eth-account and eth-utils for the ABI, EIP-712 and Keccak.

use rules::Capacity;
use state::{FullTree, Sha256Hash, TreeHash};
use transition::{
    Authorisation, BatchInput, Claim, Crypto, EventsLog, Native, Withdrawal, WithdrawalTree, commands_root,
    genesis, l1_hash, owner_digest, stream_digest, stream_start,
};
use types::{
    AccountId, Address, AssetId, Command, Event, MarketId, OrderId, OrderRef, Outcome, Quanta, Reject,
    SessionKey, Side, Timestamp,
};

use crate::support::*;

#[track_caller]
fn check(found: impl AsRef<[u8]>, expected: &str) {
    assert_eq!(hex::encode(found), expected);
}

fn cancel() -> Command {
    Command::Cancel { market: MarketId(1), order: OrderRef::Id(OrderId(5)) }
}

#[test]
fn the_claim_is_what_abi_encode_makes() {
    let claim = Claim {
        chain_id: CHAIN,
        exchange: EXCHANGE,
        batch: 7,
        first_sequence: 101,
        last_sequence: u64::MAX,
        previous_root: [1; 32],
        state_root: [2; 32],
        commands_root: [3; 32],
        events_root: [4; 32],
        l1_position: 9,
        l1_hash: [5; 32],
        withdrawals_root: [6; 32],
        timestamp: Timestamp(1_700_000_000_000_000),
    };
    let bytes = claim.encode();
    check(Native::keccak256(&bytes), "9166d5dc611bc25544d50ccb41844f309fc92d6a9fe4f0b260ca44ceef8e5b1f");
    check(&bytes[..32], &format!("{:064x}", CHAIN));
    check(&bytes[32..64], &format!("{}{}", "00".repeat(12), "ee".repeat(20)));
}

#[test]
fn the_commands_root_is_a_tree_of_kilobytes() {
    let blob: Vec<u8> = (0..2500u32).map(|n| (n * 7) as u8).collect();
    let root = commands_root::<Sha256Hash>(&blob);
    check(root, "b86841bd482329c20304624d6ecc9ab209d7cf5215a988c1b79e9cfcdac34d0f");
}

#[test]
fn the_events_root_is_a_tree_of_outcomes() {
    let mut log = EventsLog::root_only();
    let deposited =
        Event::Deposited { account: AccountId(300), asset: AssetId(2), amount: Quanta(5_000_000) };
    log.push::<Sha256Hash>(100, Outcome::Accepted(OrderId(7)), &[]);
    log.push::<Sha256Hash>(101, Outcome::Done, &[deposited]);
    log.push::<Sha256Hash>(102, Outcome::Rejected(Reject::InsufficientBalance), &[]);
    check(log.root::<Sha256Hash>(), "df07977193b74773b6f376241c019f65ea7c7924044976547908b323a989ee8d");
}

#[test]
fn the_l1_hash_rolls_over_every_kind_of_entry() {
    let entries = [
        (
            3,
            Command::Deposit { owner: Address([0xaa; 20]), asset: AssetId(1), amount: Quanta(10u64.pow(18)) },
        ),
        (3, withdraw(AssetId(1), u64::MAX)),
        (4, Command::MassCancel { market: None, side: None }),
        (5, Command::MassCancel { market: Some(MarketId(7)), side: Some(Side::Sell) }),
        (5, Command::RegisterSession { key: SessionKey([0x77; 32]), expires: Timestamp::NEVER }),
    ];
    let expected = [
        "2514ad9eebd1297a2011d6e9ed5421c9788a17b295951a46e689bbbe874bd001",
        "13877d6ac48b60074e5c0ef33585423c3c6fddb9de0d3b50068b7740b210d2da",
        "e878117cc9b231dfc79e8907439fbba157a10a2d6fb336be3698425cdb095ecc",
        "841ebd5b69f1a0e58b65dc2edbac4171910180bf06e2effb9c5761fdc17b8493",
        "d9e156b0a42ab75d6423242e186713c36894f67c1e8d69413100e636392c0d28",
    ];
    let mut rolling = [0; 32];
    for (position, ((account, command), expected)) in entries.iter().zip(expected).enumerate() {
        rolling = l1_hash::<Native>(&rolling, position as u64, AccountId(*account), command).unwrap();
        check(rolling, expected);
    }
}

#[test]
fn the_withdrawals_root_is_a_keccak_tree_of_abi_words() {
    let withdrawals: Vec<Withdrawal> = (0..3)
        .map(|n| Withdrawal {
            index: 8 + u64::from(n),
            owner: Address([n + 1; 20]),
            asset: AssetId(n.into()),
            amount: Quanta(1000 + u64::from(n)),
        })
        .collect();
    let root = WithdrawalTree::<Native>::new(&withdrawals).root();
    check(root, "b49175c4f7b987c55c47db7e6d4dbf2b5dc0bf3a6cc3d96e810dcfeee85858d3");
}

#[test]
fn a_stream_begins_with_its_name_and_goes_on_by_commands() {
    let start = stream_start::<Sha256Hash>(CHAIN, EXCHANGE, AccountId(3), 2);
    assert_eq!(start.position, 0);
    check(start.digest, "7a2a25178147f8eb4fd670c00811b675e9b423b8207cc3e4561e58460438bb11");
    let next = stream_digest::<Sha256Hash>(&start.digest, &command_bytes(&cancel()));
    check(next, "d9a3c4caedea9419abb784a206db01faafb8f5f63b0505750c395d6244a4406b");
}

#[test]
fn an_owner_signs_eip_712_typed_data() {
    let digest = owner_digest::<Native>(CHAIN, EXCHANGE, AccountId(3), 9, &command_bytes(&cancel()));
    check(digest, "15120b298b3303920166e2543042919f773a8e418112abd620f492d6c20419e3");
}

#[test]
fn the_first_state_has_this_root() {
    let mut tree = FullTree::<Sha256Hash>::new();
    let capacity = Capacity { accounts: 20, open_orders: 680, assets: 5, markets: 6, price_levels: 2_000 };
    let first = rules::Genesis {
        operator: Address([0x11; 20]),
        operator_key: SessionKey([0x22; 32]),
        ..genesis_state(capacity)
    };
    let root = genesis(&mut tree, &first).unwrap();
    check(root, "9d815a4310c6929c6c21ebe70550ada84ce7902fcedcbe767d4c599c672d68b4");
}

#[test]
fn a_batch_input_is_these_bytes() {
    let input = BatchInput {
        previous_root: [7; 32],
        commands: vec![1, 2, 3],
        authorisation: Authorisation { streams: vec![(AccountId(500), [8; 64])], owners: vec![[9; 65]] },
        witness: vec![4, 5],
    };
    check(
        Sha256Hash::hash(&input.encode()),
        "5b8cabf0635b3e12d4394daef284f805e76764fe2a2b5df5b9d6ccf5ae238794",
    );
}

/// Everything together. Not calculated elsewhere: it says that something changed, the tests above say what.
#[test]
fn a_whole_batch_stays_as_it_is() {
    let sealed = busy_batch();
    check(
        Native::keccak256(&sealed.output.claim.encode()),
        "994d1e779618163be48975dcf6304d4151c87a60347731052718e58b66262d55",
    );
    check(
        Sha256Hash::hash(&sealed.input.encode()),
        "94c1c9729ed2815637a0063db98c3538937e433bd76aebe32aed5cf7c302bc38",
    );
}
