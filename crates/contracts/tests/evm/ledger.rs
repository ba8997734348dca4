//! The exchange itself: batches of real commands, executed by `transition` on the whole tree.

use rules::{Capacity, Genesis, OPERATOR};
use state::{FullTree, Sha256Hash, StateTree as _};
use transition::{
    Claim, CommandsBlob, EventsLog, Native, Withdrawal, balance_key, decode_balance, execute_batch, genesis,
};
use types::{
    AccountId, Address, AssetId, AssetParams, Breaker, Command, Limits, MarketParams, OperatorCommand,
    Origin, Price, Quanta, Rate, Sequenced, SessionKey, Timestamp,
};

use crate::chain::CHAIN_ID;

/// An executed batch.
#[derive(Clone)]
pub struct Sealed {
    pub claim: Claim,
    pub withdrawals: Vec<Withdrawal>,
    /// The state after it.
    pub after: Ledger,
}

/// The state, and where the next batch begins.
#[derive(Clone)]
pub struct Ledger {
    pub tree: FullTree<Sha256Hash>,
    pub batch: u64,
    sequence: u64,
    time: Timestamp,
    /// L1 entries consumed.
    pub l1_position: u64,
}

impl Ledger {
    /// The first state of an exchange at this address.
    pub fn new(exchange: Address, operator: Address) -> Self {
        let mut tree = FullTree::new();
        let start = Genesis {
            chain_id: CHAIN_ID,
            exchange,
            capacity: Capacity {
                accounts: 8,
                open_orders: 1_000,
                assets: 8,
                markets: 2,
                price_levels: 10_000,
            },
            operator,
            operator_key: SessionKey([1; 32]),
            operator_expires: Timestamp::NEVER,
        };
        genesis(&mut tree, &start).unwrap();
        Self { tree, batch: 0, sequence: 0, time: Timestamp(1), l1_position: 0 }
    }

    pub fn root(&mut self) -> [u8; 32] {
        self.tree.root()
    }

    /// Free and locked.
    pub fn balance(&mut self, account: AccountId, asset: AssetId) -> (u64, u64) {
        match self.tree.get(balance_key(account, asset)).unwrap() {
            None => (0, 0),
            Some(value) => {
                let balance = decode_balance(value).unwrap();
                (balance.free.0, balance.locked.0)
            }
        }
    }

    /// The next batch. Sessions are taken as signed.
    pub fn seal(&self, commands: &[(AccountId, Origin, Command)]) -> Sealed {
        let mut after = self.clone();
        let previous = if self.batch == 0 { Timestamp(0) } else { self.time };
        let mut blob = CommandsBlob::new(self.batch + 1, self.sequence + 1, previous);
        for (account, origin, command) in commands {
            after.sequence += 1;
            after.time.0 += 1;
            if let Origin::L1(position) = origin {
                assert_eq!(*position, after.l1_position);
                after.l1_position += 1;
            }
            blob.push(&Sequenced {
                sequence: after.sequence,
                timestamp: after.time,
                account: *account,
                origin: *origin,
                command: command.clone(),
            });
        }
        let log = EventsLog::root_only();
        let output = execute_batch::<_, Native>(&mut after.tree, &blob.finish(), None, log, &mut ()).unwrap();
        after.batch += 1;
        Sealed { claim: output.claim, withdrawals: output.withdrawals, after }
    }
}

/// The operator's commands that open the exchange: assets 0 to `assets - 1`, and market 0 of asset 0 for asset 1.
pub fn opening(assets: u16) -> Vec<(AccountId, Origin, Command)> {
    let operator = |command| (OPERATOR, Origin::Session, Command::Operator(Box::new(command)));
    let mut commands: Vec<_> = (0..assets)
        .map(|_| {
            let params = AssetParams { token: Address([0; 20]), quantum: 1, symbol: *b"ASSET\0\0\0" };
            operator(OperatorCommand::ListAsset(params))
        })
        .collect();
    commands.push(operator(OperatorCommand::CreateMarket(MarketParams {
        base: AssetId(0),
        quote: AssetId(1),
        lot: 10,
        tick: 1,
        max_price: Price(5_000),
        maker_fee: Rate(100),
        taker_fee: Rate(1_000),
        fee_account: OPERATOR,
        limits: Limits::NONE,
        collar: 0,
        breaker: Breaker { band: 0, window: 0, halt: 0 },
        reference_price: Price(100),
    })));
    commands
}

/// A withdrawal through the session.
pub fn withdrawal(account: AccountId, asset: u16, amount: u64) -> (AccountId, Origin, Command) {
    (account, Origin::Session, Command::Withdraw { asset: AssetId(asset), amount: Quanta(amount) })
}
