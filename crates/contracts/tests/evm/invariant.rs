//! Whatever happens, what the exchange holds is what it owes, to the wei.
//!
//! Random histories of deposits, forced operations, trades, batches (made by `transition`), commits, proofs, finality,
//! reverts, claims, pauses, freezes, escapes and refunds. After every step the contract's money is compared with the sum of
//! all debts, which is counted from the ledger, the queue and the batches without the contract. At the end of every history
//! the exchange is frozen, everybody leaves, and nothing must be left.

use std::collections::BTreeSet;

use alloy_primitives::U256;
use contracts::bindings::Exchange;
use contracts::concatenated;
use proptest::prelude::*;
use types::{AccountId, AssetId, Command, MarketId, Origin, Place, Price, Quanta, Quantity, Side};

use crate::chain::{digest, person};
use crate::tokens::FeeToken;
use crate::world::{COIN, DEADLINE, FINALITY_DELAY, FINALITY_GRACE, FORCE_FEE, QUANTA, World};

const USERS: u64 = 4;
/// Beyond this age nothing keeps an entry that is not final from being overdue.
const OVERDUE: u64 = DEADLINE + FINALITY_DELAY + FINALITY_GRACE + 1;
/// The last one charges for transfers, and the exchange does not know it: its deposits come back as withdrawals.
const ASSETS: u16 = 4;

#[derive(Clone, Debug)]
enum Step {
    Deposit { user: u64, asset: u16, amount: u64, owner: u64 },
    ForceWithdraw { user: u64, asset: u16, amount: u64 },
    ForceCancel { user: u64, side: u8 },
    ForceExit { user: u64 },
    Session { user: u64 },
    Order { user: u64, sell: bool, price: u32, quantity: u64 },
    Withdraw { user: u64, asset: u16, amount: u64 },
    Seal { entries: usize },
    Commit { batches: u64 },
    Prove { batches: u64, again: u64 },
    Finalise { batches: u64 },
    Claim { which: prop::sample::Index },
    Settle,
    Wait { seconds: u64 },
    PauseAndRevert { kept: u64 },
    Freeze { wait: u64 },
    Escape { user: u64, asset: u16 },
    Refund { position: u64 },
    Donate { asset: u16 },
}

fn steps() -> impl Strategy<Value = Step> {
    let user = 0..=USERS;
    let asset = 0..ASSETS;
    prop_oneof![
        6 => (1..=USERS, asset.clone(), 1u64..100_000, 1..=USERS)
            .prop_map(|(user, asset, amount, owner)| Step::Deposit { user, asset, amount, owner }),
        2 => (user.clone(), asset.clone(), 1u64..100_000)
            .prop_map(|(user, asset, amount)| Step::ForceWithdraw { user, asset, amount }),
        1 => (user.clone(), 0u8..3).prop_map(|(user, side)| Step::ForceCancel { user, side }),
        1 => user.clone().prop_map(|user| Step::ForceExit { user }),
        3 => (1..=USERS).prop_map(|user| Step::Session { user }),
        6 => (1..=USERS, any::<bool>(), 90u32..110, 1u64..40)
            .prop_map(|(user, sell, price, quantity)| Step::Order { user, sell, price, quantity }),
        3 => (user.clone(), asset.clone(), 1u64..20_000)
            .prop_map(|(user, asset, amount)| Step::Withdraw { user, asset, amount }),
        6 => (0usize..6).prop_map(|entries| Step::Seal { entries }),
        4 => (1u64..4).prop_map(|batches| Step::Commit { batches }),
        4 => (1u64..4, 0u64..3).prop_map(|(batches, again)| Step::Prove { batches, again }),
        4 => (1u64..4).prop_map(|batches| Step::Finalise { batches }),
        6 => any::<prop::sample::Index>().prop_map(|which| Step::Claim { which }),
        3 => Just(Step::Settle),
        3 => prop_oneof![Just(FINALITY_DELAY), Just(86_400)].prop_map(|seconds| Step::Wait { seconds }),
        2 => (0u64..20).prop_map(|kept| Step::PauseAndRevert { kept }),
        1 => prop_oneof![Just(0), Just(DEADLINE - 7_200), Just(DEADLINE + 1), Just(OVERDUE)].prop_map(|wait| Step::Freeze { wait }),
        3 => (user, asset.clone()).prop_map(|(user, asset)| Step::Escape { user, asset }),
        3 => (0u64..60).prop_map(|position| Step::Refund { position }),
        1 => asset.prop_map(|asset| Step::Donate { asset }),
    ]
}

/// The world, and what the tests know of it without asking the contract.
struct History {
    world: World,
    /// Commands for the next batch.
    pending: Vec<(AccountId, Origin, Command)>,
    committed: u64,
    proved: u64,
    finals: u64,
    frozen: bool,
    claimed: BTreeSet<u64>,
    escaped: BTreeSet<(u32, u16)>,
    refunded: BTreeSet<u64>,
    /// Fees among it.
    donated: [U256; ASSETS as usize],
    /// Since when each entry waits, by the clock of the tests.
    since: Vec<u64>,
}

impl History {
    fn new(mut world: World) -> Self {
        // Fees of the beginning.
        let mut donated = [U256::ZERO; ASSETS as usize];
        donated[usize::from(COIN)] = U256::from(USERS * FORCE_FEE);
        assert_eq!(
            world.money(world.exchange, COIN) - world.view(&Exchange::heldCall { asset: COIN }),
            donated[0]
        );
        let since = vec![world.chain.time; world.entries.len()];
        Self {
            since,
            world,
            pending: Vec::new(),
            committed: 2,
            proved: 2,
            finals: 2,
            frozen: false,
            claimed: BTreeSet::new(),
            escaped: BTreeSet::new(),
            refunded: BTreeSet::new(),
            donated,
        }
    }

    fn owner(&self, user: u64) -> alloy_primitives::Address {
        if user == 0 { self.world.operator } else { person(user) }
    }

    /// The user's account, if the queue has numbered one.
    fn account(&self, user: u64) -> Option<AccountId> {
        if user == 0 {
            return Some(AccountId(0));
        }
        let wanted = types::Address(person(user).into());
        self.world.entries.iter().find_map(|entry| match entry.command {
            Command::Deposit { owner, .. } if owner == wanted => Some(entry.account),
            _ => None,
        })
    }

    /// Queue entries in final batches.
    fn consumed(&self) -> u64 {
        self.world.batches[self.finals as usize - 1].claim.l1_position
    }

    /// Whether somebody has waited too long, entry by entry.
    fn overdue(&self) -> bool {
        let proved = self.world.batches[self.proved as usize - 1].claim.l1_position;
        (self.consumed()..self.world.entries.len() as u64).any(|position| {
            let age = self.world.chain.time - self.since[position as usize];
            age >= OVERDUE || (age > DEADLINE && position >= proved)
        })
    }

    fn step(&mut self, step: &Step) {
        self.do_step(step);
        let time = self.world.chain.time;
        self.since.resize(self.world.entries.len(), time);
    }

    fn do_step(&mut self, step: &Step) {
        match *step {
            Step::Deposit { user, asset, amount, owner } => {
                let done = self.world.deposit_for(person(user), asset, amount, person(owner)).done;
                assert_eq!(done, !self.frozen);
            }
            Step::ForceWithdraw { user, asset, amount } => {
                let call = Exchange::forceWithdrawCall { asset, amount };
                self.force(user, 1, &call);
            }
            Step::ForceExit { user } => {
                self.force(
                    user,
                    2 + u64::from(ASSETS),
                    &Exchange::forceExitCall { assets: (0..ASSETS).collect() },
                );
            }
            Step::ForceCancel { user, side } => {
                self.force(user, 1, &Exchange::forceCancelCall { marketPlusOne: 0, side });
            }
            Step::Session { user } => {
                let call = Exchange::registerSessionCall { key: digest(user as u8), expires: u64::MAX };
                self.force(user, 1, &call);
            }
            Step::Order { user, sell, price, quantity } => {
                if let Some(account) = self.account(user) {
                    let side = if sell { Side::Sell } else { Side::Buy };
                    let place = Place::limit(MarketId(0), side, Price(price), Quantity(quantity));
                    self.pending.push((account, Origin::Session, Command::Place(place)));
                }
            }
            Step::Withdraw { user, asset, amount } => {
                if let Some(account) = self.account(user) {
                    let command = Command::Withdraw { asset: AssetId(asset), amount: Quanta(amount) };
                    self.pending.push((account, Origin::Session, command));
                }
            }
            Step::Seal { entries } => self.seal(entries),
            Step::Commit { batches } => {
                let last = self.committed.saturating_add(batches).min(self.world.batches.len() as u64);
                if last > self.committed {
                    let claims = self.world.claims(self.committed + 1, last);
                    assert_eq!(self.world.commit(&claims).done, !self.frozen);
                    if !self.frozen {
                        self.committed = last;
                    }
                }
            }
            Step::Prove { batches, again } => {
                let last = self.proved.saturating_add(batches).min(self.committed);
                if last > self.proved {
                    // Some begin with batches that are proved already.
                    let first = (self.proved + 1).saturating_sub(again).max(1);
                    let claims = self.world.claims(first, last);
                    assert_eq!(self.world.prove(&claims).done, !self.frozen);
                    if !self.frozen {
                        self.proved = last;
                    }
                }
            }
            Step::Finalise { batches } => {
                let last = self.finals.saturating_add(batches).min(self.proved);
                if last > self.finals {
                    let claims = self.world.claims(self.finals + 1, last);
                    // Whether the delay has passed is the contract's to say.
                    if self.world.finalise(&claims).done {
                        assert!(!self.frozen);
                        self.finals = last;
                    }
                }
            }
            Step::Claim { ref which } => {
                let places: Vec<_> = (1..=self.world.batches.len() as u64)
                    .flat_map(|batch| (0..self.withdrawals(batch)).map(move |place| (batch, place)))
                    .collect();
                if !places.is_empty() {
                    let (batch, place) = places[which.index(places.len())];
                    self.claim(batch, place);
                }
            }
            Step::Settle => {
                self.seal(usize::MAX);
                let rest = u64::MAX >> 1;
                self.step(&Step::Commit { batches: rest });
                self.step(&Step::Prove { batches: rest, again: 0 });
                self.step(&Step::Wait { seconds: FINALITY_DELAY });
                self.step(&Step::Finalise { batches: rest });
            }
            Step::Wait { seconds } => self.world.chain.time += seconds,
            Step::PauseAndRevert { kept } => self.revert(kept),
            Step::Freeze { wait } => {
                self.world.chain.time += wait;
                let due = !self.frozen && self.overdue();
                assert_eq!(self.world.anybody(&Exchange::freezeCall {}).done, due);
                self.frozen |= due;
            }
            Step::Escape { user, asset } => {
                if let Some(account) = self.account(user) {
                    self.escape(user, account, asset);
                }
            }
            Step::Refund { position } => {
                let entry = self.world.entries.get(position as usize);
                if matches!(entry, Some(entry) if matches!(entry.command, Command::Deposit { .. })) {
                    self.refund(position);
                }
            }
            Step::Donate { asset } => {
                let (to, wei) = (self.world.exchange, U256::from(12_345));
                if asset == COIN {
                    self.world.chain.fund(to, wei);
                } else {
                    let mint = crate::tokens::Token::mintCall { to, amount: wei };
                    let token = self.world.tokens[usize::from(asset)];
                    self.world.chain.call(person(1), token, &mint).done();
                }
                self.donated[usize::from(asset)] += wei;
            }
        }
    }

    fn withdrawals(&self, batch: u64) -> usize {
        self.world.batches[batch as usize - 1].withdrawals.len()
    }

    fn claim(&mut self, batch: u64, place: usize) {
        let index = self.world.batches[batch as usize - 1].withdrawals[place].index;
        let call = self.world.claim_call(batch, place);
        let due = batch <= self.finals && !self.claimed.contains(&index);
        assert_eq!(self.world.anybody(&call).done, due);
        if due {
            self.claimed.insert(index);
        }
    }

    fn force(&mut self, user: u64, entries: u64, call: &impl alloy_sol_types::SolCall) {
        let due = self.account(user).is_some() && !self.frozen;
        let fees = U256::from(entries * FORCE_FEE);
        assert_eq!(self.world.send(self.owner(user), fees, call).done, due);
        if due {
            self.donated[usize::from(COIN)] += fees;
        }
    }

    fn seal(&mut self, entries: usize) {
        let mut pending = std::mem::take(&mut self.pending);
        let left = self.world.entries.len() - self.world.ledger.l1_position as usize;
        // A session registered in the batch may not follow commands of the old one, which come after all entries here.
        // Commands of accounts that the ledger does not know yet have nobody to sign them.
        let next = self.world.ledger.l1_position as usize + entries.min(left);
        let known = self.world.entries[..next].iter().map(|entry| entry.account).max().unwrap_or_default();
        pending.retain(|(account, ..)| *account <= known);
        if entries.min(left) + pending.len() > 0 {
            self.world.seal_some(entries, pending);
        }
    }

    fn revert(&mut self, kept: u64) {
        let kept = kept.clamp(self.proved, self.committed);
        self.world.admin(&Exchange::announcePauseCall {}).done();
        self.world.chain.time += crate::world::PAUSE_DELAY;
        let call = Exchange::revertBatchesCall {
            lastKept: kept,
            claim: concatenated(&self.world.claims(kept, kept)),
        };
        let done = self.world.operator(&call).done;
        assert_eq!(done, !self.frozen && kept < self.committed);
        if done {
            // The exchange goes on from there, with other batches.
            self.world.batches.truncate(kept as usize);
            self.world.ledger = self.world.batches[kept as usize - 1].after.clone();
            self.committed = kept;
            self.pending.clear();
        }
        self.world.admin(&Exchange::cancelPauseCall {}).done();
    }

    fn escape(&mut self, user: u64, account: AccountId, asset: u16) {
        let (free, locked) = self.world.final_ledger().balance(account, AssetId(asset));
        let call = self.world.escape_call(self.owner(user), asset);
        let due = self.frozen && free + locked > 0 && !self.escaped.contains(&(account.0, asset));
        assert_eq!(self.world.anybody(&call).done, due);
        if due {
            self.escaped.insert((account.0, asset));
        }
    }

    fn refund(&mut self, position: u64) {
        let call = self.world.refund_call(position);
        let due = self.frozen && position >= self.consumed() && !self.refunded.contains(&position);
        assert_eq!(self.world.anybody(&call).done, due);
        if due {
            self.refunded.insert(position);
        }
    }

    /// All debts in an asset, in quanta.
    fn owed(&self, asset: u16) -> u64 {
        let mut state = self.world.final_ledger();
        let accounts = self.world.entries.iter().map(|entry| entry.account.0).max().unwrap_or(0);
        let balances: u64 = (0..=accounts)
            .filter(|account| !self.escaped.contains(&(*account, asset)))
            .map(|account| state.balance(AccountId(account), AssetId(asset)))
            .map(|(free, locked)| free + locked)
            .sum();
        let withdrawals: u64 = self.world.batches[..self.finals as usize]
            .iter()
            .flat_map(|sealed| &sealed.withdrawals)
            .filter(|withdrawal| withdrawal.asset.0 == asset && !self.claimed.contains(&withdrawal.index))
            .map(|withdrawal| withdrawal.amount.0)
            .sum();
        let deposits: u64 = self.world.entries[self.consumed() as usize..]
            .iter()
            .filter(|entry| !self.refunded.contains(&entry.position))
            .map(|entry| match entry.command {
                Command::Deposit { asset: of, amount, .. } if of.0 == asset => amount.0,
                _ => 0,
            })
            .sum();
        balances + withdrawals + deposits
    }

    #[track_caller]
    fn check(&mut self) {
        for asset in 0..ASSETS {
            let owed = World::wei(asset, self.owed(asset));
            let held = self.world.view(&Exchange::heldCall { asset });
            let custody = self.world.money(self.world.exchange, asset);
            assert_eq!(held, owed, "asset {asset}: held and owed");
            assert_eq!(custody, owed + self.donated[usize::from(asset)], "asset {asset}: custody and owed");
        }
        assert_eq!(
            (self.world.committed(), self.world.proved(), self.world.finals()),
            (self.committed, self.proved, self.finals)
        );
    }

    /// Freezes, if it has not come to that, and lets everybody leave.
    fn end(&mut self) {
        if !self.frozen {
            self.step(&Step::ForceCancel { user: 0, side: 0 });
            self.world.chain.time += OVERDUE;
            self.world.anybody(&Exchange::freezeCall {}).done();
            self.frozen = true;
        }
        for batch in 1..=self.finals {
            for place in 0..self.withdrawals(batch) {
                self.claim(batch, place);
            }
        }
        for position in 0..self.world.entries.len() as u64 {
            self.step(&Step::Refund { position });
        }
        for user in 0..=USERS {
            for asset in 0..ASSETS {
                self.step(&Step::Escape { user, asset });
            }
        }
        self.check();
        for asset in 0..ASSETS {
            assert_eq!(self.owed(asset), 0);
            assert_eq!(self.world.view(&Exchange::heldCall { asset }), U256::ZERO);
        }
    }
}

/// Four users with money and sessions, in a state that is final.
fn beginning() -> World {
    let mut world = World::open();
    let token = world.chain.deploy(world.admin, &FeeToken::BYTECODE, &[]);
    world.tokens.push(token);
    world.list(token, QUANTA[3]);
    for user in 1..=USERS {
        world.fund(person(user));
        for asset in 0..ASSETS {
            world.deposit(user, asset, 50_000).done();
        }
        let call = Exchange::registerSessionCall { key: digest(user as u8), expires: u64::MAX };
        world.force(person(user), &call).done();
    }
    world.seal(Vec::new());
    world.settle();
    world
}

#[test]
fn custody_is_the_sum_of_all_debts_after_every_step() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256);
    let base = beginning();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(cases));
    runner
        .run(&prop::collection::vec(steps(), 1..150), |steps| {
            let mut history = History::new(base.clone());
            history.check();
            for step in &steps {
                history.step(step);
                history.check();
            }
            history.end();
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_long_life_without_accidents_ends_in_nothing_owed() {
    let mut history = History::new(beginning());
    for round in 0..12u64 {
        for user in 1..=USERS {
            history.step(&Step::Deposit {
                user,
                asset: (round % 3) as u16,
                amount: 1_000 + round,
                owner: user,
            });
            let sell = (user + round) % 2 == 0;
            history.step(&Step::Order { user, sell, price: 100, quantity: 7 });
            history.step(&Step::Withdraw { user, asset: (round % 3) as u16, amount: 11 });
        }
        history.step(&Step::Seal { entries: 100 });
        history.step(&Step::Commit { batches: 3 });
        history.step(&Step::Prove { batches: 3, again: 1 });
        history.step(&Step::Wait { seconds: FINALITY_DELAY });
        history.step(&Step::Finalise { batches: 3 });
        history.check();
    }
    assert_eq!(history.finals, 14);
    let traded = history.world.final_ledger().balance(AccountId(0), AssetId(1));
    assert!(traded.0 > 0, "fees were paid, so trades happened");
    history.end();
}
