//! `glassbook dev --l1`: settling on a node that somebody else runs.

use crate::kit::{World, done, has, refused};

#[test]
fn an_exchange_settles_on_somebodys_node() {
    let world = World::new();
    let flow = ["--flow", "simulate", "--traders", "6", "--for", "4s"];
    let report = done(&world.dev(&flow).output().unwrap());
    has(&report, "somebody's node");
    has(&report, "the contract holds what the exchange owes, to the wei");
    // The contracts stay, and so does the exchange.
    let exchange = world.exchange();
    let report = done(&world.dev(&flow).output().unwrap());
    has(&report, "the contract holds what the exchange owes, to the wei");
    assert_eq!(world.exchange(), exchange);
}

#[test]
fn a_public_network_is_refused_unless_somebody_insists() {
    let world = World::on(11_155_111);
    let why = refused(&world.dev(&["--for", "1s"]).output().unwrap());
    has(&why, "Sepolia");
    has(&why, "--allow-public-network");
    assert!(!world.data().join("deployment.json").exists(), "something was deployed");
    let operator = crate::kit::Who::Operator.address();
    assert_eq!(world.runtime.block_on(world.client.nonce(operator)).unwrap(), 0);
    has(&done(&world.dev(&["--for", "1s", "--allow-public-network"]).output().unwrap()), "are final");
}
