//! Application messages of FIX: an order says what was written, whatever is refused is answered with a message, and nobody
//! follows more markets than he may.
#![no_main]

use std::collections::BTreeMap;

use fix::{Body, Header, Message, MessageLimits, Utc, read_message};
use gateway::fix::fuzzing::{self, MarketData};
use gateway::view::{Market, View};
use kit::{front, same_decimal};
use libfuzzer_sys::fuzz_target;
use types::{AccountId, OrderRef, OrderType, Place, SelfTrade, Side, TimeInForce, TriggerKind};

/// Markets that a session may follow.
const LIMIT: usize = 2;
const ACCOUNT: AccountId = AccountId(1);

fuzz_target!(|data: &[u8]| {
    let text: String = data.iter().map(|byte| char::from(*byte)).collect();
    let view = &front().world.view;
    let mut market_data = MarketData::default();
    let mut followed: BTreeMap<String, usize> = BTreeMap::new();
    // A message a line: its type, then fields.
    for line in text.split('\n').take(16) {
        let mut fields = line.split('|');
        let mut body = Body::new(fields.next().unwrap_or_default());
        for (tag, value) in fields.filter_map(|field| field.split_once('=')) {
            if let Ok(tag) = tag.parse() {
                body.push(tag, value);
            }
        }
        let Some(message) = message(&body, MessageLimits::default()) else { continue };
        match message.kind() {
            "D" => order(&message, view),
            "F" | "G" | "H" => named(&message, view),
            "q" => match fuzzing::scope(&message, view) {
                Ok((market, side)) => {
                    assert_eq!(market.is_some(), message.get(530) == Some(b"1"));
                    assert_eq!(side.is_some(), message.get(54).is_some());
                }
                Err(refusal) => answered(&refusal, &message),
            },
            "V" => {
                follow(&message, &mut market_data, &mut followed, view);
                assert_eq!(market_data.is_empty(), followed.is_empty());
                assert!(followed.values().sum::<usize>() <= LIMIT);
                assert!(market_data.tick(view).is_empty(), "nothing has changed");
            }
            _ => {}
        }
    }
});

fn message(body: &Body, limits: MessageLimits) -> Option<Message> {
    let header = Header { sender: "A", target: "B", number: 1, time: Utc(0), original: None };
    read_message(&header.frame(body), limits)
}

/// A message of ours.
fn ours(body: &Body) -> Message {
    let limits = MessageLimits { bytes: 1 << 20, fields: 1 << 16, entries: 1 << 12 };
    message(body, limits).expect("what is answered is a message")
}

fn answered(refusal: &Body, to: &Message) {
    let refusal = ours(refusal);
    let kinds: &[&str] = match to.kind() {
        "D" => &["3", "8"],
        "q" => &["3", "r"],
        "V" => &["3", "Y"],
        "H" => &["3", "8"],
        _ => &["3", "9"],
    };
    assert!(kinds.contains(&refusal.kind()));
    assert!(refusal.text(58).is_ok_and(|why| !why.is_empty()), "it says why");
    if refusal.kind() == "3" {
        assert!(refusal.number(371).is_ok() && refusal.number(373).is_ok());
    }
}

fn order(message: &Message, view: &View) {
    let (place, name) = match fuzzing::new_order(message, view, ACCOUNT) {
        Ok(order) => order,
        Err(refusal) => return answered(&refusal, message),
    };
    assert_eq!(message.get(11), Some(name.as_bytes()));
    assert!(gateway::client_ids::is_client_id(&name));
    let market = view.market_by_id(place.market).expect("one of the view's");
    let plain = fields(&place, &name, &market);
    let again = ours(&plain);
    for tag in [38, 44, 99, 152] {
        let [said, meant] = [message, &again].map(|message| message.optional_text(tag).expect("text"));
        assert_eq!(said.is_some(), meant.is_some(), "tag {tag}");
        assert!(
            said.zip(meant).is_none_or(|(said, meant)| same_decimal(said, meant)),
            "{said:?} is {meant:?}"
        );
    }
    for tag in [40, 54, 55, 126] {
        let said = message.get(tag);
        // A time may be written with fewer digits.
        let same = if tag == 126 {
            message.optional_time(tag) == again.optional_time(tag)
        } else {
            said == again.get(tag)
        };
        assert!(same, "tag {tag}");
    }
    assert_eq!(fuzzing::new_order(&again, view, ACCOUNT), Ok((place, name)));
}

fn fields(place: &Place, name: &str, market: &Market) -> Body {
    let mut body = Body::new("D").with(11, name).with(1, ACCOUNT).with(55, &market.symbol);
    body.push(54, if place.side == Side::Buy { 1 } else { 2 });
    let mut limit = false;
    match place.order_type {
        OrderType::Limit { price, quantity } => {
            limit = true;
            body.push(44, market.price.format(price.0.into()));
            body.push(38, market.quantity.format(quantity.0.into()));
        }
        OrderType::Market { quantity } => body.push(38, market.quantity.format(quantity.0.into())),
        OrderType::MarketBudget { budget } => body.push(152, market.quote.scale.format(budget.0.into())),
    }
    if let Some(trigger) = place.trigger {
        body.push(99, market.price.format(trigger.price.0.into()));
    }
    let kind = match (place.trigger.map(|trigger| trigger.kind), limit) {
        (None, false) => '1',
        (None, true) => '2',
        (Some(TriggerKind::StopLoss), false) => '3',
        (Some(TriggerKind::StopLoss), true) => '4',
        (Some(TriggerKind::TakeProfit), false) => 'J',
        (Some(TriggerKind::TakeProfit), true) => panic!("FIX 4.4 has none"),
    };
    body.push(40, kind);
    match place.time_in_force {
        TimeInForce::Gtc => body.push(59, 1),
        TimeInForce::Ioc => body.push(59, 3),
        TimeInForce::Fok => body.push(59, 4),
        TimeInForce::Gtd(until) => {
            body.push(59, 6);
            body.push(126, Utc(until.0));
        }
    }
    if place.post_only {
        body.push(18, 6);
    }
    let self_trade = match place.self_trade {
        SelfTrade::ExpireTaker => 2,
        SelfTrade::ExpireMaker => 3,
        SelfTrade::ExpireBoth => 4,
        SelfTrade::Decrement => 5,
    };
    body.with(25_001, self_trade)
}

fn named(message: &Message, view: &View) {
    let (market, order) = match fuzzing::named(message, view) {
        Ok(named) => named,
        Err(refusal) => return answered(&refusal, message),
    };
    match order {
        OrderRef::Id(id) => assert_eq!(message.number(37), Ok(id.0)),
        OrderRef::Client(number) => {
            assert!(matches!(message.get(37), None | Some(b"NONE")));
            assert_eq!(message.text(41).map(gateway::client_ids::number), Ok(number));
        }
    }
    match fuzzing::change(message, &market) {
        Ok((price, quantity)) => {
            let shown = [market.price.format(price.0.into()), market.quantity.format(quantity.0.into())];
            for (tag, shown) in [44, 38].into_iter().zip(shown) {
                assert!(same_decimal(message.text(tag).expect("it was read"), &shown));
            }
        }
        Err(refusal) => answered(&refusal, message),
    }
}

fn follow(
    message: &Message,
    market_data: &mut MarketData,
    followed: &mut BTreeMap<String, usize>,
    view: &View,
) {
    let weight = fuzzing::weight(message);
    let bodies = match market_data.request(message, view, LIMIT) {
        Ok(bodies) => bodies,
        Err(refusal) => return answered(&refusal, message),
    };
    let id = message.text(262).expect("an id");
    let symbols = message.fields().filter(|(tag, _)| *tag == 55).count();
    match message.text(263) {
        Ok("2") => {
            assert!(bodies.is_empty());
            followed.remove(id);
            return;
        }
        Ok("1") => assert_eq!(followed.insert(id.to_owned(), bodies.len()), None),
        _ => {}
    }
    assert!((1..=symbols).contains(&bodies.len()) && weight as usize >= bodies.len());
    let depth = message.number(264).expect("a depth") as usize;
    for body in &bodies {
        let snapshot = ours(body);
        assert_eq!((snapshot.kind(), snapshot.text(262)), ("W", Ok(id)));
        let entries = snapshot.group(268, &[269, 270, 271, 272, 273, 58]).expect("a group");
        assert!(depth == 0 || entries.len() <= 2 * depth + 1);
    }
}
