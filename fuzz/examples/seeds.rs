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
    coded_payloads(&write)?;
    front_door(&write)
}

/// What clients and files say to the gateway.
fn front_door(write: &dyn Fn(&str, usize, &[u8]) -> io::Result<()>) -> io::Result<()> {
    // A scale, units, assets and a market, decimals; then the text.
    let scale = [[5, 0, 2, 7, 200, 3, 9, 1], [1, 0, 0, 0, 17, 0, 1, 0]];
    for (at, head) in scale.iter().enumerate() {
        for (number, text) in
            ["1.50", "007", "922337203685477580.75", "0.000", "12.3456"].into_iter().enumerate()
        {
            let market = [0, 100, 0, 10, 0, 100, 0, 1, 18, 6];
            write("decimal_text", 10 * at + number, &[&head[..], &market, text.as_bytes()].concat())?;
        }
    }
    // Where a signature is put and how it is changed; query, body.
    let order = "symbol=BTCUSD&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.010&price=64000&newClientOrderId=a.1&timestamp=1700000000000&recvWindow=5000.5&signature=00";
    let requests = [
        format!("{order}\n"),
        format!("\n{order}"),
        "symbol=ETHUSD&side=BUY&type=MARKET&quoteOrderQty=10.5&selfTradePreventionMode=DECREMENT\n".to_owned(),
        "symbol=SOLUSD&side=SELL&type=STOP_LOSS_LIMIT&timeInForce=IOC&quantity=3&price=1.5&stopPrice=1.60\n".to_owned(),
        "symbol=BTCUSD&side=SELL&type=LIMIT_MAKER&quantity=3&price=15\n".to_owned(),
        "symbol=BTCUSD&side=SELL&type=TAKE_PROFIT&quantity=3&stopPrice=15\n".to_owned(),
        "symbols=%5B%22BTCUSD%22,%22ETHUSD%22%5D&fromId=7&limit=5\nstartTime=1&endTime=2&orderId=3&origClientOrderId=a+b%zz".to_owned(),
        "\n{\"symbol\":\"BTCUSD\",\"side\":\"BUY\",\"type\":\"MARKET\",\"quantity\":0.10,\"timestamp\":1700000000000,\"n\":null,\"b\":true}".to_owned(),
    ];
    for (at, request) in requests.iter().enumerate() {
        write("binance_request", at, &[&[at as u8, 3, 1, 65], request.as_bytes()].concat())?;
    }
    let signed = |method: &str, more: &str| {
        format!(
            "C{{\"id\":\"a\",\"method\":\"{method}\",\"params\":{{\"apiKey\":\"$KEY\",\"timestamp\":$NOW,\"signature\":\"$SIGN\"{more}}}}}"
        )
    };
    let order = ",\"symbol\":\"BTCUSD\",\"side\":\"BUY\",\"type\":\"LIMIT\",\"timeInForce\":\"GTC\",\"price\":\"9\",\"quantity\":\"1\"";
    let sockets = [
        "L{\"method\":\"SUBSCRIBE\",\"params\":[\"btcusd@depth\",\"btcusd@depth@1000ms\",\"ethusd@kline_1m\",\"!ticker@arr\"],\"id\":1}\nL{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":2}\nL{\"method\":\"UNSUBSCRIBE\",\"params\":[\"btcusd@depth\"],\"id\":3}".to_owned(),
        "L{\"method\":\"SET_PROPERTY\",\"params\":[\"combined\",true],\"id\":\"x\"}\nL{\"method\":\"GET_PROPERTY\",\"params\":[\"combined\"],\"id\":4}".to_owned(),
        "C{\"id\":1,\"method\":\"depth\",\"params\":{\"symbol\":\"BTCUSD\",\"limit\":5}}\nC{\"id\":2,\"method\":\"ticker.24hr\",\"params\":{\"symbols\":[\"BTCUSD\"]}}\nC{\"id\":3,\"method\":\"klines\",\"params\":{\"symbol\":\"BTCUSD\",\"interval\":\"1m\"}}".to_owned(),
        [signed("session.logon", ""), signed("userDataStream.subscribe", ""), signed("session.status", ""), signed("userDataStream.unsubscribe", ",\"subscriptionId\":0"), signed("session.logout", "")].join("\n"),
        [signed("userDataStream.subscribe.signature", ""), signed("session.subscriptions", ""), signed("order.test", order), signed("order.place", order), signed("account.status", "")].join("\n"),
        [signed("userDataStream.start", ""), "L{\"method\":\"SUBSCRIBE\",\"params\":[\"$LISTEN\"],\"id\":9}".to_owned(), signed("allOrders", ",\"symbol\":\"BTCUSD\"")].join("\n"),
    ];
    let closed = [
        signed("userDataStream.start", ""),
        "L{\"method\":\"SUBSCRIBE\",\"params\":[\"$LISTEN\"],\"id\":9}".to_owned(),
        signed("userDataStream.stop", ",\"listenKey\":\"$LISTEN\""),
        "L{\"method\":\"SET_PROPERTY\",\"params\":[\"combined\",true],\"id\":1}".to_owned(),
    ];
    write("binance_socket", sockets.len(), closed.join("\n").as_bytes())?;
    for (at, messages) in sockets.iter().enumerate() {
        write("binance_socket", at, messages.as_bytes())?;
    }
    let (streams, signature) = ("{\"account\":5,\"command\":\"0100040080f403052a\"}", "07".repeat(64));
    let streams = format!(
        "{{\"commands\":[{streams}],\"signatures\":[{{\"account\":5,\"signature\":\"0x{signature}\"}}]}}"
    );
    let bodies = [
        format!("{{\"account\":5.0,\"command\":\"02010005\",\"signature\":\"{}\"}}", "08".repeat(65)),
        format!("{{\"account\":5,\"expires\":9007199254740991,\"signature\":\"{}\"}}", "08".repeat(65)),
        "{\"role\":\"trade\",\"kind\":\"ed25519\",\"label\":\"a b\",\"publicKey\":\"-----BEGIN PUBLIC KEY-----\\nAA\\n-----END PUBLIC KEY-----\"}".to_owned(),
        "{\"role\":\"read\",\"kind\":\"hmac\"}".to_owned(),
        format!("{{\"id\":1,\"method\":\"submit\",\"params\":{streams}}}"),
        "{\"id\":2,\"method\":\"subscribe\",\"params\":{\"channel\":\"depth\",\"market\":\"BTCUSD\"}}".to_owned(),
        "{\"id\":3,\"method\":\"unsubscribe\",\"params\":{\"channel\":\"executions\",\"account\":7}}".to_owned(),
        "{\"id\":4,\"method\":\"authenticate\",\"params\":{\"apiKey\":\"k\",\"timestamp\":5,\"signature\":\"s\"}}".to_owned(),
        "{\"id\":5,\"method\":\"authenticate\",\"params\":{\"account\":6,\"timestamp\":5,\"signature\":\"s\"}}".to_owned(),
        "{\"id\":6,\"method\":\"ping\"}".to_owned(),
        "{\"id\":7,\"method\":\"subscribe\",\"params\":{\"channel\":\"batches\"}}".to_owned(),
        "{\"id\":8,\"method\":\"subscribe\",\"params\":{\"channel\":\"commands\"}}".to_owned(),
        "{\"id\":9,\"method\":\"subscribe\",\"params\":{\"channel\":\"trades\",\"market\":\"ETHUSD\"}}".to_owned(),
        "0xabCD".to_owned(),
        streams,
    ];
    for (at, body) in bodies.iter().enumerate() {
        write("native_request", at, body.as_bytes())?;
    }
    let messages = [
        "D|11=a|1=1|55=BTCUSD|54=1|38=0.01|40=2|44=64000.00|59=6|126=20300101-00:00:00.5|18=6|25001=3",
        "D|11=b|55=ETHUSD|54=1|152=10.5|40=1\nD|11=c|55=ETHUSD|54=2|38=1|40=4|44=1.5|99=1.6|59=3",
        "D|11=d|55=SOLUSD|54=2|38=1|40=J|99=2\nD|11=e|55=SOLUSD|54=2|38=1|40=3|99=2|59=4",
        "F|11=x|41=a|55=BTCUSD\nG|11=y|37=7|55=BTCUSD|40=2|38=1|44=5\nH|11=z|55=BTCUSD|37=NONE|41=a",
        "q|11=x|530=7|54=1\nq|11=x|530=1|55=ETHUSD",
        "V|262=a|263=1|264=10|265=1|267=3|269=0|269=1|269=2|146=2|55=BTCUSD|55=ETHUSD\nV|262=b|263=0|264=0|265=0|267=1|269=2|146=1|55=SOLUSD\nV|262=a|263=2",
    ];
    for (at, message) in messages.into_iter().enumerate() {
        write("fix_request", at, message.as_bytes())?;
    }
    // Notes; what is done with names; a record of an API key; texts.
    let told = [0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, b'n'];
    let used = [1, 0, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0, b'a'];
    let notes = [
        &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0][..],
        &[1, 0, 0, 0, 0, 0, 0, 0, 9, told.len() as u8],
        &told,
        &[2, 0, 0, 0, 0, 0, 0, 0, 1, used.len() as u8],
        &used,
    ];
    write("gateway_file", 0, &notes.concat())?;
    write("gateway_file", 1, &[1, 0, 0, 5, 0, 0, 0, 0, 5, 1, 0, 2, 6, 0, 0, 0, 0, 7, 2])?;
    let record = [&[2, 7, 1, 3][..], b"bot", &[128, 1, 0, 1], &[7; 32]].concat();
    write("gateway_file", 2, &record)?;
    let key = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=\n-----END PUBLIC KEY-----";
    for (at, text) in [key, pem, "17", "x-TKT5PX2F2ee0f12f9a6ffb95ef"].into_iter().enumerate() {
        write("gateway_file", 3 + at, &[&[3], text.as_bytes()].concat())?;
    }
    let example = settings::example();
    let is_key = |text: &str| {
        text.split(" = ")
            .next()
            .is_some_and(|key| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
    };
    let lines = example
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|key| is_key(key) && !key.contains('…')).unwrap_or(line));
    let all: Vec<&str> = lines.filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    write("settings_file", 0, all.join("\n").as_bytes())?;
    let sections = all.join("\n").replace("\n[", "\n\n[");
    for (at, section) in sections.split("\n\n").enumerate() {
        write("settings_file", at + 1, section.as_bytes())?;
    }
    write("settings_file", 90, b"[gateway]\nlisten = \"localhost:80\"\nallowed_origins = [\"https://a.example\"]\ntls-key = 'a'\nlimits.connections = 1_0\n")
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
    for (at, (batch, payload)) in
        [(0, &b""[..]), (5, b"some payload"), (1200, &[0; 300])].into_iter().enumerate()
    {
        write("encrypted_payload", at, &keyring.seal(batch, payload).map_err(io::Error::other)?)?;
    }
    write("keyring_file", 0, KEYRING.as_bytes())?;
    write("keyring_file", 1, &with_check(KEYRING.as_bytes()))?;
    fs::remove_dir_all(&dir)
}
