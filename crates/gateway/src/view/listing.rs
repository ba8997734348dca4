//! Assets and markets as they are shown: with names and scales.

use std::sync::Arc;

use types::{AssetId, MarketId};

use super::options::ViewOptions;
use super::{Asset, Market, Scale, ScaleError, Unlisted};

/// An asset as it is shown. Its name is what it was listed as, unless that is none, or another one's.
pub(super) fn asset(
    id: AssetId,
    state: &rules::Asset,
    others: &[Result<Arc<Asset>, ScaleError>],
    options: &ViewOptions,
) -> Result<Asset, ScaleError> {
    let symbol = state.params.symbol.map(|byte| byte.to_ascii_uppercase());
    let length = symbol.iter().position(|byte| *byte == 0).unwrap_or(symbol.len());
    let (name, rest) = symbol.split_at(length);
    let sound =
        !name.is_empty() && name.iter().all(u8::is_ascii_alphanumeric) && rest.iter().all(|byte| *byte == 0);
    let name: String = name.iter().copied().map(char::from).collect();
    let symbol = match sound {
        false => format!("ASSET_{id}"),
        true if others.iter().flatten().any(|other| other.symbol == name) => format!("{name}_{id}"),
        true => name,
    };
    let scale = Scale::of_asset(&state.params, options.decimals(id))?;
    Ok(Asset { id, symbol, params: state.params, scale })
}

/// A market as it is shown, or why it is not. Of several with the same assets the one that `named` says (the first) has their
/// name alone.
pub(super) fn market(
    id: MarketId,
    state: &rules::Market,
    named: impl Fn(&str) -> Option<MarketId>,
    assets: &[Result<Arc<Asset>, ScaleError>],
    options: &ViewOptions,
) -> Result<Arc<Market>, Unlisted> {
    let unlisted = |why| Unlisted { id, why };
    let params = state.params;
    let find = |asset: AssetId| {
        let missing = Err(ScaleError::Range { what: "asset" });
        assets.get(usize::from(asset.0)).cloned().unwrap_or(missing).map_err(unlisted)
    };
    let (base, quote) = (find(params.base)?, find(params.quote)?);
    let (base_decimals, quote_decimals) = (options.decimals(base.id), options.decimals(quote.id));
    let price = Scale::of_price(&params, (&base.params, base_decimals), (&quote.params, quote_decimals));
    let quantity = Scale::of_quantity(&params, &base.params, base_decimals);
    let mut symbol = format!("{}{}", base.symbol, quote.symbol);
    if named(&symbol).is_some_and(|other| other != id) {
        symbol = format!("{symbol}_{id}");
    }
    Ok(Arc::new(Market {
        id,
        symbol,
        price: price.map_err(unlisted)?,
        quantity: quantity.map_err(unlisted)?,
        base,
        quote,
        params,
        phase: state.phase,
    }))
}

#[cfg(test)]
mod tests {
    use types::{
        AccountId, Address, AssetParams, Breaker, Limits, MarketParams, Phase, Price, Quanta, Rate, Timestamp,
    };

    use super::*;

    fn assets(symbols: &[&[u8; 8]]) -> Vec<Result<Arc<Asset>, ScaleError>> {
        let mut assets = Vec::new();
        for (id, symbol) in (0..).map(AssetId).zip(symbols) {
            let params =
                AssetParams { token: Address::default(), quantum: 1_000_000_000_000, symbol: **symbol };
            let state = rules::Asset { params, total: Quanta(0) };
            assets.push(asset(id, &state, &assets, &ViewOptions::default()).map(Arc::new));
        }
        assets
    }

    fn created(lot: u64) -> rules::Market {
        rules::Market::new(MarketParams {
            base: AssetId(1),
            quote: AssetId(0),
            lot,
            tick: 1,
            max_price: Price(1),
            maker_fee: Rate(0),
            taker_fee: Rate(0),
            fee_account: AccountId(0),
            limits: Limits::NONE,
            collar: 0,
            breaker: Breaker { band: 0, window: 0, halt: 0 },
            reference_price: Price(0),
        })
    }

    #[test]
    fn every_name_is_of_one_asset_or_market_and_harmless() {
        let symbols: [&[u8; 8]; 7] = [
            b"usd\0\0\0\0\0",
            b"BTC\0\0\0\0\0",
            b"USD\0\0\0\0\0",
            b"<b>\0\0\0\0\0",
            b"A\0B\0\0\0\0\0",
            b"\0\0\0\0\0\0\0\0",
            b"ABCDEFGH",
        ];
        let assets = assets(&symbols);
        let names: Vec<&str> = assets.iter().flatten().map(|asset| asset.symbol.as_str()).collect();
        assert_eq!(names, ["USD", "BTC", "USD_2", "ASSET_3", "ASSET_4", "ASSET_5", "ABCDEFGH"]);
        let named = |name: &str| (name == "BTCUSD").then_some(MarketId(0));
        let show =
            |id, state: &rules::Market| market(MarketId(id), state, named, &assets, &ViewOptions::default());
        assert_eq!(show(0, &created(1)).unwrap().symbol, "BTCUSD");
        let mut halted = created(1);
        halted.phase = Phase::Halted { until: Timestamp::NEVER };
        assert_eq!(show(0, &halted).unwrap().symbol, "BTCUSD");
        assert_eq!(show(1, &created(1)).unwrap().symbol, "BTCUSD_1");
        // A third of a tick is no decimal.
        let why = ScaleError::NotDecimal { numerator: 1, denominator: 3 };
        assert_eq!(show(2, &created(3)), Err(Unlisted { id: MarketId(2), why }));
    }
}
