//! What must hold after every command, whatever the commands are.

mod checker;
mod coverage;

use checker::Checker;
use rules::model_flow::{flow, genesis};
use types::{Reader, Sequenced, Timestamp};

/// The invariants are slow to check, so debug builds look at fewer commands.
const COMMANDS: usize = if cfg!(debug_assertions) { 4_000 } else { 12_000 };

fn check(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let mut checker = Checker::new(&genesis());
        for command in flow(seed, COMMANDS) {
            checker.apply(seed, &command);
        }
    }
}

#[test]
fn every_invariant_holds_after_every_command() {
    check(0..4);
}

#[test]
fn every_invariant_holds_after_every_command_of_other_seeds() {
    check(100..104);
}

#[test]
fn a_flow_depends_on_nothing_but_its_seed_and_grows_at_its_end() {
    let long = flow(7, 1_500);
    assert_eq!(long, flow(7, 1_500));
    assert_eq!(long[..700], flow(7, 700));
    assert_ne!(long, flow(8, 1_500));
}

#[test]
fn a_flow_survives_its_encoding() {
    let commands = flow(3, 3_000);
    let mut bytes = Vec::new();
    let mut previous = Timestamp(0);
    for command in &commands {
        command.encode(previous, &mut bytes);
        previous = command.timestamp;
    }
    let mut reader = Reader::new(&bytes);
    let mut previous = Timestamp(0);
    for command in &commands {
        assert_eq!(Sequenced::decode(command.sequence, previous, &mut reader).as_ref(), Ok(command));
        previous = command.timestamp;
    }
    reader.finish().expect("nothing is left over");
}
