//! Into the queue: deposits, forced withdrawals and cancellations, a forced exit.

use std::io::{self, Write as _};

use alloy_primitives::{Address, U256};
use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum};
use contracts::bindings::{Exchange, IERC20};

use super::amount::{Amount, Asset};
use super::contract::{Caller, Done, Key, Place};
use super::queue::{Standing, span};
use super::way_out::{self, CARRIED_OUT};
use crate::address;

/// Bring money
#[derive(Args)]
pub struct DepositOptions {
    /// The asset's number
    #[arg(long)]
    asset: u16,
    /// How much: 0.5 (whole coins or tokens), or 5000q (quanta)
    #[arg(long)]
    amount: Amount,
    /// Whose account it goes to [default: the key's address]
    #[arg(long = "for", value_name = "ADDRESS", value_parser = address::parse)]
    owner: Option<Address>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    key: Key,
}

/// Force a withdrawal
#[derive(Args)]
pub struct WithdrawOptions {
    /// The asset's number
    #[arg(long)]
    asset: u16,
    /// How much: 0.5 (whole coins or tokens), 5000q (quanta), or all; what is free then is withdrawn up to this
    #[arg(long)]
    amount: Amount,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    key: Key,
}

/// Which side of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Side {
    Buy,
    Sell,
    Both,
}

/// Force the cancellation of orders
#[derive(Args)]
pub struct CancelOptions {
    /// In this market alone [default: in all]
    #[arg(long)]
    market: Option<u16>,
    /// Of this side
    #[arg(long, value_enum, default_value_t = Side::Both)]
    side: Side,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    key: Key,
}

/// Force everything out
#[derive(Args)]
pub struct ExitOptions {
    /// These assets, by number: 0,2,3 [default: all, if there are no more than one exit takes]
    #[arg(long, value_delimiter = ',')]
    assets: Vec<u16>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    key: Key,
}

/// Deposits; of a token after approving it.
pub async fn deposit(options: &DepositOptions) -> Result<()> {
    let caller = Caller::open(&options.place, &options.key).await?;
    let asset = Asset::of(&caller.contract, options.asset).await?;
    let amount = asset.quanta(&options.amount)?;
    let owner = options.owner.unwrap_or(caller.address());
    let value = asset.wei(amount.into());
    let coins = if asset.token.is_zero() { value } else { U256::ZERO };
    if !asset.token.is_zero() {
        approve(&caller, &asset, value).await?;
    }
    let call = Exchange::depositCall { asset: asset.number, amount, owner };
    let done =
        caller.send(&format!("deposit {} for {owner}", asset.show(amount.into())), coins, &call).await?;
    let mut out = io::stdout();
    writeln!(out, "  {}", arrived(&asset, amount, &done).context(CARRIED_OUT)?)?;
    entered(&caller, &done).await.context(CARRIED_OUT)?;
    let account = caller.account_of(owner).await.context(CARRIED_OUT)?;
    writeln!(out, "  {owner} owns account {account}")?;
    writeln!(
        out,
        "next: the operator credits it in one of the next batches; trade with a session key, or `glassbook l1 exit`"
    )?;
    Ok(())
}

/// What a deposit has brought, by the contract's word.
fn arrived(asset: &Asset, amount: u64, done: &Done) -> Result<String> {
    let entry = done.entries().next().context("no event of the contract says what has arrived")?;
    let arrived = u64::try_from(entry.c).ok().context("the contract's event has no such amount")?;
    let shown = asset.show(arrived.into());
    Ok(match arrived == amount {
        true => format!("deposited {shown}"),
        false => {
            format!(
                "deposited {shown}: the token has charged for the transfer, {} were sent",
                asset.show(amount.into())
            )
        }
    })
}

/// Exactly what is deposited: an exchange that may take more is one more thing to trust.
async fn approve(caller: &Caller, asset: &Asset, value: U256) -> Result<()> {
    let (owner, spender) = (caller.address(), caller.contract.address);
    let client = &caller.contract.client;
    let has = client.call(asset.token, &IERC20::balanceOfCall { owner }).await.map_err(way_out::of)?;
    ensure!(has >= value, "{owner} has {has} wei of token {}, {value} are needed", asset.token);
    let call = IERC20::allowanceCall { owner, spender };
    let allowance = client.call(asset.token, &call).await.map_err(way_out::of)?;
    if allowance >= value {
        return Ok(());
    }
    if !allowance.is_zero() {
        // Some tokens change an allowance only from and to zero.
        let call = IERC20::approveCall { spender, amount: U256::ZERO };
        caller.send_to(asset.token, "take an earlier approval back", U256::ZERO, &call).await?;
    }
    let call = IERC20::approveCall { spender, amount: value };
    caller
        .send_to(asset.token, &format!("approve {value} wei of token {}", asset.token), U256::ZERO, &call)
        .await?;
    Ok(())
}

/// Forces a withdrawal.
pub async fn withdraw(options: &WithdrawOptions) -> Result<()> {
    let caller = Caller::open(&options.place, &options.key).await?;
    let asset = Asset::of(&caller.contract, options.asset).await?;
    let (amount, what) = match &options.amount {
        Amount::All => (u64::MAX, format!("all that is free of {asset}")),
        amount => {
            let quanta = asset.quanta(amount)?;
            (quanta, asset.show(quanta.into()))
        }
    };
    let fee = caller.contract.view(Exchange::forceFeeCall {}).await?;
    let call = Exchange::forceWithdrawCall { asset: asset.number, amount };
    let done =
        caller.send(&format!("force a withdrawal of {what}; {fee} wei are burned"), fee, &call).await?;
    entered(&caller, &done).await.context(CARRIED_OUT)?;
    then_claim()
}

/// Forces the cancellation of orders.
pub async fn cancel(options: &CancelOptions) -> Result<()> {
    let caller = Caller::open(&options.place, &options.key).await?;
    let fee = caller.contract.view(Exchange::forceFeeCall {}).await?;
    let side = match options.side {
        Side::Both => 0,
        Side::Buy => 1,
        Side::Sell => 2,
    };
    let (market, name) = match options.market {
        None => (0, "all markets".to_string()),
        Some(market) => (u32::from(market) + 1, format!("market {market}")),
    };
    let call = Exchange::forceCancelCall { marketPlusOne: market, side };
    let what = format!("force the cancellation of orders in {name}; {fee} wei are burned");
    let done = caller.send(&what, fee, &call).await?;
    entered(&caller, &done).await.context(CARRIED_OUT)?;
    writeln!(io::stdout(), "next: what the orders lock becomes free; `glassbook l1 withdraw`")?;
    Ok(())
}

/// Forces everything out.
pub async fn exit(options: &ExitOptions) -> Result<()> {
    let caller = Caller::open(&options.place, &options.key).await?;
    let most = caller.contract.view(Exchange::MAX_EXIT_ASSETSCall {}).await?;
    let mut assets = options.assets.clone();
    if assets.is_empty() {
        let count = caller.contract.view(Exchange::assetCountCall {}).await?;
        ensure!(!count.is_zero(), "the exchange has no assets yet");
        ensure!(
            count <= most,
            "there are {count} assets, and one exit takes {most} at most: name those that you have, --assets 0,2,3"
        );
        assets = (0..=u16::MAX).take(usize::try_from(count).unwrap_or(usize::MAX)).collect();
    }
    ensure!(
        U256::from(assets.len()) <= most,
        "one exit takes {most} assets at most; exit again with the others"
    );
    let fee = caller.contract.view(Exchange::forceFeeCall {}).await?;
    let fees = fee * U256::from(assets.len() + 2);
    let names = assets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let what = format!(
        "force an exit: the session ends, all orders are cancelled, assets {names} are withdrawn; {fees} wei are burned"
    );
    let done = caller.send(&what, fees, &Exchange::forceExitCall { assets }).await?;
    entered(&caller, &done).await.context(CARRIED_OUT)?;
    then_claim()
}

/// Says which entries came into the queue and until when they must be done.
async fn entered(caller: &Caller, done: &Done) -> Result<()> {
    let positions = done.positions();
    let (Some(first), Some(last)) = (positions.first(), positions.last()) else { return Ok(()) };
    let standing = Standing::read(&caller.contract).await?;
    let came = caller.contract.view(Exchange::enqueuedAtCall { position: *last }).await?;
    let which = if first == last { format!("entry {first}") } else { format!("entries {first} to {last}") };
    let left = standing.deadline(*last, came).map_or(0, |deadline| deadline.saturating_sub(standing.now));
    writeln!(
        io::stdout(),
        "  {which} of the queue: if no proof has it within {}, anybody may freeze the exchange",
        span(left)
    )?;
    Ok(())
}

fn then_claim() -> Result<()> {
    writeln!(
        io::stdout(),
        "next: `glassbook l1 queue` shows when its batch is final, then `glassbook l1 claim`; if it is overdue, `glassbook l1 freeze`"
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use contracts::bindings::Exchange::ExchangeEvents;

    use super::*;

    #[test]
    fn a_deposit_is_what_has_arrived() {
        let asset = Asset { number: 1, token: Address::repeat_byte(1), quantum: 10, decimals: Some(1) };
        let done = |amount: U256| Done {
            events: vec![ExchangeEvents::Enqueued(Exchange::Enqueued {
                position: 3,
                account: 4,
                kind: 0,
                a: B256::ZERO,
                b: U256::ONE,
                c: amount,
                hash: B256::ZERO,
            })],
        };
        let said = |amount| arrived(&asset, 100, &done(amount)).unwrap();
        assert!(said(U256::from(100)).starts_with("deposited 100 (100 quanta)"));
        assert!(!said(U256::from(100)).contains("charged"));
        let less = said(U256::from(97));
        assert!(less.starts_with("deposited 97 (97 quanta)") && less.contains("100 (100 quanta)"), "{less}");
        assert!(arrived(&asset, 100, &done(U256::MAX)).is_err());
        assert!(arrived(&asset, 100, &Done { events: Vec::new() }).is_err());
    }
}
