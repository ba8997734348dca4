//! How much one entry of the queue can make the operator prove.

use contracts::bindings::Exchange;
use state::Witness;
use transition::{Authorisation, BatchInput};
use types::{
    AccountId, ClientOrderId, Command, MarketId, Origin, Place, Price, Quantity, Side, TimeInForce, Timestamp,
};

use crate::chain::{digest, person};
use crate::world::{ALICE, COIN, TOKEN, World};

/// A leaf and all that stands beside its path in the deepest tree, in bytes.
const TOUCHED_BYTES: usize = 160 + 32 * 32;
/// What `contracts/README.md` lets an account have open in all markets together.
const ORDERS: usize = 50_000;

/// The state that the cancellation of so many orders touches, and the bytes of the whole input.
fn cancellation(orders: u64) -> (usize, usize) {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 40_000_000).done();
    world.deposit(ALICE, TOKEN, 400_000_000).done();
    let session = Exchange::registerSessionCall { key: digest(1), expires: u64::MAX };
    world.force(person(ALICE), &session).done();
    let alice = world.account(person(ALICE));
    // The dearest orders there are: each its own price, an expiry, the trader's number, on both sides.
    world.seal((0..orders).map(|number| (alice, Origin::Session, order(number))).collect());
    let (_, locked) = world.ledger.balance(alice, types::AssetId(TOKEN));
    assert!(locked > 0);
    world.force(person(ALICE), &Exchange::forceCancelCall { marketPlusOne: 0, side: 0 }).done();

    let previous_root = world.ledger.tree.start_recording();
    let entry = &world.entries[3];
    let cancel = (AccountId(1), Origin::L1(entry.position), entry.command.clone());
    let mut sealed = world.ledger.seal(&[cancel]);
    let witness = sealed.after.tree.take_witness().unwrap();
    for asset in [COIN, TOKEN] {
        assert_eq!(sealed.after.balance(alice, types::AssetId(asset)).1, 0);
    }
    let touched = witness.touched.len();
    let input = BatchInput {
        previous_root,
        commands: vec![0; 64],
        authorisation: Authorisation::default(),
        witness: witness.encode(),
    };
    assert!(Witness::decode(&input.witness, input.witness.len()).is_ok());
    let bytes = input.encode();
    assert!(BatchInput::decode(&bytes, &transition::Limits::default()).is_ok());
    (touched, bytes.len())
}

fn order(number: u64) -> Command {
    let price = |base: u64| Price(u32::try_from(base + number).unwrap());
    let (side, price) =
        if number.is_multiple_of(2) { (Side::Buy, price(1)) } else { (Side::Sell, price(3_000)) };
    let place = Place::limit(MarketId(0), side, price, Quantity(1 + number));
    Command::Place(Place {
        time_in_force: TimeInForce::Gtd(Timestamp(1_000_000 + number)),
        client_id: ClientOrderId(number + 1),
        ..place
    })
}

#[test]
fn the_dearest_forced_cancellation_fits_a_provers_input() {
    let (few, _) = cancellation(100);
    let (many, bytes) = cancellation(900);
    let each = (many - few).div_ceil(800);
    eprintln!("{each} entries of the state an order; {bytes} bytes of input for 900 orders");
    let most = (few + each * ORDERS) * TOUCHED_BYTES;
    let limit = transition::Limits::default().witness;
    assert!(most <= limit, "{ORDERS} orders may need {most} bytes, and a prover reads {limit}");
}
