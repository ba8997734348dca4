//! A client of the exchange's native API: trades with a key that stays with the trader, and checks what the exchange says.
//!
//! ```no_run
//! # async fn example(key: ed25519_dalek::SigningKey) -> Result<(), glassbook_client::ClientError> {
//! use glassbook_client::Client;
//! use types::{AccountId, Command, MarketId, Place, Price, Quantity, Side};
//!
//! let client = Client::new("http://127.0.0.1:7700")?;
//! let mut signer = client.signer(AccountId(1), key).await?;
//! let order = Place::limit(MarketId(0), Side::Buy, Price(64_000), Quantity(5));
//! let answer = client.submit(&mut signer, &[Command::Place(order)]).await?;
//! client.wait_until_sealed(answer.first_sequence, std::time::Duration::from_secs(10)).await?;
//! let receipt = client.receipt(answer.first_sequence).await?;
//! println!("batch {}: {:?} {:?}", receipt.claim.batch, receipt.outcome, receipt.events);
//! # Ok(())
//! # }
//! ```
//!
//! What is checked is checked against a *claim*. Whether the claim is the one that everybody else sees, only a proof on L1 or
//! executing the batches says ([`Client::execute_again`]).

mod answers;
mod client;
mod error;
mod signing;
mod verified;

pub use answers::{
    AccountAnswer, Acknowledgement, AssetAnswer, BatchAnswer, BatchNumbers, Block, Command, DataAvailability,
    DepthAnswer, ExchangeAnswer, Level, MarketAnswer, OrderAnswer, OrderDetail, OutcomeAnswer, Step,
    StreamAnswer, TradeAnswer,
};
pub use client::Client;
pub use error::ClientError;
pub use signing::{KeyRequest, login_digest, personal_digest, sign_login};
pub use transition::StreamSigner;
pub use verified::{VerifiedBalances, VerifiedReceipt};
