//! Into the queue: deposits, forced withdrawals and cancellations, a forced exit.

use std::io::{self, Write as _};

use alloy_primitives::{Address, U256};
use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use contracts::bindings::{Exchange, IERC20};

use super::amount::{Amount, Asset};
use super::contract::{Caller, Key, Place};
use super::queue::{Standing, span};
use super::way_out;

/// The most assets that one exit withdraws, as in the contract.
const EXIT_ASSETS: usize = 16;

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
    #[arg(long = "for", value_name = "ADDRESS")]
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
    /// These assets, by number: 0,2,3 [default: all, if there are no more than 16]
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
        caller.send(&format!("deposited {} for {owner}", asset.show(amount.into())), coins, &call).await?;
    entered(&caller, &done.positions()).await?;
    let account = caller.account_of(owner).await?;
    let mut out = io::stdout();
    writeln!(out, "  {owner} owns account {account}")?;
    writeln!(
        out,
        "next: the operator credits it in one of the next batches; trade with a session key, or `glassbook l1 exit`"
    )?;
    Ok(())
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
        caller.send_to(asset.token, "took an earlier approval back", U256::ZERO, &call).await?;
    }
    let call = IERC20::approveCall { spender, amount: value };
    caller.send_to(asset.token, &format!("approved {value} wei of the token"), U256::ZERO, &call).await?;
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
        caller.send(&format!("forced a withdrawal of {what}; {fee} wei are burned"), fee, &call).await?;
    entered(&caller, &done.positions()).await?;
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
    let what = format!("forced the cancellation of orders in {name}; {fee} wei are burned");
    let done = caller.send(&what, fee, &call).await?;
    entered(&caller, &done.positions()).await?;
    writeln!(io::stdout(), "next: what the orders lock becomes free; `glassbook l1 withdraw`")?;
    Ok(())
}

/// Forces everything out.
pub async fn exit(options: &ExitOptions) -> Result<()> {
    let caller = Caller::open(&options.place, &options.key).await?;
    let mut assets = options.assets.clone();
    if assets.is_empty() {
        let count = caller.contract.view(Exchange::assetCountCall {}).await?;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        ensure!(count > 0, "the exchange has no assets yet");
        ensure!(
            count as usize <= EXIT_ASSETS,
            "there are {count} assets, and one exit takes {EXIT_ASSETS} at most: name those that you have, --assets 0,2,3"
        );
        assets = (0..=u16::MAX).take(count as usize).collect();
    }
    ensure!(
        assets.len() <= EXIT_ASSETS,
        "one exit takes {EXIT_ASSETS} assets at most; exit again with the others"
    );
    let fee = caller.contract.view(Exchange::forceFeeCall {}).await?;
    let fees = fee * U256::from(assets.len() + 2);
    let names = assets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let what = format!(
        "forced an exit: the session ends, all orders are cancelled, assets {names} are withdrawn; {fees} wei are burned"
    );
    let done = caller.send(&what, fees, &Exchange::forceExitCall { assets }).await?;
    entered(&caller, &done.positions()).await?;
    then_claim()
}

/// Says which entries came into the queue and until when they must be done.
async fn entered(caller: &Caller, positions: &[u64]) -> Result<()> {
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
