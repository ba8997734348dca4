//! Requests of Binance's protocol: parameters are those that stand there, nothing is understood that was not signed, only the
//! right signature is taken, and an order that is taken says what was written.
#![no_main]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use gateway::binance::fuzzing::{Request, signed_bytes};
use gateway::keys::{KeyError, Role};
use gateway::view::{Market, View};
use hmac::{Hmac, Mac as _};
use kit::{Choices, Front, front, plain_decimal, same_decimal};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::Sha256;
use types::{OrderType, Place, SelfTrade, Side, TimeInForce, TriggerKind};

/// Milliseconds since 1970.
const NOW: u64 = 1_700_000_000_000;
/// Parameters of a request at most.
const MOST: usize = 64;

fuzz_target!(|data: &[u8]| {
    // Where a signature is put and how it is changed; a query; a body.
    let Some((head, rest)) = data.split_at_checked(4) else { return };
    let cut = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (query, body) = (&rest[..cut], rest.get(cut + 1..).unwrap_or_default());
    let Ok(query) = std::str::from_utf8(query) else { return };
    let front = front();
    form(query, body, head, &front.world.view);
    if let Ok(text) = std::str::from_utf8(body) {
        json(text, &front.world.view);
    }
    if head[0] % 8 == 0 {
        signature(front, body, head);
    }
});

fn decoded(text: &[u8]) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let digits =
            after.get(..2).filter(|digits| *first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        match digits.and_then(|digits| hex::decode(digits).ok()) {
            Some(byte) => {
                bytes.extend(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn pairs(text: &[u8]) -> impl Iterator<Item = (String, String)> {
    text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        (decoded(&pair[..equals]), decoded(pair.get(equals + 1..).unwrap_or_default()))
    })
}

/// Percent-encoded, all of it.
fn encoded(list: &[(String, String)]) -> String {
    let bytes = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let list: Vec<String> =
        list.iter().map(|(name, value)| format!("{}={}", bytes(name), bytes(value))).collect();
    list.join("&")
}

fn form(query: &str, body: &[u8], head: &[u8], view: &View) {
    let expected: Vec<(String, String)> = pairs(query.as_bytes()).chain(pairs(body)).collect();
    let request = match Request::of_form(query, body) {
        Ok(request) => request,
        Err(code) => return assert!(code == -1101 && expected.len() > MOST),
    };
    assert!(expected.len() <= MOST && request.list() == expected);
    let (first, last) = expected.split_at(usize::from(head[0]) % (expected.len() + 1));
    let again = Request::of_form(&encoded(first), encoded(last).as_bytes()).expect("as many");
    assert_eq!(again.list(), expected);
    signed(query, body, head, &request);
    read(&request, view);
}

/// What is signed is all but the signature, wherever that stands; and nothing else is understood.
fn signed(query: &str, body: &[u8], head: &[u8], request: &Request) {
    let mut texts = [query.as_bytes(), body].map(|text| {
        let pairs = text.split(|byte| *byte == b'&').filter(|pair| !pair.starts_with(b"signature="));
        pairs.map(<[u8]>::to_vec).collect::<Vec<_>>()
    });
    let bare = texts.clone().map(|text| text.join(&b'&'));
    let whole = signed_bytes(query, body);
    assert_eq!(whole, bare.concat());
    let text = &mut texts[usize::from(head[1] % 2)];
    text.insert(usize::from(head[1] / 2) % (text.len() + 1), b"signature=ab".to_vec());
    let [first, last] = texts.map(|text| text.join(&b'&'));
    assert_eq!(signed_bytes(std::str::from_utf8(&first).expect("as it was"), &last), whole);
    let unsigned =
        Request::of_form(std::str::from_utf8(&bare[0]).expect("as it was"), &bare[1]).expect("fewer");
    let but_signature = |request: &Request| {
        request.list().iter().filter(|(name, _)| name != "signature").cloned().collect::<Vec<_>>()
    };
    assert_eq!(but_signature(&unsigned), but_signature(request));

    let mut list = but_signature(request);
    list.sort();
    let texts = request.signed_texts();
    let plain: Vec<String> = list.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(texts[0], plain.join("&").as_bytes());
    let special = list.iter().any(|(_, value)| {
        value.bytes().any(|byte| !byte.is_ascii_alphanumeric() && !b"*-._".contains(&byte))
    });
    assert_eq!(texts.len(), if special { 2 } else { 1 });
    if let Some(text) = texts.get(1)
        && list.iter().all(|(name, _)| !name.contains(['&', '=']))
    {
        let mut pairs = text.split(|byte| *byte == b'&');
        for (name, value) in &list {
            let pair = pairs.next().expect("one for each");
            let text = pair.strip_prefix(format!("{name}=").as_bytes()).expect("the name as it is");
            assert_eq!(decoded(text), *value);
        }
    }
}

fn json(text: &str, view: &View) {
    let Ok(raw) = serde_json::from_str::<&RawValue>(text) else { return };
    let Ok(request) = Request::of_json(raw) else { return };
    let object: BTreeMap<String, Value> = match serde_json::from_str(text) {
        Ok(object) => object,
        // Numbers are not looked at.
        Err(error) => return assert!(error.to_string().contains("number out of range"), "{error}"),
    };
    let object: Vec<_> = object.iter().filter(|(_, value)| !value.is_null()).collect();
    assert!(object.len() <= MOST && object.len() == request.list().len());
    for ((name, value), (known, text)) in object.into_iter().zip(request.list()) {
        assert_eq!(name, known);
        match value {
            Value::String(value) => assert_eq!(value, text),
            value => assert_eq!(serde_json::from_str::<Value>(text).ok().as_ref(), Some(value)),
        }
    }
    read(&request, view);
}

/// The first value of a name, unless it is empty.
fn value<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let found = request.list().iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn read(request: &Request, view: &View) {
    for (name, _) in request.list().iter().take(4) {
        let text = value(request, name);
        assert_eq!(request.whole(name).ok(), text.map(whole).filter(Option::is_some));
        let boolean = text.map(str::to_ascii_lowercase).and_then(|text| text.parse::<bool>().ok());
        assert_eq!(request.boolean(name).ok().flatten(), boolean);
    }
    if request.check_time(NOW).is_ok() {
        let timestamp = value(request, "timestamp").and_then(whole).expect("a time");
        let window = value(request, "recvWindow").map_or("5000", |text| {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
            assert!(plain_decimal(&format!("{whole}.{fraction}")).is_some(), "{text}");
            whole
        });
        let window = whole(window).expect("a window");
        assert!(window <= 60_000 && timestamp + window >= NOW && timestamp < NOW + 1_000);
    }
    if let Ok(range) = request.range("fromId", 500, 1_000) {
        assert_eq!(range.from, value(request, "fromId").and_then(whole));
        assert!((1..=1_000).contains(&range.limit));
        assert!(range.start.is_none() || range.end.is_none() || range.start <= range.end);
    }
    if let Ok(order) = request.order() {
        let id = value(request, "orderId").and_then(whole);
        let client = value(request, "origClientOrderId").map(gateway::client_ids::number);
        match order {
            types::OrderRef::Id(found) => assert_eq!(Some(found.0), id),
            types::OrderRef::Client(found) => assert_eq!((None, Some(found)), (id, client)),
        }
    }
    if let Ok(Some(markets)) = request.markets(view) {
        assert!((1..=1_000).contains(&markets.len()));
        assert!(markets.iter().all(|symbol| view.market(symbol).is_some()));
    }
    if let Ok(place) = request.new_order(view) {
        order(request, &place, view);
    }
}

/// An order says what was written, and written plainly it is the same order.
fn order(request: &Request, place: &Place, view: &View) {
    let market = view.market_by_id(place.market).expect("one of the view's");
    let plain = parameters(place, &market);
    for (name, text) in &plain {
        match *name {
            "quantity" | "price" | "stopPrice" | "quoteOrderQty" => {
                let said = value(request, name).expect(name);
                assert!(same_decimal(said, text), "{name}: {said} is {text}");
            }
            "newClientOrderId" | "selfTradePreventionMode" => {
                let said = value(request, name);
                assert!(
                    said.is_none_or(
                        |said| said == text || gateway::client_ids::number(said) == place.client_id
                    )
                );
            }
            _ => assert_eq!(value(request, name), Some(text.as_str()), "{name}"),
        }
    }
    let amounts = ["quantity", "price", "stopPrice", "quoteOrderQty", "timeInForce"];
    for name in amounts.into_iter().filter(|name| value(request, name).is_some()) {
        assert!(plain.iter().any(|(known, _)| *known == name), "{name} means nothing");
    }
    let query: Vec<String> = plain.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let again = Request::of_form(&query.join("&"), b"").expect("few");
    assert_eq!(again.new_order(view), Ok(*place));
}

fn parameters(place: &Place, market: &Market) -> Vec<(&'static str, String)> {
    let side = if place.side == Side::Buy { "BUY" } else { "SELL" };
    let mut list = vec![("symbol", market.symbol.clone()), ("side", side.to_owned())];
    let limit = match place.order_type {
        OrderType::Limit { price, quantity } => {
            list.push(("price", market.price.format(price.0.into())));
            list.push(("quantity", market.quantity.format(quantity.0.into())));
            true
        }
        OrderType::Market { quantity } => {
            list.push(("quantity", market.quantity.format(quantity.0.into())));
            false
        }
        OrderType::MarketBudget { budget } => {
            list.push(("quoteOrderQty", market.quote.scale.format(budget.0.into())));
            false
        }
    };
    if let Some(trigger) = place.trigger {
        list.push(("stopPrice", market.price.format(trigger.price.0.into())));
    }
    let kind = match (place.trigger.map(|trigger| trigger.kind), limit, place.post_only) {
        (None, true, true) => "LIMIT_MAKER",
        (None, true, false) => "LIMIT",
        (None, false, false) => "MARKET",
        (Some(TriggerKind::StopLoss), true, false) => "STOP_LOSS_LIMIT",
        (Some(TriggerKind::StopLoss), false, false) => "STOP_LOSS",
        (Some(TriggerKind::TakeProfit), true, false) => "TAKE_PROFIT_LIMIT",
        (Some(TriggerKind::TakeProfit), false, false) => "TAKE_PROFIT",
        other => panic!("there is no such order: {other:?}"),
    };
    list.push(("type", kind.to_owned()));
    let life = match place.time_in_force {
        TimeInForce::Gtc => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
        TimeInForce::Gtd(_) => panic!("Binance has none"),
    };
    if limit && !place.post_only {
        list.push(("timeInForce", life.to_owned()));
    } else {
        assert_eq!(life, if limit { "GTC" } else { "IOC" });
    }
    let self_trade = match place.self_trade {
        SelfTrade::ExpireTaker => "EXPIRE_TAKER",
        SelfTrade::ExpireMaker => "EXPIRE_MAKER",
        SelfTrade::ExpireBoth => "EXPIRE_BOTH",
        SelfTrade::Decrement => "DECREMENT",
    };
    list.push(("selfTradePreventionMode", self_trade.to_owned()));
    list.push(("newClientOrderId", place.client_id.to_string()));
    list
}

/// A signature that was changed is refused, unless it still says the same.
fn signature(front: &Front, payload: &[u8], head: &[u8]) {
    let mut mac = Hmac::<Sha256>::new_from_slice(front.hmac.1.as_bytes()).expect("any length");
    mac.update(payload);
    let right = hex::encode(mac.finalize().into_bytes());
    let (key, signer) = &front.ed25519;
    let longer = STANDARD.encode(signer.sign(payload).to_bytes());
    let keys = &front.world.gateway.keys;
    let hmac = changed(&right, head);
    let found = keys.verify(&front.hmac.0, Role::Read, payload, &hmac);
    assert_eq!(found.err(), (!hmac.eq_ignore_ascii_case(&right)).then_some(KeyError::Signature), "{hmac}");
    let ed25519 = changed(&longer, head);
    let found = keys.verify(key, Role::Read, payload, &ed25519);
    assert_eq!(found.err(), (ed25519 != longer).then_some(KeyError::Signature), "{ed25519}");
}

fn changed(right: &str, head: &[u8]) -> String {
    let mut choices = Choices::new(&head[1..]);
    let mut text = right.to_owned();
    let at = choices.below(right.len() as u32) as usize;
    match choices.byte() % 8 {
        0 => text.truncate(at),
        1 => text.insert(at, choices.byte().into()),
        2 => text.replace_range(at..=at, &char::from(choices.byte()).to_string()),
        3 => text.make_ascii_uppercase(),
        4 => text.push(choices.byte().into()),
        5 => text.insert(0, choices.byte().into()),
        6 => text.push_str("=="),
        _ => {}
    }
    text
}
