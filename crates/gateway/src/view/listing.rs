//! Assets and markets as they are shown: with names and scales.

use std::sync::Arc;

use types::{AssetId, MarketId};

use super::options::ViewOptions;
use super::{Asset, Market, Scale, ScaleError, Unlisted};

/// An asset as it is shown.
pub(super) fn asset(id: AssetId, state: &rules::Asset, options: &ViewOptions) -> Result<Asset, ScaleError> {
    let symbol = state.params.symbol.iter().take_while(|byte| byte.is_ascii_graphic());
    let mut symbol: String = symbol.map(|byte| char::from(byte.to_ascii_uppercase())).collect();
    if symbol.is_empty() {
        symbol = format!("ASSET{id}");
    }
    let scale = Scale::of_asset(&state.params, options.decimals(id))?;
    Ok(Asset { id, symbol, params: state.params, scale })
}

/// A market as it is shown, or why it is not.
pub(super) fn market(
    id: MarketId,
    state: &rules::Market,
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
    Ok(Arc::new(Market {
        id,
        symbol: format!("{}{}", base.symbol, quote.symbol),
        price: price.map_err(unlisted)?,
        quantity: quantity.map_err(unlisted)?,
        base,
        quote,
        params,
        phase: state.phase,
    }))
}
