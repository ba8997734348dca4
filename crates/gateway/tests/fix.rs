//! FIX as a trader's engine sees it: orders, their reports, and what is made up for after a restart.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

#[path = "../examples/simulated/mod.rs"]
mod simulated;

use std::time::Duration;

use fix::{Body, Frame, Framer, Header, Message, MessageLimits, Utc};
use gateway::fix::{FixServer, Settings};
use gateway::keys::Role;
use gateway::view::ViewOptions;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use simulated::{Options, Trader, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use types::{Command, OrderRef, Outcome, Place, Price, Quantity, Side};

/// Whole books are long.
const LIMITS: MessageLimits = MessageLimits { bytes: 1 << 20, fields: 100_000, entries: 10_000 };

struct Client {
    stream: TcpStream,
    framer: Framer,
    next: u64,
    /// The number of the next message that is expected.
    expected: u64,
}

impl Client {
    async fn logged_on(
        server: &FixServer,
        (key, secret): &(String, String),
        (next, expected): (u64, u64),
    ) -> Self {
        let stream = TcpStream::connect(server.address()).await.unwrap();
        let mut client = Self { stream, framer: Framer::new(LIMITS), next, expected };
        let time = Utc::now();
        let signed = format!("ME|GLASSBOOK|{next}|{time}");
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        // The other side may also say what it expects, so that what it missed comes by itself.
        let logon =
            Body::new("A").with(98, 0).with(108, 30).with(553, key).with(554, signature).with(789, expected);
        client.send_at(time, logon).await;
        client
    }

    async fn send(&mut self, body: Body) {
        self.send_at(Utc::now(), body).await;
    }

    async fn send_at(&mut self, time: Utc, body: Body) {
        let frame = self.frame(time, &body);
        self.stream.write_all(&frame).await.unwrap();
    }

    /// Sends messages in one piece.
    async fn send_together(&mut self, bodies: &[Body]) {
        let frames: Vec<u8> = bodies.iter().flat_map(|body| self.frame(Utc::now(), body)).collect();
        self.stream.write_all(&frames).await.unwrap();
    }

    fn frame(&mut self, time: Utc, body: &Body) -> Vec<u8> {
        let header = Header { sender: "ME", target: "GLASSBOOK", number: self.next, time, original: None };
        self.next += 1;
        header.frame(body)
    }

    async fn read(&mut self) -> Message {
        loop {
            match self.framer.next_frame().unwrap() {
                Some(Frame::Message(message)) => {
                    self.expected = self.expected.max(message.number(34).unwrap() + 1);
                    return message;
                }
                Some(Frame::Garbled(why)) => panic!("{why}"),
                None => {}
            }
            let mut buffer = [0; 4_096];
            let length =
                timeout(Duration::from_secs(30), self.stream.read(&mut buffer)).await.unwrap().unwrap();
            assert!(length > 0, "the connection is closed");
            self.framer.push(&buffer[..length]);
        }
    }

    /// The next message, which must be of this kind; tags and values as `11=a 39=0`.
    async fn expect(&mut self, kind: &str, fields: &str) -> Message {
        let message = self.read().await;
        let text = shown(&message);
        assert_eq!(message.kind(), kind, "{text}");
        for field in fields.split(' ').filter(|field| !field.is_empty()) {
            assert!(text.contains(&format!("|{field}|")), "{field} in {text}");
        }
        message
    }
}

fn shown(message: &Message) -> String {
    String::from_utf8_lossy(message.bytes()).replace('\u{1}', "|")
}

fn order(id: &str, side: char, price: &str, quantity: &str) -> Body {
    Body::new("D")
        .with(11, id)
        .with(55, "BTCUSD")
        .with(54, side)
        .with(38, quantity)
        .with(40, 2)
        .with(44, price)
}

fn cancel(id: &str, orig: &str) -> Body {
    Body::new("F").with(11, id).with(41, orig).with(55, "BTCUSD").with(54, 1)
}

fn replace(id: &str, orig: &str, price: &str, quantity: &str) -> Body {
    Body::new("G")
        .with(11, id)
        .with(41, orig)
        .with(55, "BTCUSD")
        .with(54, 1)
        .with(38, quantity)
        .with(44, price)
}

async fn start(world: &World) -> FixServer {
    let mut settings = Settings::default();
    settings.listen.set_port(0);
    loop {
        // After a stop the store may still be closing its file.
        match FixServer::start(world.gateway.clone(), &settings).await {
            Ok(server) => return server,
            Err(error) if error.to_string().contains("already open") => {
                sleep(Duration::from_millis(20)).await
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn key(trader: &Trader, role: Role) -> &(String, String) {
    &trader.keys[&role]
}

/// Three accounts, and nobody else.
fn world(directory: &std::path::Path) -> World {
    World::open(directory, Options::default())
}

async fn place(world: &World, trader: &Trader, place: Place) -> Outcome {
    let placed = world.gateway.desk.place(trader.account, vec![Command::Place(place)]).await.unwrap();
    placed.outcomes[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orders_life_is_told_under_the_names_of_its_requests() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let [trader, other, _] = &world.traders[..] else { panic!() };
    let market = world.view.market("BTCUSD").unwrap();
    let server = start(&world).await;
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), (1, 1)).await;
    client.expect("A", "98=0 108=30").await;
    // All at once: each is answered under its name, in order.
    client.send(order("a", '1', "64000.00", "1")).await;
    client.send(replace("b", "a", "64001.00", "3")).await;
    let new = client.expect("8", "11=a 150=0 39=0 54=1 40=2 59=1").await;
    assert_eq!(new.text(44), Ok(market.price.format(market.price.parse("64000").unwrap().into()).as_str()));
    // The replacement waited until the order was known.
    client.expect("8", "11=b 41=a 150=5 39=0").await;
    let price = Price(u32::try_from(market.price.parse("64001").unwrap()).unwrap());
    let lots = |text: &str| Quantity(market.quantity.parse(text).unwrap());
    let taken = place(&world, other, Place::limit(market.id, Side::Sell, price, lots("1"))).await;
    assert!(matches!(taken, Outcome::Accepted(_)));
    let trade = client.expect("8", "11=b 150=F 39=1 851=1 6=64001").await;
    assert_eq!(trade.number(5001), Ok(world.view.sequence()));
    assert!(trade.number(5002).is_ok());
    assert_eq!(trade.text(151), Ok(market.quantity.format(lots("2").0.into()).as_str()));
    client.send(Body::new("H").with(11, "b").with(55, "BTCUSD").with(54, 1)).await;
    client.expect("8", "150=I 39=1 11=b").await;
    client.send(order("b", '1', "64000.00", "1")).await;
    client.expect("8", "11=b 150=8 39=8 103=6").await;
    client.send(cancel("c", "b")).await;
    client.expect("8", "11=c 41=b 150=4 39=4 6=64001").await;
    client.send(cancel("d", "b")).await;
    client.expect("9", "11=d 41=b 39=4 434=1 102=0 5005=202").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_counts_what_its_order_traded_just_before() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let [trader, other, _] = &world.traders[..] else { panic!() };
    let market = world.view.market("BTCUSD").unwrap();
    let lots = |text: &str| Quantity(market.quantity.parse(text).unwrap());
    let price = Price(u32::try_from(market.price.parse("64000").unwrap()).unwrap());
    let server = start(&world).await;
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), (1, 1)).await;
    client.expect("A", "").await;
    place(&world, other, Place::limit(market.id, Side::Sell, price, lots("0.4"))).await;
    let [four, six, ten] = ["0.4", "0.6", "1"].map(|text| market.quantity.format(lots(text).0.into()));
    // In one piece: the second comes before anything is known of the first, the third names what the second makes.
    let (first, second) = (order("a", '1', "64000.00", "1"), replace("b", "a", "63999.00", "1"));
    client.send_together(&[first, second, replace("c", "b", "63998.00", "1")]).await;
    client.expect("8", "11=a 150=0").await;
    client.expect("8", &format!("11=a 150=F 14={four} 151={six}")).await;
    for (id, orig) in [("b", "a"), ("c", "b")] {
        let replaced = format!("11={id} 41={orig} 150=5 39=1 38={ten} 14={four} 151={six}");
        client.expect("8", &replaced).await;
    }
    client.send(replace("d", "nothing", "63998.00", "1")).await;
    client.expect("9", "11=d 102=1 434=2 37=NONE").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_order_trades_no_more_than_its_quantity_whatever_trades_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let [trader, other, _] = &world.traders[..] else { panic!() };
    let market = world.view.market("BTCUSD").unwrap();
    let shown = |lots: u64| market.quantity.format(lots.into());
    let price = Price(u32::try_from(market.price.parse("64000").unwrap()).unwrap());
    let server = start(&world).await;
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), (1, 1)).await;
    client.expect("A", "").await;
    for round in 0..20 {
        let (first, second) = (format!("a{round}"), format!("b{round}"));
        client.send(order(&first, '1', "64000.00", &shown(10))).await;
        client.expect("8", &format!("11={first} 150=0")).await;
        // Two to nine lots trade, one by one, while the order becomes one of five.
        let taking = 2 + round % 8;
        let take = async {
            for _ in 0..taking {
                let sale = Place::limit(market.id, Side::Sell, price, Quantity(1));
                let sale = Place { time_in_force: types::TimeInForce::Ioc, ..sale };
                place(&world, other, sale).await;
            }
        };
        let follow = async {
            client.send(replace(&second, &first, "64000.00", &shown(5))).await;
            loop {
                let report = client.read().await;
                let (kind, text) = (report.text(150).unwrap().to_owned(), self::shown(&report));
                match kind.as_str() {
                    "F" => assert!(text.contains(&format!("|11={first}|")), "{text}"),
                    "5" | "4" => {
                        assert!(text.contains(&format!("|11={second}|")), "{text}");
                        return (kind, report);
                    }
                    _ => panic!("{text}"),
                }
            }
        };
        let ((), (kind, report)) = tokio::join!(take, follow);
        let told = market.quantity.parse(report.text(14).unwrap()).unwrap();
        if kind == "4" {
            assert!((5..10).contains(&told), "{}", self::shown(&report));
            continue;
        }
        assert_eq!(report.text(38).unwrap(), shown(5), "{}", self::shown(&report));
        // The takers are done: what they took is told, and the rest goes.
        for _ in told..taking.min(5) {
            client.expect("8", &format!("11={second} 150=F")).await;
        }
        if taking < 5 {
            client.send(cancel(&format!("c{round}"), &second)).await;
            client.expect("8", &format!("11=c{round} 41={second} 150=4 14={}", shown(taking))).await;
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_carried_out_is_never_carried_out_again() {
    let directory = tempfile::tempdir().unwrap();
    // A view that forgets soon.
    let view = ViewOptions { closed_orders: 2, ..ViewOptions::default() };
    let world = World::open(directory.path(), Options { view, ..Options::default() });
    let trader = &world.traders[0];
    let server = start(&world).await;
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), (1, 1)).await;
    client.expect("A", "").await;
    client.send(order("resting", '1', "100.00", "1")).await;
    client.expect("8", "11=resting 150=0").await;
    let poss_resend = |body: Body| body.with(97, 'Y');
    // One after the other, and both at once.
    let both = replace("moved", "resting", "101.00", "1");
    client.send_together(&[both.clone(), both.clone()]).await;
    client.expect("8", "11=moved 41=resting 150=5").await;
    client.expect("9", "11=moved 102=6").await;
    client.send(poss_resend(replace("moved", "resting", "102.00", "1"))).await;
    let status = client.expect("8", "11=moved 150=I 39=0").await;
    assert_eq!(status.text(44).unwrap().parse(), Ok(101.0));
    for id in ["a", "b", "c"] {
        client.send(order(id, '1', "100.00", "1").with(59, 3)).await;
        client.expect("8", &format!("11={id} 150=0")).await;
        client.expect("8", &format!("11={id} 150=C")).await;
    }
    client.send(poss_resend(order("c", '1', "100.00", "1").with(59, 3))).await;
    client.expect("8", "11=c 150=I 39=C").await;
    // The view has forgotten this one.
    client.send(poss_resend(order("a", '1', "100.00", "1").with(59, 3))).await;
    client.expect("j", "379=a 372=D 380=0").await;
    client.send(order("a", '1', "100.00", "1").with(59, 3)).await;
    client.expect("8", "11=a 150=8 103=6").await;
    server.stop().await;
    client.expect("5", "").await;
    // Nor after a restart.
    let server = start(&world).await;
    let numbers = (client.next, client.expected);
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), numbers).await;
    client.expect("A", "").await;
    client.send(poss_resend(order("a", '1', "100.00", "1").with(59, 3))).await;
    client.expect("j", "379=a 372=D 380=0").await;
    client.send(Body::new("H").with(11, "moved").with(55, "BTCUSD")).await;
    client.expect("8", "11=moved 150=I 39=0").await;
    client.send(Body::new("H").with(11, "resting").with(55, "BTCUSD")).await;
    client.expect("8", "11=resting 150=I 39=0").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_keep_their_names_when_the_gateway_does_not_remember_them() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    options.settings.limits.client_ids = 1;
    let world = World::open(directory.path(), options);
    let trader = &world.traders[0];
    let market = world.view.market("BTCUSD").unwrap();
    let server = start(&world).await;
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), (1, 1)).await;
    client.expect("A", "").await;
    client.send(order("mine", '1', "100.00", "1")).await;
    client.expect("8", "11=mine 150=0").await;
    server.stop().await;
    client.expect("5", "").await;
    // As after a crash: what the store of sessions has is all there is.
    for name in ["mine", "another"] {
        world.gateway.client_ids.remember(trader.account, name);
        world.gateway.client_ids.flush().unwrap();
    }
    let id = OrderRef::Client(gateway::client_ids::number("mine"));
    let cancel = Command::Cancel { market: market.id, order: id };
    world.gateway.desk.place(trader.account, vec![cancel]).await.unwrap();
    let server = start(&world).await;
    let numbers = (client.next, client.expected);
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), numbers).await;
    loop {
        let message = client.read().await;
        if message.kind() == "8" {
            assert_eq!((message.text(11), message.text(150)), (Ok("mine"), Ok("4")));
            break;
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_wrongly_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let trader = &world.traders[0];
    let server = start(&world).await;
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), (1, 1)).await;
    client.expect("A", "").await;
    for (body, kind, fields) in [
        (order("a b", '1', "100", "1"), "8", "150=8 103=99"),
        (order("a", '3', "100", "1"), "3", "371=54 373=5"),
        (order("a", '1', "1e5", "1"), "3", "371=44 373=6"),
        (order("a", '1', "100.0001", "1"), "8", "150=8 103=99"),
        (order("a", '1', "100", "0.0000001"), "8", "150=8 103=13"),
        (order("a", '1', "100", "0"), "8", "150=8 103=13 5005=300"),
        (order("a", '1', "100", "1").with(59, 0), "8", "150=8 103=11"),
        (order("a", '1', "100", "1").with(59, 6), "3", "371=126 373=1"),
        (order("a", '1', "100", "1").with(18, "G"), "8", "150=8 103=11"),
        (order("a", '1', "100", "1").with(99, "5"), "8", "150=8 103=11"),
        (order("a", '1', "100", "1").with(1, "999"), "8", "150=8 103=15"),
        (order("a", '1', "100", "1").with(152, "5"), "8", "150=8 103=11"),
        (Body::new("D").with(11, "a").with(54, 1), "3", "371=55 373=1"),
        (Body::new("D").with(11, "a").with(54, 1).with(55, "NOPE"), "8", "150=8 103=1"),
        (cancel("c", "nothing"), "9", "102=1 434=1 37=NONE 5005=202"),
        (Body::new("q").with(11, "m").with(530, 3), "r", "531=0 532=0"),
        (Body::new("q").with(11, "m").with(530, 7), "r", "531=7 533=0"),
        (Body::new("H").with(11, "x").with(55, "BTCUSD"), "8", "150=I 39=8 103=5"),
        (Body::new("V").with(262, "r").with(263, 1).with(264, 1).with(267, 1).with(269, 0), "Y", "281=0"),
        (
            Body::new("V").with(262, "r").with(263, 1).with(264, 1).with(267, 2).with(269, 0),
            "3",
            "371=267 373=16",
        ),
        (Body::new("V").with(262, "r").with(263, 7), "Y", "281=4"),
        (Body::new("AE"), "j", "380=3 372=AE"),
    ] {
        let text = format!("{body:?}");
        client.send(body).await;
        let answer = timeout(Duration::from_secs(20), client.expect(kind, fields)).await;
        let answer = answer.unwrap_or_else(|_| panic!("no answer to {text}"));
        assert!(answer.get(58).is_some() || kind == "r", "{text}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_key_sees_and_does_nothing_and_strangers_see_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let trader = &world.traders[0];
    let market = world.view.market("BTCUSD").unwrap();
    let server = start(&world).await;
    let mut client = Client::logged_on(&server, key(trader, Role::Read), (1, 1)).await;
    client.expect("A", "").await;
    client.send(order("a", '1', "100.00", "1")).await;
    client.expect("j", "380=6 379=a").await;
    // A copy of what goes through other protocols.
    let price = Price(u32::try_from(market.price.parse("100").unwrap()).unwrap());
    place(
        &world,
        trader,
        Place::limit(market.id, Side::Buy, price, Quantity(market.quantity.parse("1").unwrap())),
    )
    .await;
    client.expect("8", "150=0").await;
    client.send(Body::new("x").with(320, "l").with(559, 4)).await;
    client.expect("y", "393=3 560=0").await;
    let (name, _) = key(trader, Role::Trade);
    let wrong = (name.clone(), "wrong".to_owned());
    let mut stranger = Client::logged_on(&server, &wrong, (1, 1)).await;
    stranger.expect("5", "").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_key_does_not_touch_the_sessions_that_trade() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let trader = &world.traders[0];
    let server = start(&world).await;
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), (1, 1)).await;
    client.expect("A", "34=1").await;
    client.send(order("a", '1', "100.00", "1")).await;
    client.expect("8", "11=a 150=0 34=2").await;
    drop(client);
    // With the same CompID, and from the first number on: it is another session, and gets nothing that was sent.
    let mut reader = Client::logged_on(&server, key(trader, Role::Read), (1, 1)).await;
    reader.expect("A", "34=1").await;
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), (3, 2)).await;
    let logon = client.expect("A", "").await;
    assert!(logon.number(34).unwrap() > 2, "{}", shown(&logon));
    client.expect("8", "11=a 150=0 34=2 43=Y").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_logged_out_and_another_logs_on_again() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let trader = &world.traders[0];
    let server = start(&world).await;
    let mut thief = Client::logged_on(&server, key(trader, Role::Read), (1, 1)).await;
    thief.expect("A", "34=1").await;
    let mut other = Client::logged_on(&server, key(&world.traders[1], Role::Trade), (1, 1)).await;
    other.expect("A", "34=1").await;
    assert!(world.gateway.keys.revoke(trader.account, &key(trader, Role::Read).0).unwrap());
    let farewell = thief.expect("5", "").await;
    assert!(farewell.text(58).unwrap().contains("revoked"), "{}", shown(&farewell));
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), (1, 1)).await;
    client.expect("A", "34=1").await;
    other.send(order("a", '1', "100.00", "1")).await;
    other.expect("8", "11=a 150=0").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_weigh_and_replacements_count() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    let limits = &mut options.settings.limits;
    (limits.weight_per_minute, limits.refusals_until_ban, limits.orders_per_ten_seconds) = (70, 1_000, 3);
    let world = World::open(directory.path(), options);
    let trader = &world.traders[0];
    let server = start(&world).await;
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), (1, 1)).await;
    client.expect("A", "").await;
    client.send(order("a", '1', "100.00", "1")).await;
    client.expect("8", "11=a 150=0").await;
    // More than a window and the next one allow, however they fall.
    let mut refused = 0;
    for number in 0..8 {
        client.send(replace(&format!("r{number}"), "a", "100.00", "1")).await;
        let answer = client.read().await;
        refused += u32::from(answer.kind() == "9" && answer.text(102) == Ok("2"));
    }
    assert!((1..=6).contains(&refused), "{refused}");
    let request = |depth: u32, symbols: &[&str]| {
        let request = Body::new("V").with(262, "r").with(263, 0).with(264, depth).with(267, 1).with(269, 0);
        symbols.iter().fold(request.with(146, symbols.len()), |request, symbol| request.with(55, symbol))
    };
    client.send(request(1, &["BTCUSD", "BTCUSD"])).await;
    client.expect("Y", "281=1").await;
    let mut refused = 0;
    for _ in 0..4 {
        client.send(request(0, &["BTCUSD"])).await;
        refused += u32::from(client.read().await.text(281) == Ok("2"));
    }
    assert!((2..=3).contains(&refused), "{refused}");
    let mut refused = 0;
    for number in 0..150 {
        client.send(cancel(&format!("c{number}"), "nothing")).await;
        refused += u32::from(client.expect("9", "").await.text(102) == Ok("2"));
    }
    assert!((10..=149).contains(&refused), "{refused}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_fix_was_down_is_told_when_it_is_back() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let [trader, other, _] = &world.traders[..] else { panic!() };
    // The view follows in a thread of its own.
    while world.view.market("BTCUSD").is_none() {
        sleep(Duration::from_millis(10)).await;
    }
    let market = world.view.market("BTCUSD").unwrap();
    let price = |text: &str| Price(u32::try_from(market.price.parse(text).unwrap()).unwrap());
    let lots = |text: &str| Quantity(market.quantity.parse(text).unwrap());
    let server = start(&world).await;
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), (1, 1)).await;
    client.expect("A", "").await;
    for (id, at) in [("traded", "64102"), ("cancelled", "64101"), ("untouched", "64100")] {
        client.send(order(id, '1', at, "2")).await;
        client.expect("8", &format!("11={id} 150=0")).await;
    }
    server.stop().await;
    client.expect("5", "").await;
    let (next, expected) = (client.next, client.expected);

    // Half of one is traded, twice; one is cancelled; a new one is placed, and filled.
    let sell = Place::limit(market.id, Side::Sell, price("64102"), lots("0.5"));
    place(&world, other, sell).await;
    place(&world, other, sell).await;
    let cancel = Command::Cancel {
        market: market.id,
        order: OrderRef::Client(gateway::client_ids::number("cancelled")),
    };
    world.gateway.desk.place(trader.account, vec![cancel]).await.unwrap();
    place(&world, other, Place::limit(market.id, Side::Sell, price("64103"), lots("1"))).await;
    place(&world, trader, Place::limit(market.id, Side::Buy, price("64103"), lots("1"))).await;

    let server = start(&world).await;
    // What is made up for is there before, or comes after the Logon.
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), (next, expected)).await;
    let mut reports = Vec::new();
    while reports.len() < 5 {
        let message = client.read().await;
        if message.kind() == "8" {
            reports.push(message);
        } else {
            let told: Vec<String> = reports.iter().map(shown).collect();
            assert!(["A", "4"].contains(&message.kind()), "{} after {told:#?}", shown(&message));
        }
    }
    let brief = |report: &Message| {
        let part = |tag| report.text(tag).unwrap_or("-").to_owned();
        (part(11), part(150), part(39), part(14).parse::<f64>().unwrap())
    };
    let told: Vec<_> = reports.iter().map(brief).collect();
    let expected: Vec<(&str, &str, &str, f64)> = vec![
        ("traded", "F", "1", 0.5),
        ("traded", "F", "1", 1.0),
        ("cancelled", "4", "4", 0.0),
        ("-", "0", "0", 0.0),
        ("-", "F", "2", 1.0),
    ];
    let told: Vec<_> = told.iter().map(|(a, b, c, d)| (a.as_str(), b.as_str(), c.as_str(), *d)).collect();
    assert_eq!(told, expected);
    // And it goes on, without telling anything twice.
    place(&world, other, sell).await;
    client.expect("8", "11=traded 150=F 39=1").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_fate_is_unknown_is_not_rejected() {
    let directory = tempfile::tempdir().unwrap();
    // A journal that soon needs its next file, and finds no place for it.
    let configure = |config: &mut exchange::Config| {
        config.max_bundle = 1_000;
        config.journal = journal::Options {
            segment_bytes: 640 << 10,
            max_frame_bytes: 512 << 10,
            max_record_bytes: 256 << 10,
            sync: false,
            preallocate_ahead: false,
        };
    };
    let mut options = Options { configure, ..Options::default() };
    options.settings.limits.orders_per_ten_seconds = u32::MAX;
    let world = World::open(directory.path(), options);
    let trader = &world.traders[0];
    let server = start(&world).await;
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), (1, 1)).await;
    client.expect("A", "").await;
    let exchange = directory.path().join("exchange");
    std::fs::rename(exchange.join("journal"), exchange.join("gone")).unwrap();
    let mut ended = None;
    for number in 0..10_000 {
        let id = format!("o{number}");
        client.send(order(&id, '1', "100.00", "1").with(59, 3)).await;
        let first = client.read().await;
        if first.kind() == "5" {
            ended = Some((first, id));
            break;
        }
        assert_eq!((first.kind(), first.text(11)), ("8", Ok(id.as_str())), "{}", shown(&first));
        client.expect("8", &format!("11={id} 150=C")).await;
    }
    let (logout, id) = ended.expect("the journal fails");
    assert!(logout.text(58).unwrap().contains("counts or does not"), "{}", shown(&logout));
    client.send(Body::new("5")).await;
    // Whoever comes back is told nothing else: a rejection now would be of an order that may come alive.
    let mut client = Client::logged_on(&server, key(trader, Role::Trade), (client.next, 1)).await;
    loop {
        let message = client.read().await;
        assert!(message.text(11) != Ok(id.as_str()), "{}", shown(&message));
        if message.kind() == "A" {
            break;
        }
    }
    client.send(order(&id, '1', "100.00", "1").with(97, 'Y')).await;
    loop {
        let message = client.read().await;
        assert!(message.text(11) != Ok(id.as_str()), "{}", shown(&message));
        if message.kind() == "5" {
            break;
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_that_is_kept_by_changes_is_the_book() {
    let directory = tempfile::tempdir().unwrap();
    let mut world = World::open(directory.path(), Options { rate: 400, ..Options::default() });
    let market = world.view.market("BTCUSD").unwrap();
    let server = start(&world).await;
    let mut client = Client::logged_on(&server, key(&world.traders[0], Role::Read), (1, 1)).await;
    client.expect("A", "").await;
    let request = Body::new("V").with(262, "r").with(263, 1).with(264, 0).with(265, 1);
    client
        .send(request.with(267, 3).with(269, 0).with(269, 1).with(269, 2).with(146, 1).with(55, "BTCUSD"))
        .await;
    let snapshot = client.expect("W", "262=r 55=BTCUSD").await;
    let mut book = std::collections::BTreeMap::new();
    let entries = |message: &Message, members: &[u32]| {
        let entries = message.group(268, members).unwrap();
        let texts = entries.iter().map(|entry| {
            let part = |tag| entry.text(tag).unwrap_or("-").to_owned();
            (part(279), part(269), part(270), part(271))
        });
        texts.collect::<Vec<_>>()
    };
    for (_, side, price, quantity) in entries(&snapshot, &[269, 270, 271, 272, 273, 58]) {
        if side != "2" {
            book.insert((side, price), quantity);
        }
    }
    let mut trades = 0;
    let began = std::time::Instant::now();
    let mut quiet = false;
    while !quiet {
        if began.elapsed() > Duration::from_secs(3) {
            world.stop();
        }
        let Ok(message) = timeout(Duration::from_secs(2), client.read()).await else {
            quiet = true;
            continue;
        };
        for (action, side, price, quantity) in entries(&message, &[279, 269, 278, 55, 270, 271, 272, 273, 58])
        {
            match (side.as_str(), action.as_str()) {
                ("2", _) => trades += 1,
                (_, "2") => assert!(book.remove(&(side, price)).is_some()),
                (_, "0") => assert!(book.insert((side, price), quantity).is_none()),
                _ => assert!(book.insert((side, price), quantity).is_some()),
            }
        }
    }
    assert!(trades > 0);
    let depth = world.view.depth(market.id, 1_000);
    let truth = [("0", depth.bids), ("1", depth.asks)].into_iter().flat_map(|(side, levels)| {
        let market = &market;
        levels.into_iter().map(move |(price, quantity)| {
            let price = market.price.format(price.0.into());
            ((side.to_owned(), price), market.quantity.format(quantity.0.into()))
        })
    });
    assert_eq!(book, truth.collect());
    server.stop().await;
}
