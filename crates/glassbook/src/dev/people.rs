//! Accounts for whoever tries a development exchange: funded on L1, their sessions delegated to the gateway, with API keys.

use anyhow::Result;
use gateway::Gateway;
use gateway::keys::Role;
use l1::Signer;
use types::{AccountId, Quanta};

use super::keys;
use super::traffic::{Beginning, Traffic};

/// How many there are.
pub const PEOPLE: u32 = 3;
/// What they have of what a simulated trader has: one in so many.
const SHARE: u64 = 1_024;

/// Somebody's account and how to trade with it over the API.
#[derive(Clone, Debug)]
pub struct Person {
    /// Whose.
    pub account: AccountId,
    /// Goes into the header `X-MBX-APIKEY`.
    pub api_key: String,
    /// Signs requests (HMAC-SHA256).
    pub secret: String,
}

/// Opens the accounts, as far as that was not done before a restart, and makes keys for this run. None when somebody wants to
/// stop.
pub fn open(traffic: &Traffic<'_>, beginning: &Beginning, gateway: &Gateway) -> Result<Vec<Person>> {
    let owners: Vec<Signer> =
        (0..PEOPLE).map(|number| keys::signer(keys::Role::User, number)).collect::<Result<_>>()?;
    let deposits: Vec<Quanta> =
        beginning.deposits.iter().map(|amount| Quanta((amount.0 / SHARE).max(1))).collect();
    let session = |account| Ok(gateway.desk.create(account)?);
    let accounts = traffic.open(&owners, &deposits, beginning, session)?;
    let mut people = Vec::new();
    for (owner, account) in owners.iter().zip(accounts) {
        if gateway.desk.delegated(account).is_none() {
            // The gateway's keys are gone, or were never registered.
            traffic.register(owner, account, gateway.desk.create(account)?)?;
        }
        let label = "development";
        // Those of earlier runs are of no use: nobody can show their secrets again.
        for old in gateway.keys.list(account).iter().filter(|key| key.label == label) {
            gateway.keys.revoke(account, &old.api_key)?;
        }
        let (api_key, secret) = gateway.keys.create_hmac(account, Role::Withdraw, label)?;
        people.push(Person { account, api_key, secret });
    }
    Ok(people)
}
