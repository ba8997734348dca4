//! Trades with a key that stays here, then checks what the exchange did.
//!
//! ```text
//! cargo run --release -p glassbook-client --example trade_and_verify -- --account 1 --key SEED --price 64000
//! ```

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use ed25519_dalek::SigningKey;
use glassbook_client::Client;
use types::{AccountId, Command, MarketId, Outcome, Place, Price, Quantity, Side};

/// Trades with a key that stays here, then checks what the exchange did
#[derive(Parser)]
struct Options {
    /// The exchange
    #[arg(long, default_value = "http://127.0.0.1:7700")]
    url: String,
    /// The account's number
    #[arg(long)]
    account: u32,
    /// The session's secret key, 64 hexadecimal digits
    #[arg(long)]
    key: String,
    /// The market's number
    #[arg(long, default_value_t = 0)]
    market: u16,
    /// Ticks
    #[arg(long)]
    price: u32,
    /// Lots
    #[arg(long, default_value_t = 1)]
    quantity: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let key: [u8; 32] =
        hex::decode(&options.key)?.try_into().ok().context("a secret key is 64 hexadecimal digits")?;
    let (account, market) = (AccountId(options.account), MarketId(options.market));
    let client = Client::new(&options.url)?;
    let facts = client.exchange().await?;
    println!("exchange {} on chain {}; proofs: {}", facts.contract, facts.chain_id, facts.proof_statement);

    let mut signer = client.signer(account, SigningKey::from_bytes(&key)).await?;
    let place = Place::limit(market, Side::Buy, Price(options.price), Quantity(options.quantity));
    let answer = client.submit(&mut signer, &[Command::Place(place)]).await?;
    let (sequence, outcome) = (answer.first_sequence, answer.outcomes[0]);
    let order = match outcome {
        Outcome::Accepted(order) => order,
        Outcome::Rejected(reject) => bail!("rejected, {}: {reject}", reject.code()),
        Outcome::Done => bail!("an order is accepted or rejected"),
    };
    println!("command {sequence} accepted: order {order}, batch {}", answer.batch);

    client.wait_until_sealed(sequence, Duration::from_secs(30)).await?;
    let receipt = client.receipt(sequence).await?;
    ensure!(
        receipt.outcome == outcome && receipt.claim.batch == answer.batch,
        "the receipt says something else than the acknowledgement did: keep both"
    );
    println!("receipt: the path leads to the events root of batch {}", receipt.claim.batch);
    for event in &receipt.events {
        println!("  {event:?}");
    }

    let sealed = client.execute_again(answer.batch).await?;
    ensure!(sealed.claim == receipt.claim, "the sealed batch claims something else than the receipt's claim");
    println!("batch {}: executed again with all signatures, it is what it claims", answer.batch);

    client.submit(&mut signer, &[Command::MassCancel { market: Some(market), side: None }]).await?;
    let status = client.order(order).await?;
    println!("order {order} is {}; what was left of it is cancelled", status.state);

    let balances = client.balances(account, None).await?;
    println!("balances: the paths lead to the state root after batch {}", balances.claim.batch);
    for (asset, (free, locked)) in &balances.balances {
        println!("  asset {asset}: {free} quanta free, {locked} locked");
    }
    Ok(())
}
