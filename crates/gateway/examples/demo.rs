//! An exchange with simulated traders behind a gateway, and keys to trade with: to try trading software on. Nothing is kept.
//!
//! ```text
//! cargo run --release -p gateway --example demo -- [port] [commands a second]
//! ```
//!
//! FIX is on the port after it.

mod simulated;

use std::collections::BTreeMap;

use gateway::fix::FixServer;
use gateway::{Server, Settings};
use simulated::{Options, World};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().map_or(Ok(7700), |port| port.parse::<u16>())?;
    let rate = arguments.next().map_or(Ok(500), |rate| rate.parse())?;
    let directory = tempfile::tempdir()?;
    let mut settings = Settings::default();
    settings.listen.set_port(port);
    settings.limits.connections_per_address = 5_000;
    let options = Options { rate, traders: 3, settings, ..Options::default() };
    let mut world = World::open(directory.path(), options);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let server = Server::start(world.gateway.clone(), axum::Router::new()).await?;
        let mut fix = gateway::fix::Settings::default();
        fix.listen.set_port(if port == 0 { 0 } else { port + 1 });
        let fix = FixServer::start(world.gateway.clone(), &fix).await?;
        println!("http://{}\nFIX {}", server.address(), fix.address());
        for trader in &world.traders {
            println!("\naccount {}:", trader.account);
            for (role, (key, secret)) in trader.keys.iter().collect::<BTreeMap<_, _>>() {
                println!("  {:9} {key} {secret}", role.to_string());
            }
        }
        println!("\nEnd with Ctrl-C.");
        tokio::signal::ctrl_c().await?;
        fix.stop().await;
        server.stop().await;
        Ok::<_, Box<dyn std::error::Error>>(())
    })?;
    world.stop();
    Ok(())
}
