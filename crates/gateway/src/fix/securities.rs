//! SecurityList: the markets.

use ::fix::{Body, Message, tags as session};

use super::requests::Problem;
use super::tags::{self, kind};
use crate::view::View;

/// Answers a SecurityListRequest: for all markets (SecurityListRequestType 4) or one (0).
pub(super) fn list(message: &Message, view: &View) -> Result<Body, Problem> {
    let id = message.text(tags::SECURITY_REQ_ID)?;
    let markets = match message.text(tags::SECURITY_LIST_REQUEST_TYPE)? {
        "0" => {
            let symbol = message.text(tags::SYMBOL)?;
            view.market(symbol).into_iter().collect()
        }
        "4" => view.markets(),
        _ => Vec::new(),
    };
    let mut body = Body::new(kind::SECURITY_LIST)
        .with(tags::SECURITY_REQ_ID, id)
        .with(tags::SECURITY_RESPONSE_ID, id)
        // 2: no instruments found.
        .with(tags::SECURITY_REQUEST_RESULT, if markets.is_empty() { 2 } else { 0 });
    if markets.is_empty() {
        return Ok(body);
    }
    body.push(tags::TOT_NO_RELATED_SYM, markets.len());
    body.push(tags::NO_RELATED_SYM, markets.len());
    for market in markets {
        let step = market.price.format(1);
        body.push(tags::SYMBOL, &market.symbol);
        body.push(tags::CURRENCY, &market.quote.symbol);
        body.push(tags::ROUND_LOT, market.quantity.format(1));
        body.push(session::TEXT, format_args!("base={} price_step={step}", market.base.symbol));
    }
    Ok(body)
}
