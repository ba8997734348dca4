//! Every engine does the work of the workload's own book, and what it is measured by is sound.

use bench::{BareEngine, Clock, FullEngine, With, Without, Workload, latency, throughput};

#[test]
fn every_engine_fills_what_the_workload_fills() {
    let workload = Workload::new(5, 50_000);
    assert!(workload.filled() > 0);
    assert_eq!(throughput::<BareEngine>(&workload).unwrap().1, workload.filled());
    assert_eq!(throughput::<FullEngine<Without>>(&workload).unwrap().1, workload.filled());
    assert_eq!(throughput::<FullEngine<With>>(&workload).unwrap().1, workload.filled());
    #[cfg(feature = "peers")]
    assert_eq!(throughput::<bench::OrderbookRsEngine>(&workload).unwrap().1, workload.filled());
}

#[test]
fn percentiles_rise() {
    let latency = latency::<BareEngine>(&Workload::new(5, 20_000), &Clock::new()).unwrap();
    assert!(latency.p50 <= latency.p99 && latency.p99 <= latency.p999 && latency.p999 <= latency.max);
}
