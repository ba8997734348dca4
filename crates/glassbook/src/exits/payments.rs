//! Payments one after the other: one that the contract refuses does not keep the others back.

use std::io::{self, Write as _};

use alloy_primitives::U256;
use alloy_sol_types::SolCall;
use anyhow::{Result, ensure};

use super::contract::Caller;
use super::way_out;

/// What came of some payments.
#[derive(Debug, Default)]
pub struct Payments {
    paid: u64,
    refused: u64,
}

impl Payments {
    /// Makes the next one. A refusal is said at once, and counted.
    ///
    /// # Errors
    /// When the next one may not be tried: the node does not answer, what became of this one is not known, or the gas is not there.
    pub async fn pay(&mut self, caller: &Caller, what: &str, call: &impl SolCall) -> Result<()> {
        let sent = caller.send(what, U256::ZERO, call).await;
        self.note(sent.map(drop))
    }

    fn note(&mut self, sent: Result<()>) -> Result<()> {
        match sent {
            Ok(()) => self.paid += 1,
            Err(error) if way_out::is_refusal(&error) => {
                self.refused += 1;
                eprintln!("REFUSED: {error:#}");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Whether there was nothing to pay.
    pub fn none(&self) -> bool {
        self.paid == 0 && self.refused == 0
    }

    /// Says how many were made.
    ///
    /// # Errors
    /// When some were refused.
    pub fn finish(&self, done: &str, what: &str) -> Result<()> {
        let Self { paid, refused } = self;
        writeln!(io::stdout(), "{done} {paid} {what}")?;
        ensure!(
            *refused == 0,
            "{refused} of {} {what} were refused: which, why, and what to do, is said above",
            paid.saturating_add(*refused)
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use contracts::bindings::Exchange;
    use l1::{ClientError, Refusal};

    use super::*;
    use alloy_primitives::Address;
    use alloy_sol_types::SolError as _;

    fn refusal() -> Result<()> {
        let refused = Exchange::TransferFailed { token: Address::ZERO, to: Address::ZERO };
        let refused = ClientError::Reverted(Refusal::decode(&refused.abi_encode()));
        Err(way_out::of(refused)).context("claim 1 of asset 2")
    }

    #[test]
    fn a_refusal_does_not_keep_the_others_back_and_is_told_in_the_end() {
        let mut payments = Payments::default();
        assert!(payments.none());
        for sent in [Ok(()), refusal(), refusal(), Ok(()), Ok(())] {
            payments.note(sent).unwrap();
        }
        assert!(!payments.none());
        let why = payments.finish("paid", "withdrawals").unwrap_err().to_string();
        assert!(why.contains("2 of 5 withdrawals were refused"), "{why}");

        let mut refused = Payments::default();
        refused.note(refusal()).unwrap();
        assert!(!refused.none() && refused.finish("paid", "withdrawals").is_err());
    }

    #[test]
    fn whatever_else_goes_wrong_ends_it() {
        let (url, why) = ("http://127.0.0.1:1".to_string(), "it is gone".to_string());
        let mut payments = Payments::default();
        payments.note(Ok(())).unwrap();
        let gone = Err(way_out::of(ClientError::Unreachable { url, why })).context("claim 1 of asset 2");
        assert!(payments.note(gone).is_err());
        assert!(payments.note(Err(anyhow::anyhow!("no gas"))).is_err());
        payments.finish("paid", "withdrawals").unwrap();
    }
}
