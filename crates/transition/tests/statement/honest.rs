//! What an honest exchange makes is accepted, and says the same however it is executed.

use rules::{OPERATOR, model_flow};
use state::{Sha256Hash, StateTree};
use transition::{BatchInput, Claim, Limits, Native, commands_root, execute};
use types::{AccountId, Address, Command, DecodeError, OperatorCommand, Origin, Sequenced};

use crate::support::*;

#[test]
fn an_honest_signed_batch_gives_the_claim_of_the_whole_tree() {
    let sealed = busy_batch();
    let claim = execute::<Native>(&sealed.input).unwrap();
    assert_eq!(claim, sealed.output.claim);
    assert_eq!(claim.previous_root, sealed.before.root());
    assert_eq!(claim.commands_root, commands_root::<Sha256Hash>(&sealed.input.commands));
    assert_eq!((claim.chain_id, claim.exchange), (CHAIN, EXCHANGE));
    assert_eq!(claim.last_sequence - claim.first_sequence + 1, sealed.list.len() as u64);
    assert_eq!(sealed.output.withdrawals.len(), 3);
    assert_eq!(sealed.input.authorisation.owners.len(), 2);
    assert_eq!(sealed.input.authorisation.streams.len(), 4);
}

#[test]
fn batches_follow_each_other_and_a_stream_goes_on_in_the_next() {
    let mut exchange = busy_exchange();
    for round in 0..5 {
        exchange.session(1, sell(120 + round, 1)).session(4, buy(60, 1));
        let before = exchange.root();
        let sealed = exchange.seal();
        let claim = execute::<Native>(&sealed.input).unwrap();
        assert_eq!((claim.previous_root, claim.state_root), (before, exchange.root()));
    }
}

/// The model's random flow with real keys in place of its arbitrary ones, cut where a session changes.
#[test]
fn random_flow_with_real_signatures_is_accepted() {
    for seed in 0..3 {
        let mut exchange = Exchange::new(model_flow::genesis().capacity);
        let batches = model_batches(&mut exchange, seed, 2_500, 100);
        assert!(batches > 20);
    }
}

fn model_batches(exchange: &mut Exchange, seed: u64, commands: usize, size: usize) -> u64 {
    let seal = |exchange: &mut Exchange| {
        if !exchange.pending.is_empty() {
            let sealed = exchange.seal();
            assert_eq!(execute::<Native>(&sealed.input), Ok(sealed.output.claim.clone()));
            assert_eq!(sealed.output.claim.state_root, exchange.tree.root());
        }
    };
    for sequenced in model_flow::flow(seed, commands) {
        let registers = matches!(sequenced.command, Command::RegisterSession { .. });
        let spoke = |s: &Sequenced| s.account == sequenced.account && s.origin == Origin::Session;
        // The clients of an account that a pending command opens or renews sign in the next batch.
        if exchange.pending.len() >= size || registers && exchange.pending.iter().any(spoke) {
            seal(exchange);
        }
        push_model(exchange, sequenced);
    }
    seal(exchange);
    exchange.batch
}

/// Adds a command of the model's flow, unless it is one that nobody could have signed.
pub fn push_model(exchange: &mut Exchange, sequenced: Sequenced) {
    let Sequenced { account, origin, mut command, timestamp, .. } = sequenced;
    let room = account.0 < model_flow::genesis().capacity.accounts;
    let opened = |s: &Sequenced| room && s.account == account && matches!(s.command, Command::Deposit { .. });
    let known = exchange.signers.contains_key(&account) || exchange.pending.iter().any(opened);
    let in_queue = matches!(
        command,
        Command::Deposit { .. }
            | Command::Withdraw { .. }
            | Command::MassCancel { .. }
            | Command::RegisterSession { .. }
    );
    match origin {
        Origin::L1(_) if !in_queue => return,
        Origin::Session | Origin::Owner if !known => return,
        _ => {}
    }
    match &mut command {
        Command::RegisterSession { key, .. } => {
            let renewals = |s: &&Sequenced| {
                s.account == account
                    && s.origin != Origin::Session
                    && matches!(s.command, Command::RegisterSession { .. })
            };
            let pending = exchange.pending.iter().filter(renewals).count() as u64;
            let sessions = exchange.signers.get(&account).map_or(0, |signer| signer.sessions);
            *key = public(&session_key(account, sessions + pending + 1));
        }
        Command::Deposit { owner: to, .. } if *to == model_flow::owner(account) => *to = owner(account),
        _ => {}
    }
    exchange.now = timestamp.0.max(exchange.now).saturating_sub(10);
    match origin {
        Origin::L1(_) => exchange.l1(account.0, command),
        origin => exchange.send(account.0, origin, command),
    };
}

#[test]
fn an_owner_speaks_in_the_batch_that_opens_the_account() {
    let mut exchange = open_exchange();
    exchange.deposit(6, QUOTE, 500);
    let registration = exchange.registration(6);
    exchange.owner(6, registration).session(6, buy(10, 1)).owner(6, withdraw(QUOTE, 5));
    let sealed = exchange.seal();
    assert_eq!(execute::<Native>(&sealed.input), Ok(sealed.output.claim));
}

#[test]
fn two_registrations_in_a_batch_leave_the_later_session() {
    let mut exchange = open_exchange();
    let account = AccountId(1);
    exchange.session(1, buy(10, 1));
    exchange.seal();
    let second =
        Command::RegisterSession { key: public(&session_key(account, 2)), expires: types::Timestamp::NEVER };
    let third =
        Command::RegisterSession { key: public(&session_key(account, 3)), expires: types::Timestamp::NEVER };
    exchange.l1(1, second).owner(1, third);
    let mut silent = exchange.clone();
    exchange.session(1, buy(11, 1));
    let sealed = exchange.seal();
    assert_eq!(execute::<Native>(&sealed.input), Ok(sealed.output.claim));
    assert_eq!(exchange.signers[&account].sessions, 3);
    // Without a command of the new session, the old stream's entry goes, once.
    let sealed = silent.seal();
    assert_eq!(execute::<Native>(&sealed.input), Ok(sealed.output.claim));
    assert_eq!(silent.tree.get(key::stream(1)), Ok(None));
    silent.session(1, buy(12, 1));
    let sealed = silent.seal();
    assert_eq!(execute::<Native>(&sealed.input), Ok(sealed.output.claim));
}

#[test]
fn inputs_and_claims_survive_the_round_trip() {
    let sealed = busy_batch();
    let bytes = sealed.input.encode();
    assert_eq!(BatchInput::decode(&bytes, &Limits::default()), Ok(sealed.input.clone()));
    let claim = sealed.output.claim;
    let bytes = claim.encode();
    assert_eq!(bytes.len(), Claim::BYTES);
    assert_eq!(Claim::decode(&bytes), Ok(claim));
}

#[test]
fn a_claim_has_one_encoding() {
    let claim = busy_batch().output.claim;
    let bytes = claim.encode();
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(Claim::decode(&longer), Err(DecodeError::TrailingBytes { left: 1 }));
    for length in 0..bytes.len() {
        assert_eq!(Claim::decode(&bytes[..length]), Err(DecodeError::UnexpectedEnd { what: "claim" }));
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut other = bytes.clone();
            other[at] ^= 1 << bit;
            match Claim::decode(&other) {
                Ok(decoded) => assert!(decoded != claim && decoded.encode() == other),
                Err(error) => assert_eq!(error, DecodeError::BadInteger { what: "claim" }),
            }
        }
    }
}

#[test]
fn limits_bound_every_part_of_an_input() {
    let input = busy_batch().input;
    let bytes = input.encode();
    let all = Limits { commands: input.commands.len(), signatures: 4, witness: input.witness.len() };
    assert!(BatchInput::decode(&bytes, &all).is_ok());
    for tight in [
        Limits { commands: all.commands - 1, ..all },
        Limits { signatures: 3, ..all },
        Limits { witness: all.witness - 1, ..all },
    ] {
        assert!(matches!(BatchInput::decode(&bytes, &tight), Err(DecodeError::TooLong { .. })));
    }
}

#[test]
fn a_deposit_for_the_wrong_owner_or_asset_goes_back() {
    let mut exchange = open_exchange();
    let stranger = Address([0xbb; 20]);
    exchange.l1(1, Command::Deposit { owner: stranger, asset: QUOTE, amount: types::Quanta(5) });
    exchange.deposit(1, types::AssetId(9), 6).deposit(60, QUOTE, 7);
    let sealed = exchange.seal();
    let back: Vec<_> = sealed.output.withdrawals.iter().map(|w| (w.owner, w.amount.0)).collect();
    assert_eq!(back, [(stranger, 5), (owner(AccountId(1)), 6), (owner(AccountId(60)), 7)]);
    assert_eq!(execute::<Native>(&sealed.input), Ok(sealed.output.claim));
}

#[test]
fn genesis_wants_an_empty_tree() {
    let mut exchange = open_exchange();
    let again = genesis_state(model_flow::genesis().capacity);
    let root = exchange.root();
    let refused = transition::genesis(&mut exchange.tree, &again);
    assert_eq!(refused, Err(transition::TransitionError::NotEmpty { key: key::ANCHOR }));
    assert_eq!(exchange.tree.root(), root);
}

#[test]
fn a_rejected_command_is_proved_too() {
    let mut exchange = open_exchange();
    exchange.session(1, Command::Operator(OperatorCommand::HaltExchange { halted: true }.into()));
    exchange.owner(OPERATOR.0, Command::Operator(OperatorCommand::AdvanceTime.into()));
    let sealed = exchange.seal();
    assert_eq!(execute::<Native>(&sealed.input), Ok(sealed.output.claim.clone()));
    let receipts = sealed.output.events.receipts::<Sha256Hash>(sealed.output.claim.first_sequence, &[0, 1]);
    let rejected = types::Outcome::Rejected(types::Reject::NotOperator);
    for receipt in receipts {
        assert_eq!(receipt.verify::<Sha256Hash>(&sealed.output.claim), Ok((rejected, vec![])));
    }
}
