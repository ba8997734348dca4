//! Amounts as people write them, and assets as the contract has them.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::{Address, U256};
use anyhow::{Context as _, Result, bail};
use contracts::bindings::{Exchange, IERC20};
use l1::ClientError;

use super::contract::Contract;
use super::way_out;

/// Decimals of the chain's own coin.
const COIN_DECIMALS: u8 = 18;
/// More than any token has whose amounts fit a word.
const MAX_DECIMALS: u8 = 77;

/// An amount that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Everything.
    All,
    /// So many quanta.
    Quanta(u64),
    /// So many whole coins or tokens: digits, and digits after the point.
    Whole(String, String),
}

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some(quanta) = text.strip_suffix('q').filter(|quanta| digits(quanta)) {
            let quanta =
                quanta.parse().map_err(|_| "quanta are from 1 to 18446744073709551615".to_string())?;
            return if quanta == 0 { Err("zero is no amount".to_string()) } else { Ok(Self::Quanta(quanta)) };
        }
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        if whole.is_empty() || !digits(whole) || !digits(part) || text.ends_with('.') {
            return Err("an amount is 0.5 or 2 (whole coins or tokens), or 5000q (quanta)".to_string());
        }
        Ok(Self::Whole(whole.to_string(), part.to_string()))
    }
}

/// An asset in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its number.
    pub number: u16,
    /// Its token; zero is the chain's own coin.
    pub token: Address,
    /// Wei in a quantum.
    pub quantum: u64,
    /// Digits after the point of a whole one, if the token tells.
    pub decimals: Option<u8>,
}

impl Asset {
    /// Asks the contract, and the token for its decimals.
    pub async fn of(contract: &Contract, number: u16) -> Result<Self> {
        let info = contract.view(Exchange::assetInfoCall { asset: number }).await?;
        let decimals = if info.token.is_zero() {
            Some(COIN_DECIMALS)
        } else {
            match contract.client.call(info.token, &IERC20::decimalsCall {}).await {
                Ok(decimals) => Some(decimals).filter(|decimals| *decimals <= MAX_DECIMALS),
                Err(error @ ClientError::Unreachable { .. }) => return Err(way_out::of(error)),
                // Decimals are optional in a token.
                Err(_) => None,
            }
        };
        Ok(Self { number, token: info.token, quantum: info.quantum, decimals })
    }

    /// An amount in quanta: exactly, or not at all.
    pub fn quanta(&self, amount: &Amount) -> Result<u64> {
        let (whole, part) = match amount {
            Amount::All => bail!("how much? `all` is for withdrawals"),
            Amount::Quanta(quanta) => return Ok(*quanta),
            Amount::Whole(whole, part) => (whole, part),
        };
        let decimals = self.decimals.with_context(|| {
            format!("the token of asset {} does not tell its decimals; give quanta: 5000q", self.number)
        })?;
        if part.len() > usize::from(decimals) {
            bail!("asset {} has {decimals} digits after the point at most", self.number);
        }
        let digits = format!("{whole}{part:0<width$}", width = usize::from(decimals));
        let wei = U256::from_str_radix(&digits, 10).ok().context("the amount is beyond any token's")?;
        let quantum = U256::from(self.quantum);
        if quantum.is_zero() || !(wei % quantum).is_zero() {
            bail!(
                "asset {} is counted in quanta of {} wei: the amount must be a multiple",
                self.number,
                self.quantum
            );
        }
        match u64::try_from(wei / quantum) {
            Ok(0) => bail!("zero is no amount"),
            Ok(quanta) => Ok(quanta),
            Err(_) => bail!("the exchange holds at most {} quanta of an asset", u64::MAX),
        }
    }

    /// Quanta in wei.
    pub fn wei(&self, quanta: u128) -> U256 {
        U256::from(quanta) * U256::from(self.quantum)
    }

    /// Quanta as people read them.
    pub fn show(&self, quanta: u128) -> String {
        let wei = self.wei(quanta);
        let Some(decimals) = self.decimals else { return format!("{quanta} quanta ({wei} wei) of {self}") };
        let digits = format!("{wei:0>width$}", wei = wei.to_string(), width = usize::from(decimals) + 1);
        let (whole, part) = digits.split_at(digits.len() - usize::from(decimals));
        let part = part.trim_end_matches('0');
        let point = if part.is_empty() { "" } else { "." };
        format!("{whole}{point}{part} ({quanta} quanta) of {self}")
    }
}

impl fmt::Display for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.token.is_zero() {
            true => write!(f, "asset {}, the chain's coin", self.number),
            false => write!(f, "asset {}, token {}", self.number, self.token),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COIN: Asset =
        Asset { number: 2, token: Address::ZERO, quantum: 10_000_000_000, decimals: Some(18) };

    #[test]
    fn an_amount_is_exact_or_an_error() {
        let quanta = |text: &str| COIN.quanta(&text.parse().unwrap());
        assert_eq!(quanta("1").unwrap(), 100_000_000);
        assert_eq!(quanta("0.5").unwrap(), 50_000_000);
        assert_eq!(quanta("0.00000001").unwrap(), 1);
        assert_eq!(quanta("7q").unwrap(), 7);
        for text in ["0", "0.0", "0.000000001", "0.0000000000000000001", "184467440737.09551616", "all"] {
            assert!(quanta(text).is_err(), "{text}");
        }
        assert_eq!(quanta("184467440737.09551615").unwrap(), u64::MAX);
        assert!(quanta(&"9".repeat(100)).is_err());
        let silent = Asset { decimals: None, ..COIN };
        assert!(silent.quanta(&"1".parse().unwrap()).unwrap_err().to_string().contains("5000q"));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1,5",
            "0x10",
            "0q",
            "q",
            "1.5q",
            "99999999999999999999q",
        ] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_are_shown_as_they_are_read() {
        assert_eq!(COIN.show(50_000_000), "0.5 (50000000 quanta) of asset 2, the chain's coin");
        assert_eq!(COIN.show(300_000_000), "3 (300000000 quanta) of asset 2, the chain's coin");
        assert_eq!(COIN.show(1), "0.00000001 (1 quanta) of asset 2, the chain's coin");
        assert_eq!(COIN.show(0), "0 (0 quanta) of asset 2, the chain's coin");
    }
}
