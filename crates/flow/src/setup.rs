//! What a flow begins with: assets, markets, deposits and session keys, as ordinary items.

use rules::OPERATOR;
use types::{AccountId, AssetId, AssetParams, Command, MarketParams, OperatorCommand, Quanta, Timestamp};

use crate::{FlowItem, FlowOrigin, dev_owner, dev_session_key};

/// The setup of a flow, item by item: assets, then each account's deposits and session, then markets.
///
/// The accounts are numbered from one and all get the same deposits.
#[derive(Clone, Debug)]
pub struct Setup {
    timestamp: Timestamp,
    assets: Vec<(AssetParams, Quanta)>,
    markets: Vec<MarketParams>,
    accounts: u32,
    next: u64,
}

impl Setup {
    /// All at one time: `assets` with what every account deposits of each, `markets`, and `accounts` traders.
    #[must_use]
    pub fn new(
        timestamp: Timestamp,
        assets: Vec<(AssetParams, Quanta)>,
        markets: Vec<MarketParams>,
        accounts: u32,
    ) -> Self {
        Self { timestamp, assets, markets, accounts, next: 0 }
    }

    /// How many items it has in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        let assets = self.assets.len() as u64;
        assets + u64::from(self.accounts) * (assets + 1) + self.markets.len() as u64
    }

    fn operator(&self, command: OperatorCommand) -> FlowItem {
        FlowItem {
            timestamp: self.timestamp,
            account: OPERATOR,
            origin: FlowOrigin::Session,
            command: Command::Operator(Box::new(command)),
        }
    }

    fn account_item(&self, account: AccountId, step: usize) -> FlowItem {
        let command = match self.assets.get(step) {
            Some((_, amount)) => {
                Command::Deposit { owner: dev_owner(account), asset: AssetId(step as u16), amount: *amount }
            }
            None => Command::RegisterSession { key: dev_session_key(account), expires: Timestamp::NEVER },
        };
        FlowItem { timestamp: self.timestamp, account, origin: FlowOrigin::L1, command }
    }
}

impl Iterator for Setup {
    type Item = FlowItem;

    fn next(&mut self) -> Option<FlowItem> {
        let steps = self.assets.len() as u64 + 1;
        let at = self.next;
        let in_accounts = at.checked_sub(self.assets.len() as u64);
        let in_markets = in_accounts.and_then(|at| at.checked_sub(u64::from(self.accounts) * steps));
        let item = match (in_accounts, in_markets) {
            (None, _) => self.operator(OperatorCommand::ListAsset(self.assets[at as usize].0)),
            (Some(at), None) => self.account_item(AccountId((at / steps) as u32 + 1), (at % steps) as usize),
            (_, Some(at)) => self.operator(OperatorCommand::CreateMarket(*self.markets.get(at as usize)?)),
        };
        self.next += 1;
        Some(item)
    }
}
