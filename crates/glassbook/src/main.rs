//! quick pipeline prototype
mod workload;
use book::*; use types::*; use rules::*; use workload::*; use exchange::*;
use std::time::Instant;
use ed25519_dalek::SigningKey;
fn main() {
    let n: usize = std::env::args().nth(1).map_or(1_000_000, |s| s.parse().unwrap());
    let batch: u64 = std::env::args().nth(2).map_or(50_000, |s| s.parse().unwrap());
    let bundle: usize = 500;
    let makers = 20u32;
    let capacity = Capacity{accounts: 4096, open_orders: 1<<20, assets: 8, markets: 4, price_levels: 1<<20};
    let key = |a: u32| { let mut k = [7u8;32]; k[..4].copy_from_slice(&a.to_le_bytes()); SigningKey::from_bytes(&k) };
    let g = Genesis{chain_id:1, exchange: Address::default(), capacity, operator: Address::default(), operator_key: SessionKey(key(0).verifying_key().to_bytes()), operator_expires: Timestamp::NEVER};
    let mut book = Book::new(capacity);
    rules::open(&mut book, &g).unwrap();
    let mut seq = 0u64;
    let mut subs: Vec<(u32, Vec<Command>)> = vec![];
    let mut l1: Vec<(AccountId, Command)> = vec![];
    let mut run = |book: &mut Book, account: u32, origin: Origin, command: &Command| {
        seq += 1;
        let Ok(r) = rules::execute(book, &Sequenced{sequence: seq, timestamp: Timestamp(seq), account: AccountId(account), origin, command: command.clone()}, &mut |_e: Event| {});
        r
    };
    for a in 1..=makers { for asset in 0..2 { l1.push((AccountId(a), Command::Deposit{owner: Address::default(), asset: AssetId(asset), amount: Quanta(1<<50)})); }
      l1.push((AccountId(a), Command::RegisterSession{key: SessionKey(key(a).verifying_key().to_bytes()), expires: Timestamp::NEVER})); }
    let admin = vec![
        Command::Operator(Box::new(OperatorCommand::ListAsset(AssetParams{token: Address::default(), quantum: 1, symbol: [0;8]}))),
        Command::Operator(Box::new(OperatorCommand::ListAsset(AssetParams{token: Address::default(), quantum: 1, symbol: [0;8]}))),
        Command::Operator(Box::new(OperatorCommand::CreateMarket(MarketParams{base: AssetId(0), quote: AssetId(1), lot: 1000, tick: 100, max_price: MAX_PRICE, maker_fee: Rate(-50), taker_fee: Rate(300), fee_account: AccountId(0),
        limits: Limits{max_quantity: Quantity(1_000_000), max_notional: Quanta(1<<50), max_open_orders: 100_000, max_position: Quantity(1<<40)}, collar: 200_000, breaker: Breaker{band: 500_000, window: 60_000_000, halt: 0}, reference_price: Price(30_000)})))];
    for c in &admin { run(&mut book, 0, Origin::Session, c); }
    for (a, c) in &l1 { run(&mut book, a.0, Origin::L1(0), c); }
    let mut r = SplitMix(7);
    let mut live: Vec<Vec<u64>> = vec![vec![]; makers as usize + 1];
    let mut mid = 30_000u32;
    let mut total = 0;
    while total < n {
        let a = 1 + r.below(makers as u64) as u32;
        let mut cmds = Vec::with_capacity(bundle);
        mid = mid + r.below(3) as u32 - 1;
        for _ in 0..bundle {
            let dice = r.below(100);
            let side = if r.below(2)==0 {Side::Buy} else {Side::Sell};
            let l = &mut live[a as usize];
            let c = if dice < 42 && l.len() > 500 { let i = r.below(l.len() as u64) as usize; Command::Cancel{market: MarketId(0), order: OrderRef::Id(OrderId(l.swap_remove(i)))} }
            else { let cross = dice >= 92; let depth = 1 + (r.below(8)*r.below(8)+r.below(4)) as u32;
                let price = match (side, cross) {(Side::Buy,false) => mid-depth,(Side::Sell,false)=>mid+depth,(Side::Buy,true)=>mid+10,(Side::Sell,true)=>mid-10};
                let q = Quantity(1+r.below(100));
                let p = Place::limit(MarketId(0), side, Price(price), q);
                Command::Place(if cross { Place{time_in_force: TimeInForce::Ioc, self_trade: SelfTrade::ExpireMaker, ..p} } else {p}) };
            if let Outcome::Accepted(id) = run(&mut book, a, Origin::Session, &c) { if matches!(&c, Command::Place(p) if p.time_in_force == TimeInForce::Gtc) { live[a as usize].push(id.0); } }
            cmds.push(c);
        }
        total += bundle;
        subs.push((a, cmds));
    }
    println!("open orders at end {}", book.counters().open_orders);
    let dir = std::path::PathBuf::from("/tmp/gb-pipe"); let _ = std::fs::remove_dir_all(&dir);
    let mut config = Config::new(&dir);
    config.batch.commands = batch;
    config.max_lag = 1<<20;
    let (ex, _) = Exchange::open(config, &g, |_| {}).unwrap();
    let mut signers: Vec<StreamSigner> = vec![];
    let mut s0 = StreamSigner::new(AccountId(0), key(0), ex.stream(AccountId(0)).unwrap());
    for c in &admin { s0.push(c); }
    ex.submit(Submission::Streams{commands: admin.iter().map(|c| (AccountId(0), c.clone())).collect(), signatures: vec![(AccountId(0), s0.sign())], timestamp: Timestamp(1)}).unwrap().wait().unwrap();
    ex.submit(Submission::L1{entries: l1, timestamp: Timestamp(1)}).unwrap().wait().unwrap();
    for a in 1..=makers { signers.push(StreamSigner::new(AccountId(a), key(a), ex.stream(AccountId(a)).unwrap())); }
    let signed: Vec<Submission> = subs.into_iter().map(|(a, cmds)| {
        let s = &mut signers[a as usize - 1];
        for c in &cmds { s.push(c); }
        Submission::Streams{commands: cmds.into_iter().map(|c| (AccountId(a), c)).collect(), signatures: vec![(AccountId(a), s.sign())], timestamp: Timestamp(2)}
    }).collect();
    let t = Instant::now();
    let mut tickets = vec![];
    for s in signed { tickets.push(ex.submit_waiting(s).unwrap()); }
    for t in tickets { t.wait().unwrap(); }
    let durable = t.elapsed();
    ex.seal();
    while ex.stats().sealed < ex.stats().executed { std::thread::sleep(std::time::Duration::from_millis(1)); if let Some(f) = ex.fault() { panic!("{f}") } }
    let sealed = t.elapsed();
    println!("durable {:.2} M/s, sealed {:.2} M/s", n as f64/durable.as_secs_f64()/1e6, n as f64/sealed.as_secs_f64()/1e6);
    let st = ex.stats();
    let b = st.busy_ns; let per = |x: u64| x as f64 / n as f64;
    println!("ns/cmd ingress {:.0} engine {:.0} journal {:.0} feeds {:.0} shadow exec {:.0} seal {:.0}; commits {} batches {} journal bytes/cmd {:.1}", per(b.ingress), per(b.engine), per(b.journal), per(b.feeds), per(b.shadow_execute), per(b.shadow_seal), st.commits, st.batches, st.journal_bytes as f64/n as f64);
    let reps = ex.batches(); let last = &reps[reps.len()-2.min(reps.len())];
    println!("batch: {} commands {} bytes witness {} hashes {:?} exec {:?} seal {:?}", last.commands, last.command_bytes, last.witness_bytes, last.hashes, last.execute, last.seal);
    let p = last.path.clone().unwrap();
    ex.shutdown().unwrap();
    let t = Instant::now();
    SealedBatch::read(&p).unwrap().verify().unwrap(); println!("verified in {:?}", t.elapsed());
}
