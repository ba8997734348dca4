//! quick
mod workload;
use book::*; use types::*; use rules::*; use workload::*;
use std::time::Instant;
fn main() {
    let ops = operations(1, 1_000_000);
    for _ in 0..3 {
    let mut bare = BareBook::new(MAX_PRICE, ops.len() as u32);
    let mut n = 0u32; let mut filled = 0u64;
    let mut lat: Vec<u32> = Vec::with_capacity(ops.len());
    let t = Instant::now();
    for op in &ops {
        match *op {
            Operation::Add{side,price,quantity} => { bare.add(n, side, price, quantity, true, |f| filled += f.quantity.0); n+=1; }
            Operation::Cross{side,price,quantity} => { bare.add(n, side, price, quantity, false, |f| filled += f.quantity.0); n+=1; }
            Operation::Cancel{order} => { bare.cancel(order); }
        }
    }
    let e = t.elapsed();
    println!("bare {:.2} M/s filled {filled}", ops.len() as f64/e.as_secs_f64()/1e6);
    let capacity = Capacity{accounts: 4096, open_orders: 1<<20, assets: 8, markets: 4, price_levels: 1<<20};
    let mut book = Book::new(capacity);
    let g = Genesis{chain_id:1, exchange: Address::default(), capacity, operator: Address::default(), operator_key: SessionKey::default(), operator_expires: Timestamp::NEVER};
    rules::open(&mut book, &g).unwrap();
    let mut seq = 0u64;
    let mut setup = |book: &mut Book, account: u32, origin: Origin, command: Command| {
        seq += 1;
        let r = rules::execute(book, &Sequenced{sequence: seq, timestamp: Timestamp(seq), account: AccountId(account), origin, command}, &mut |_e: Event| {});
        let Ok(r) = r; if let Outcome::Rejected(x) = r { panic!("{x}") }
    };
    for _ in 0..2 { setup(&mut book, 0, Origin::Session, Command::Operator(Box::new(OperatorCommand::ListAsset(AssetParams{token: Address::default(), quantum: 1, symbol: [0;8]})))); }
    setup(&mut book, 0, Origin::Session, Command::Operator(Box::new(OperatorCommand::CreateMarket(MarketParams{base: AssetId(0), quote: AssetId(1), lot: 1000, tick: 100, max_price: MAX_PRICE, maker_fee: Rate(-50), taker_fee: Rate(300), fee_account: AccountId(0),
        limits: Limits{max_quantity: Quantity(1_000_000), max_notional: Quanta(1<<50), max_open_orders: 100_000, max_position: Quantity(1<<40)}, collar: 200_000, breaker: Breaker{band: 500_000, window: 60_000_000, halt: 0}, reference_price: Price(30_000)}))));
    for a in 1..=1000u32 { for asset in 0..2 {
        setup(&mut book, a, Origin::L1(0), Command::Deposit{owner: Address::default(), asset: AssetId(asset), amount: Quanta(1<<50)});
    } setup(&mut book, a, Origin::L1(0), Command::RegisterSession{key: SessionKey::default(), expires: Timestamp::NEVER}); }
    let mut r = SplitMix(7);
    let mut owner = vec![]; 
    let mut cmds = vec![];
    for op in &ops {
        seq += 1;
        let (account, command) = match *op {
            Operation::Add{side,price,quantity} => { let a = if r.below(10) < 8 {1+r.below(10)} else {1+r.below(1000)} as u32; owner.push(a); (a, Command::Place(Place::limit(MarketId(0), side, price, quantity))) }
            Operation::Cross{side,price,quantity} => { let a = 1+r.below(1000) as u32; owner.push(a); (a, Command::Place(Place{time_in_force: TimeInForce::Ioc, self_trade: SelfTrade::ExpireMaker, ..Place::limit(MarketId(0), side, price, quantity)})) }
            Operation::Cancel{order} => (owner[order as usize], Command::Cancel{market: MarketId(0), order: OrderRef::Id(OrderId(u64::from(order)+1))}),
        };
        cmds.push(Sequenced{sequence: seq, timestamp: Timestamp(seq), account: AccountId(account), origin: Origin::Session, command});
    }
    let mut events: Vec<Event> = Vec::with_capacity(1<<20);
    let (mut rej, mut fills) = (0, 0u64);
    let t = Instant::now();
    for c in &cmds {
        if events.len() > 4096 { events.clear(); }
        let Ok(o) = rules::execute(&mut book, c, &mut |e: Event| { if let Event::Fill(f) = e { fills += f.quantity.0 } events.push(e) });
        if let Outcome::Rejected(_) = o { rej += 1 }
    }
    let e = t.elapsed();
    println!("full {:.2} M/s rejected {rej} filled {fills} open {}", ops.len() as f64/e.as_secs_f64()/1e6, book.counters().open_orders);
    let _ = &mut lat;
    }
}
