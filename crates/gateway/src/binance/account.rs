//! Balances, own trades, fees, limits, and what there is of Binance's wallet.

use serde::Serialize;
use serde_json::{Value, json};
use types::{Address, Command, Outcome, Quanta, Rate};

use super::calls::{Answer, Asked};
use super::failure::Failure;
use super::market_data::{Digits as _, Show as _, millis};
use crate::keys::Role;
use crate::view::{Asset, Market, Scale, Trade};

/// A rate as a decimal number. Negative is a rebate.
fn rate(rate: Rate) -> String {
    Scale { step: 1, decimals: 8 }.format_signed(i128::from(rate.0) * 100)
}

#[derive(Serialize)]
struct Rates {
    maker: String,
    taker: String,
    buyer: String,
    seller: String,
}

impl Rates {
    fn of(maker: Rate, taker: Rate) -> Self {
        let (buyer, seller) = (rate(Rate(0)), rate(Rate(0)));
        Self { maker: rate(maker), taker: rate(taker), buyer, seller }
    }
}

/// What trading in a market costs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Commissions {
    #[serde(skip_serializing_if = "Option::is_none")]
    symbol: Option<String>,
    #[serde(rename = "standardCommission", skip_serializing_if = "Option::is_none")]
    standard: Option<Rates>,
    #[serde(rename = "taxCommission", skip_serializing_if = "Option::is_none")]
    tax: Option<Rates>,
    #[serde(skip_serializing_if = "Option::is_none")]
    standard_commission_for_order: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_commission_for_order: Option<Value>,
    discount: Value,
}

impl Commissions {
    pub fn of_order(market: &Market) -> Self {
        let both = |maker: Rate, taker: Rate| Some(json!({ "maker": rate(maker), "taker": rate(taker) }));
        Self {
            symbol: None,
            standard: None,
            tax: None,
            standard_commission_for_order: both(market.params.maker_fee, market.params.taker_fee),
            tax_commission_for_order: both(Rate(0), Rate(0)),
            discount: Self::no_discount(market),
        }
    }

    fn of_market(market: &Market) -> Self {
        Self {
            symbol: Some(market.symbol.clone()),
            standard: Some(Rates::of(market.params.maker_fee, market.params.taker_fee)),
            tax: Some(Rates::of(Rate(0), Rate(0))),
            standard_commission_for_order: None,
            tax_commission_for_order: None,
            discount: Self::no_discount(market),
        }
    }

    /// Fees are paid in what is paid with, by everybody alike.
    fn no_discount(market: &Market) -> Value {
        json!({
            "enabledForAccount": false,
            "enabledForSymbol": false,
            "discountAsset": market.quote.symbol,
            "discount": rate(Rate(0)),
        })
    }
}

pub(super) fn commission(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let market = asked.params.market(&asked.gateway.view)?;
    Answer::of(&Commissions::of_market(&market))
}

pub(super) fn trade_fees(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let view = &asked.gateway.view;
    let markets = asked.params.markets(view)?.unwrap_or_else(|| view.markets());
    let fees = markets.iter().map(|market| {
        json!({
            "symbol": market.symbol,
            "makerCommission": rate(market.params.maker_fee),
            "takerCommission": rate(market.params.taker_fee),
        })
    });
    Answer::of(&fees.collect::<Vec<_>>())
}

pub(super) fn account(asked: &Asked<'_>) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Shown {
        maker_commission: i32,
        taker_commission: i32,
        buyer_commission: i32,
        seller_commission: i32,
        commission_rates: Rates,
        can_trade: bool,
        can_withdraw: bool,
        can_deposit: bool,
        brokered: bool,
        require_self_trade_prevention: bool,
        prevent_sor: bool,
        update_time: u64,
        account_type: &'static str,
        balances: Vec<Owned>,
        permissions: [&'static str; 1],
        uid: u32,
    }
    #[derive(Serialize)]
    struct Owned {
        asset: String,
        free: String,
        locked: String,
    }
    let view = &asked.gateway.view;
    let caller = asked.caller()?;
    let omit_zero = asked.params.boolean("omitZeroBalances")? == Some(true);
    let account = view.account(caller.account).ok_or_else(Failure::forbidden)?;
    let assets = view.assets();
    let balances = assets.iter().zip(&account.balances).map(|(asset, balance)| Owned {
        asset: asset.symbol.clone(),
        free: asset.scale.show(balance.free.0.into()),
        locked: asset.scale.show(balance.locked.0.into()),
    });
    let empty = |amount: &str| amount.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let balances = balances.filter(|owned| !omit_zero || !empty(&owned.free) || !empty(&owned.locked));
    let balances = balances.collect();
    // Each market has fees of its own (`account/commission`); here the highest.
    let markets = view.markets();
    let highest =
        |fee: fn(&Market) -> Rate| markets.iter().map(|market| fee(market)).max().unwrap_or(Rate(0));
    let (maker, taker) =
        (highest(|market| market.params.maker_fee), highest(|market| market.params.taker_fee));
    Answer::of(&Shown {
        // In hundredths of a percent.
        maker_commission: maker.0.div_euclid(100),
        taker_commission: taker.0.div_euclid(100),
        buyer_commission: 0,
        seller_commission: 0,
        commission_rates: Rates::of(maker, taker),
        can_trade: !account.state.suspended && caller.role >= Role::Trade,
        can_withdraw: caller.role >= Role::Withdraw,
        can_deposit: true,
        brokered: false,
        require_self_trade_prevention: true,
        prevent_sor: false,
        update_time: millis(view.time()),
        account_type: "SPOT",
        balances,
        permissions: ["SPOT"],
        uid: account.id.0,
    })
}

pub(super) fn own_trades(asked: &Asked<'_>) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Shown {
        symbol: String,
        id: u64,
        order_id: u64,
        order_list_id: i64,
        price: String,
        qty: String,
        quote_qty: String,
        commission: String,
        commission_asset: String,
        time: u64,
        is_buyer: bool,
        is_maker: bool,
        is_best_match: bool,
        /// Not Binance's: the taker's command, by which its batch and its receipt are found.
        sequence: u64,
    }
    let view = &asked.gateway.view;
    let account = asked.caller()?.account;
    let market = asked.params.market(view)?;
    let order = asked.params.whole("orderId")?.map(types::OrderId);
    let range = asked.params.range(Some("fromId"), 500, 1_000)?;
    let show = |trade: Trade| {
        let is_maker = trade.maker.1 == account;
        let taker_buys = trade.taker_side == types::Side::Buy;
        Shown {
            symbol: market.symbol.clone(),
            id: trade.id,
            order_id: if is_maker { trade.maker.0.0 } else { trade.taker.0.0 },
            order_list_id: -1,
            price: market.show_price(trade.price),
            qty: market.show_quantity(trade.quantity),
            quote_qty: market.show_notional(trade.notional),
            commission: fee(&market, &trade, is_maker),
            commission_asset: market.quote.symbol.clone(),
            time: millis(trade.time),
            is_buyer: taker_buys != is_maker,
            is_maker,
            is_best_match: true,
            sequence: trade.sequence,
        }
    };
    let trades = view.account_trades(account, market.id, order, range);
    Answer::of(&trades.into_iter().map(show).collect::<Vec<_>>())
}

/// What one side of a trade pays; a rebate is negative.
pub(crate) fn fee(market: &Market, trade: &Trade, maker: bool) -> String {
    let fee = if maker { i128::from(trade.maker_fee) } else { i128::from(trade.taker_fee.0) };
    market.quote.scale.show_signed(fee)
}

pub(super) fn order_counts(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let counts = asked.gateway.limiter.orders(asked.caller()?.account, asked.now);
    let limits = &asked.gateway.settings.limits;
    let count = |interval: &str, number: u32, limit: u32, count: u32| {
        json!({
            "rateLimitType": "ORDERS",
            "interval": interval,
            "intervalNum": number,
            "limit": limit,
            "count": count,
        })
    };
    Answer::of(&[
        count("SECOND", 10, limits.orders_per_ten_seconds, counts.ten_seconds),
        count("DAY", 1, limits.orders_per_day, counts.day),
    ])
}

/// Assets, and that they come in and go out over one network.
pub(super) fn coins(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let view = &asked.gateway.view;
    let account = view.account(asked.caller()?.account).ok_or_else(Failure::forbidden)?;
    let show = |asset: &Asset, balance: &rules::Balance| {
        let zero = asset.scale.show(0);
        json!({
            "coin": asset.symbol,
            "name": asset.symbol,
            "depositAllEnable": true,
            "withdrawAllEnable": true,
            "free": asset.scale.show(balance.free.0.into()),
            "locked": asset.scale.show(balance.locked.0.into()),
            "freeze": zero,
            "withdrawing": zero,
            "ipoing": zero,
            "ipoable": zero,
            "storage": zero,
            "isLegalMoney": false,
            "trading": true,
            "networkList": [{
                "network": "ETH",
                "name": "Ethereum",
                "coin": asset.symbol,
                "isDefault": true,
                "depositEnable": true,
                "withdrawEnable": true,
                "withdrawFee": zero,
                "withdrawMin": asset.scale.show(1),
                "withdrawMax": asset.scale.show(u64::MAX.into()),
                "withdrawInternalMin": asset.scale.show(1),
                "withdrawIntegerMultiple": asset.scale.show(1),
                "contractAddress": asset.params.token.to_string(),
                "addressRegex": "^(0x)[0-9A-Fa-f]{40}$",
                "memoRegex": "",
                "minConfirm": 1,
                "unLockConfirm": 0,
                "sameAddress": false,
                "busy": false,
                "estimatedArrivalTime": 0,
            }],
        })
    };
    let assets = view.assets();
    let shown: Vec<Value> =
        assets.iter().zip(&account.balances).map(|(asset, balance)| show(asset, balance)).collect();
    Answer::of(&shown)
}

/// Takes money out. It goes to the account's owner and nowhere else, so the address must be his.
pub(super) async fn withdraw(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let gateway = asked.gateway;
    let caller = asked.caller()?;
    let coin = asked.params.required("coin")?;
    let assets = gateway.view.assets();
    let asset = assets.iter().find(|asset| asset.symbol == coin);
    let asset = asset.ok_or_else(|| Failure::new(-4026, "The asset is not listed."))?;
    asked.params.required("amount")?;
    let amount = asked.params.units("amount", asset.scale, asset.scale, "LOT_SIZE")?.unwrap_or(0);
    let to = asked.params.required("address")?;
    let owner = gateway.view.account(caller.account).ok_or_else(Failure::forbidden)?.state.owner;
    if address(to) != Some(owner) {
        let text = format!("Withdrawals go to the account's owner, {owner}; the address must be this one.");
        return Err(Failure::new(-4007, text));
    }
    let details = json!({ "coin": coin, "quanta": amount, "to": owner.to_string() });
    gateway.audit.record(&format!("account {}", caller.account), "withdraw", &details).map_err(|error| {
        tracing::error!(%error, "a withdrawal was refused, for it could not be written down");
        Failure::new(-1000, "An unknown error occurred while processing the request.")
    })?;
    let command = Command::Withdraw { asset: asset.id, amount: Quanta(amount) };
    let acknowledgement = gateway.desk.place(caller.account, vec![command]).await?;
    match acknowledgement.outcomes.first() {
        Some(Outcome::Rejected(reject)) => Err(Failure::order_rejected(*reject)),
        _ => Answer::of(&json!({ "id": acknowledgement.first_sequence.to_string() })),
    }
}

fn address(text: &str) -> Option<Address> {
    let mut address = [0; 20];
    hex::decode_to_slice(text.strip_prefix("0x")?, &mut address).ok()?;
    Some(Address(address))
}
