//! The Python package's example, against this API.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use types::{AccountId, Side};

use crate::kit::{World, limit, session_key};

#[tokio::test(flavor = "multi_thread")]
async fn the_python_example_trades_and_verifies() {
    let script =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clients/python/examples/trade_and_verify.py");
    let world = World::open().await;
    let maker = AccountId(2);
    let mut sells = world.client.signer(maker, session_key(maker)).await.unwrap();
    world.client.submit(&mut sells, &[limit(Side::Sell, 500, 1)]).await.unwrap();
    let key = hex::encode(session_key(AccountId(1)).to_bytes());
    let mut command = Command::new("python3");
    command.arg(script).args(["--url", &world.url, "--account", "1", "--key", &key]);
    command.args(["--price", "500", "--quantity", "3"]).stdin(Stdio::null());
    let output = match tokio::task::spawn_blocking(move || command.output()).await.unwrap() {
        Err(error) => return eprintln!("SKIPPED: no python3: {error}"),
        Ok(output) => output,
    };
    let (said, complained) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{said}\n{complained}");
    for part in [
        "accepted: order 2",
        "the path leads to the events root",
        "Fill(market=0",
        "the paths lead to the state root",
    ] {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
}
