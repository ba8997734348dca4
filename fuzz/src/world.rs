//! A gateway in front of an exchange with simulated traders. Opened once a process; nothing that targets do changes it.

use std::sync::LazyLock;
use std::thread::sleep;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use flow::{Simulation, SimulationOptions};
use gateway::Settings;
use gateway::keys::Role;
use simulated::{Options, Player, World};
use types::{AccountId, Timestamp};

#[path = "../../crates/gateway/examples/simulated/mod.rs"]
mod simulated;

/// A gateway, and keys of an account that has not delegated: whatever is signed with them, no order reaches the exchange.
pub struct Front {
    /// The exchange and its gateway.
    pub world: World,
    /// Whose the keys are.
    pub account: AccountId,
    /// An HMAC key and its secret.
    pub hmac: (String, String),
    /// An Ed25519 key and its secret half.
    pub ed25519: (String, SigningKey),
}

/// A gateway with three markets.
pub fn front() -> &'static Front {
    static FRONT: LazyLock<Front> = LazyLock::new(|| {
        let folder = tempfile::tempdir().expect("a folder").keep();
        let mut settings = Settings::default();
        // What an address or an account may ask for is not what is tried here.
        settings.limits.weight_per_minute = u32::MAX;
        settings.limits.orders_per_ten_seconds = u32::MAX;
        settings.limits.orders_per_day = u32::MAX;
        settings.limits.ws_streams = STREAMS;
        let options = Options {
            simulated: 8,
            traders: 1,
            settings,
            configure: |config| {
                // The folder stays behind when the process ends.
                config.journal.segment_bytes = 1 << 20;
                config.journal.max_frame_bytes = 512 << 10;
                config.journal.max_record_bytes = 256 << 10;
                config.max_bundle = 1_000;
            },
            ..Options::default()
        };
        let world = World::open(&folder, options);
        play(&world);
        let account = AccountId(1);
        let signer = SigningKey::from_bytes(&[7; 32]);
        let public = hex::encode(signer.verifying_key().to_bytes());
        let keys = &world.gateway.keys;
        let hmac = keys.create_hmac(account, Role::Admin, "fuzz").expect("room for a key");
        let ed25519 = keys.create_ed25519(account, Role::Admin, "fuzz", &public).expect("room for a key");
        Front { world, account, hmac, ed25519: (ed25519, signer) }
    });
    &FRONT
}

/// Streams of one connection at most.
pub const STREAMS: usize = 8;

/// Orders in the books, and trades.
fn play(world: &World) {
    const COMMANDS: u64 = 1 << 50;
    let options = SimulationOptions {
        markets: 3,
        accounts: 8,
        makers: 6,
        commands: COMMANDS,
        start: Timestamp(0),
        ..SimulationOptions::default()
    };
    let simulation = Simulation::new(options).expect("the options are in range");
    let setup = simulation.progress().1 - COMMANDS;
    let mut player = Player::new(world.exchange.clone());
    for item in simulation.skip(setup as usize).take(400) {
        player.play(item);
    }
    player.flush();
    while world.view.sequence() < setup + 400 {
        assert_eq!(world.view.fault(), None);
        sleep(Duration::from_millis(5));
    }
}
