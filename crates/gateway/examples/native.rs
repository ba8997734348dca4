//! The native API in front of an exchange with simulated traders, whose batches are sealed and no more: to try clients on, and to
//! compare the API with its document. Nothing is kept.
//!
//! ```text
//! cargo run --release -p gateway --example native -- [port] [commands a second]
//! ```

mod simulated;

use std::sync::Arc;

use exchange::Submission;
use flow::{dev_key, dev_session_key};
use gateway::keys::Role;
use gateway::native::{self, Native, NativeOptions, Unsettled};
use gateway::{Server, Settings};
use simulated::{Options, World};
use types::{Command, Timestamp};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().map_or(Ok(7700), |port| port.parse())?;
    let rate = arguments.next().map_or(Ok(100), |rate| rate.parse())?;
    let directory = tempfile::tempdir()?;
    let mut settings = Settings::default();
    settings.listen.set_port(port);
    settings.limits.connections_per_address = 5_000;
    settings.limits.weight_per_minute = 100_000_000;
    let mut world =
        World::open(directory.path(), Options { rate, traders: 2, settings, ..Options::default() });

    // One trader takes his session back from the gateway: his key is one that anybody can compute.
    let account = world.traders[0].account;
    let register = Command::RegisterSession { key: dev_session_key(account), expires: Timestamp::NEVER };
    let submission = Submission::L1 { entries: vec![(account, register)], timestamps: Vec::new() };
    world.exchange.submit_waiting(submission)?.wait()?;

    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let batches = directory.path().join("exchange/batches");
        let lifecycle = Arc::new(Unsettled::new(&batches));
        let options = NativeOptions::new(batches);
        let native = Native::start(world.gateway.clone(), lifecycle, &world.genesis, options);
        let server = Server::start(world.gateway.clone(), native::router(native)).await?;
        println!("http://{}/openapi.json", server.address());
        println!("--account {account} --key {}", hex::encode(dev_key(account).to_bytes()));
        if let Some((key, secret)) = world.traders[1].keys.get(&Role::Trade) {
            println!("GLASSBOOK_KEY={key} GLASSBOOK_SECRET={secret}");
        }
        println!("End with Ctrl-C.");
        tokio::signal::ctrl_c().await?;
        server.stop().await;
        Ok::<_, Box<dyn std::error::Error>>(())
    })?;
    world.stop();
    Ok(())
}
