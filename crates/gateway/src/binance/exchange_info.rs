//! What can be traded, in which steps and within which bounds.

use serde::Serialize;
use serde_json::{Value, json};
use types::{Phase, Rate};

use super::calls::{Answer, Asked};
use super::failure::Failure;
use super::market_data::{Digits as _, Show as _};
use crate::settings::Limits;
use crate::view::{Market, Scale};

/// Ways in which orders of one account are kept from trading with each other. There is always one.
pub(crate) const SELF_TRADE_MODES: [&str; 4] = ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"];

pub(super) fn exchange_info(asked: &Asked<'_>) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Info {
        timezone: &'static str,
        server_time: u64,
        rate_limits: Value,
        exchange_filters: [Value; 0],
        symbols: Vec<Value>,
    }
    let view = &asked.gateway.view;
    let params = asked.params;
    // Everything here is spot trading.
    let permitted = params.text("permissions")?.is_none_or(|text| text.contains("SPOT"));
    let status = params.text("symbolStatus")?;
    let markets = params.markets(view)?.unwrap_or_else(|| view.markets());
    let halted = view.is_halted();
    let shown = markets
        .iter()
        .filter(|market| permitted && status.is_none_or(|wanted| wanted == state(market, halted)));
    Answer::of(&Info {
        timezone: "UTC",
        server_time: asked.now,
        rate_limits: rate_limits(&asked.gateway.settings.limits),
        exchange_filters: [],
        symbols: shown.map(|market| symbol(market, halted)).collect(),
    })
}

/// Whether orders are taken: libraries ask before they trade.
pub(super) fn system_status(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let view = &asked.gateway.view;
    let open = view.is_up_to_date() && !view.is_halted();
    Answer::of(&match open {
        true => json!({ "status": 0, "msg": "normal" }),
        false => json!({ "status": 1, "msg": "system_maintenance" }),
    })
}

/// All limits that a client can run into.
fn rate_limits(limits: &Limits) -> Value {
    let limit = |kind: &str, interval: &str, count: u32, limit: u32| json!({ "rateLimitType": kind, "interval": interval, "intervalNum": count, "limit": limit });
    json!([
        limit("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute),
        limit("ORDERS", "SECOND", 10, limits.orders_per_ten_seconds),
        limit("ORDERS", "DAY", 1, limits.orders_per_day),
    ])
}

/// A market takes no orders when it is halted, and when the whole exchange is.
fn state(market: &Market, exchange_halted: bool) -> &'static str {
    match market.phase {
        Phase::Open if !exchange_halted => "TRADING",
        _ => "HALT",
    }
}

fn symbol(market: &Market, exchange_halted: bool) -> Value {
    let (base, quote) = (&market.base, &market.quote);
    json!({
        "symbol": market.symbol,
        "status": state(market, exchange_halted),
        "baseAsset": base.symbol,
        "baseAssetPrecision": base.scale.decimals,
        "quoteAsset": quote.symbol,
        "quotePrecision": quote.scale.decimals,
        "quoteAssetPrecision": quote.scale.decimals,
        "baseCommissionPrecision": base.scale.decimals,
        "quoteCommissionPrecision": quote.scale.decimals,
        "orderTypes": [
            "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
        ],
        "icebergAllowed": false,
        "ocoAllowed": false,
        "otoAllowed": false,
        "opoAllowed": false,
        "quoteOrderQtyMarketAllowed": true,
        "allowTrailingStop": false,
        "cancelReplaceAllowed": true,
        "amendAllowed": true,
        "pegInstructionsAllowed": false,
        "isSpotTradingAllowed": true,
        "isMarginTradingAllowed": false,
        "filters": filters(market),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": SELF_TRADE_MODES[0],
        "allowedSelfTradePreventionModes": SELF_TRADE_MODES,
    })
}

fn filters(market: &Market) -> Value {
    let params = &market.params;
    let limits = &params.limits;
    let one_lot = market.show_lots(1);
    let most = market.show_quantity(limits.max_quantity);
    let lots =
        |kind: &str| json!({ "filterType": kind, "minQty": one_lot, "maxQty": most, "stepSize": one_lot });
    let orders = limits.max_open_orders;
    let mut filters = vec![
        json!({
            "filterType": "PRICE_FILTER",
            "minPrice": market.price.show(1),
            "maxPrice": market.show_price(params.max_price),
            "tickSize": market.price.show(1),
        }),
        lots("LOT_SIZE"),
        lots("MARKET_LOT_SIZE"),
        json!({
            "filterType": "NOTIONAL",
            "minNotional": market.show_notional(params.tick.into()),
            "applyMinToMarket": false,
            "maxNotional": market.show_notional(limits.max_notional.0.into()),
            "applyMaxToMarket": true,
            "avgPriceMins": 0,
        }),
        json!({ "filterType": "MAX_NUM_ORDERS", "maxNumOrders": orders }),
        json!({ "filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": orders }),
    ];
    if params.collar != 0 {
        // A buy may not reach above the collar, a sell not below it; the other way there is no bound.
        let share = |millionths: u64| Scale { step: 1, decimals: 6 }.show(millionths.into());
        let collar = u64::from(params.collar);
        filters.push(json!({
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": share(Rate::ONE + collar),
            "bidMultiplierDown": "0",
            "askMultiplierUp": "1000000",
            "askMultiplierDown": share(Rate::ONE.saturating_sub(collar)),
            "avgPriceMins": 0,
        }));
    }
    if limits.max_position.0 != u64::MAX {
        let position = market.show_quantity(limits.max_position);
        filters.push(json!({ "filterType": "MAX_POSITION", "maxPosition": position }));
    }
    Value::Array(filters)
}
