//! Writes seeds for every target into `corpus/`: what an honest exchange makes, and a recording made up by hand.
//!
//!     cargo run --release --example seeds
//!
//! Deterministic: the same sources make the same seeds.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use availability::encryption::Keyring;
use flow::{FlowWriter, Simulation, SimulationOptions};
use kit::{Honest, KEYRING, admitted_flow, coded, signed_batches, with_check};
use light_client::wire::{BlockInfo, BlockList, push_sample};
use rules::{ModelStore, model_flow};
use shard_store::{ShardFile, Store};
use state::StateTree;
use transition::SealedBatch;

const RECORDING: &str = "\
time,type,order_id,size,price,direction,ask_price,ask_size,bid_price,bid_size
34200.001,1,10,100,10000,1,0,0,10000,100
34200.002,1,11,50,10200,-1,10200,50,10000,100
34200.003,4,11,20,10200,-1,10200,30,10000,100
34200.004,2,10,40,10000,1,10200,30,10000,60
34200.005,5,0,10,10100,1,10200,30,10000,60
34200.006,4,7,60,10000,1,10200,30,9900,40
34200.007,3,11,30,10200,-1,10300,80,9900,40
34200.008,7,0,0,-1,-1,10300,80,9900,40
";

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let write = |target: &str, name: usize, bytes: &[u8]| {
        let dir = corpus.join(target);
        fs::create_dir_all(&dir)?;
        fs::write(dir.join(format!("seed-{name:03}")), bytes)
    };

    let mut model = ModelStore::open(&model_flow::genesis());
    for (at, sequenced) in admitted_flow(5, 600).iter().enumerate() {
        let mut content = Vec::new();
        let mut events = Vec::new();
        let Ok(outcome) = rules::execute(&mut model, sequenced, &mut |event| events.push(event));
        outcome.encode(&mut content);
        write("event_decode", 2 * at, &content)?;
        content.clear();
        events.iter().for_each(|event| event.encode(&mut content));
        write("event_decode", 2 * at + 1, &content)?;
        let mut command = Vec::new();
        sequenced.command.encode(&mut command);
        write("command_decode", at, &command)?;
    }

    let start = Honest::after(3, 400);
    let later = admitted_flow(3, 900);
    for (at, run) in later[later.len().min(start.sequence as usize - 1)..].chunks(12).enumerate() {
        let (mut bytes, mut previous) = (Vec::new(), start.timestamp);
        for sequenced in run {
            sequenced.encode(previous.min(sequenced.timestamp), &mut bytes);
            previous = sequenced.timestamp;
        }
        write("batch_commands", at, &bytes)?;
        write("rules_flow", at, &bytes)?;
    }

    for (at, size) in [1, 4, 20, 60].into_iter().enumerate() {
        for (number, batch) in signed_batches(at as u64 + 1, 4, size).into_iter().enumerate() {
            let name = 10 * at + number;
            write("batch_input", name, &batch.input.encode())?;
            write("claim_decode", name, &batch.claim.encode())?;
            let questions: Vec<u8> = (0..24).map(|byte| byte * 7).collect();
            let asked = [&[questions.len() as u8], &questions[..], &batch.input.witness].concat();
            write("witness_decode", name, &asked)?;
            let sealed = SealedBatch { claim: batch.claim, input: batch.input }.encode();
            write("sealed_batch", name, &sealed[..sealed.len() - 32])?;
        }
    }

    let mut truth = Honest::after(1, 300).tree;
    let keys: Vec<u128> = truth.iter().map(|entry| entry.key).filter(|key| *key != 0).collect();
    for (at, key) in keys.iter().enumerate().step_by(5) {
        for key in [*key, key + 1] {
            let proof = truth.prove(key).expect("every key has a proof");
            write("state_proof", 2 * at + usize::from(key == keys[at]), &proof.encode())?;
        }
    }
    write("state_snapshot", 0, &truth.to_snapshot())?;
    let _ = truth.root();

    let messages = [
        "35=A|98=0|108=30|141=Y|553=key|95=4|96=a=b|",
        "35=D|11=a|55=BTCUSD|54=1|38=0.01|40=2|44=64000.00|59=1|126=20300101-00:00:00|",
        "35=V|262=a|263=1|264=10|265=1|267=2|269=0|269=1|146=2|55=BTCUSD|55=ETHUSD|",
        "35=2|7=1|16=0|",
        "35=4|123=Y|36=7|",
    ];
    for (at, body) in messages.into_iter().enumerate() {
        let body = body.replace('|', "\u{1}");
        let mut bytes = format!("8=FIX.4.4\u{1}9={}\u{1}{body}", body.len()).into_bytes();
        let sum = fix::check_sum(&bytes);
        bytes.extend(format!("10={sum:03}\u{1}").bytes());
        // How the stream is cut comes first.
        let stream = [&[7][..], &bytes, &bytes].concat();
        write("fix_decode", at, &stream)?;
    }

    write("journal_open", 0, &[1])?;
    write("journal_open", 1, &[1, 2, 10, 0, 1])?;
    write("journal_open", 2, &[1, 4, 0, 2])?;
    write("journal_open", 3, &[1, 5, 7, 3])?;

    let options = SimulationOptions {
        commands: 40,
        markets: 1,
        accounts: 8,
        makers: 2,
        ..SimulationOptions::default()
    };
    let simulation = Simulation::new(options).map_err(io::Error::other)?;
    let mut file = Vec::new();
    let mut writer =
        FlowWriter::create(&mut file, simulation.genesis(), Some(40)).map_err(io::Error::other)?;
    for item in simulation {
        writer.write(item).map_err(io::Error::other)?;
    }
    writer.finish().map_err(io::Error::other)?;
    write("flow_file", 0, &file)?;
    write("lobster_csv", 0, RECORDING.as_bytes())?;
    coded_payloads(&write)
}

/// What a publisher of data writes and serves.
fn coded_payloads(write: &dyn Fn(&str, usize, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let (_, encoded) = coded();
    let header = encoded.header();
    write("coded_header", 0, &[&header.encode()[..], &encoded.combination().encode()].concat())?;
    let mut answer = Vec::new();
    for index in [0, 7, 15, 16, 23] {
        let sample = encoded.sample(index).map_err(io::Error::other)?;
        write("coded_sample", 2 * index, &sample.encode())?;
        push_sample(&mut answer, &sample);
        write("coded_sample", 2 * index + 1, &ShardFile { header: *header, sample }.encode())?;
    }
    write("light_client_wire", 0, &answer)?;
    let info = BlockInfo {
        number: 1,
        commitment: hex::encode(header.commitment().0),
        header: hex::encode(header.encode()),
        claim_digest: Some(hex::encode([7; 32])),
        published_at: 1,
        data_shards: header.parameters.data(),
        parity_shards: header.parameters.parity(),
        shard_length: header.shard_length().map_err(io::Error::other)?,
        payload_length: header.payload_length,
        has_shards: true,
        combination: Some(hex::encode(encoded.combination().encode())),
    };
    write("light_client_wire", 1, &serde_json::to_vec(&info)?)?;
    let list = BlockList { blocks: vec![BlockInfo { combination: None, ..info }], next: Some(2) };
    write("light_client_wire", 2, &serde_json::to_vec(&list)?)?;
    write("light_client_wire", 3, hex::encode(header.commitment().0).as_bytes())?;

    // Which code, how long a payload, which lies, which shards.
    write("coded_decoder", 0, &[])?;
    write("coded_decoder", 1, &[7, 20, 100])?;
    write("coded_decoder", 2, &[15, 7, 1, 0, 2, 3, 9, 1, 17, 4, 8, 0, 0, 5, 1, 16, 8])?;

    let dir = std::env::temp_dir().join(format!("glassbook-seeds-{}", std::process::id()));
    let store = Store::create(&dir.join("store")).map_err(io::Error::other)?;
    store.publish(1, Some([7; 32]), 1, encoded).map_err(io::Error::other)?;
    let head = fs::read(dir.join("store/blocks/000000000/000000000001/head"))?;
    const RECORD: usize = 134;
    // Without both checksums.
    write("shard_head", 0, &[&head[..RECORD], &head[RECORD + 32..head.len() - 32]].concat())?;
    write("shard_head", 1, &head)?;
    let mut pruned = head[..RECORD].to_vec();
    pruned[8] = 2;
    write("shard_head", 2, &pruned)?;

    let path = dir.join("keyring");
    fs::write(&path, with_check(KEYRING.as_bytes()))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    let keyring = Keyring::load(&path).map_err(io::Error::other)?;
    for (at, (batch, payload)) in [(0, &b""[..]), (5, b"some payload"), (1200, &[0; 300])].into_iter().enumerate() {
        write("encrypted_payload", at, &keyring.seal(batch, payload).map_err(io::Error::other)?)?;
    }
    write("keyring_file", 0, KEYRING.as_bytes())?;
    write("keyring_file", 1, &with_check(KEYRING.as_bytes()))?;
    fs::remove_dir_all(&dir)
}
