//! What is refused, lost or mistyped costs nobody money, and keeps nobody else's back.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use alloy_primitives::U256;
use contracts::bindings::Exchange;

use crate::kit::{Who, World, done, halves, has, refused, until};

#[test]
fn a_payment_that_is_refused_does_not_keep_the_others_back() {
    let world = World::new();
    let _exchange = world.start(&[]);
    let (asset, token) = (world.coin(), 0);
    let coin = asset.to_string();
    let owner = Who::User.address().to_string();
    let deposit =
        |asset: &str, amount| world.call(Who::User, &["l1", "deposit", "--asset", asset, "--amount", amount]);
    done(&deposit(&coin, "1"));
    world.mint(Who::User, token);
    done(&deposit("0", "7q"));
    world.wait_for_entries(Who::User);
    done(&world.call(Who::User, &["l1", "exit", "--assets", &format!("{coin},0")]));
    world.wait_for_entries(Who::User);

    // A recipient that takes no coins: the coins are refused, the token that comes after them is paid.
    let closed = world.token(token).to_string();
    let output = world.call(Who::User, &["l1", "claim", "--to", &closed]);
    let why = refused(&output);
    has(&why, "REFUSED: claim 1 (100000000 quanta)");
    has(&why, "TransferFailed");
    has(&why, "may name another recipient");
    has(&why, "1 of 2 withdrawals were refused");
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    has(&out, "claim 7 quanta");
    has(&out, "paid 1 withdrawals");
    assert_eq!(world.view(Exchange::heldCall { asset: token }), U256::ZERO);
    assert_eq!(world.view(Exchange::heldCall { asset }), halves(2));

    // Whoever begins after the contract does not hear that nothing is due.
    let late = world.runtime.block_on(world.client.latest()).unwrap().number.to_string();
    for command in [&["l1", "claim", "--owner", &owner][..], &["l1", "queue", "--owner", &owner]] {
        let late = [command, &["--from-block", late.as_str()]].concat();
        let output = match command[1] {
            "queue" => world.ask(&late),
            _ => world.call(Who::Helper, &late),
        };
        has(&refused(&output), "--from-block must not be after the contract's first block");
        assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    }

    let before = world.balance(Who::User);
    has(&done(&world.call(Who::Helper, &["l1", "claim", "--owner", &owner])), "paid 1 withdrawals");
    assert_eq!(world.balance(Who::User), before + halves(2));
}

#[test]
fn a_transaction_whose_answer_is_lost_is_told_by_its_hash() {
    let world = World::new();
    let exchange = world.start(&[]);
    drop(exchange);
    let (coin, before) = (world.coin().to_string(), world.view(Exchange::queueLengthCall {}));
    let mut command = world.glassbook();
    command.args(["l1", "deposit", "--asset", &coin, "--amount", "1", "--key", Who::User.variable()]);
    command.args(["--l1", &forgetful(&world.l1.url()), "--deployment"]);
    let output = command.arg(world.data().join("deployment.json")).output().unwrap();
    let (why, out) = (refused(&output), String::from_utf8_lossy(&output.stdout));
    has(&why, "MAY HAVE BEEN SENT");
    has(&why, "before you repeat this");
    let hash = out.lines().find_map(|line| line.trim().strip_prefix("transaction ")).unwrap();
    has(&why, hash);
    assert!(!why.contains("deposited") && !out.contains("deposited"), "{out}{why}");
    // It was: whoever repeats it pays twice.
    until("the deposit", || (world.view(Exchange::queueLengthCall {}) == before + 1).then_some(()));
}

#[test]
fn what_signs_names_its_chain_and_a_key_by_its_name_alone() {
    let world = World::new();
    let (url, nobody) = (world.l1.url(), Who::Beggar.address().to_string());
    let ask = |arguments: &[&str]| refused(&world.glassbook().args(arguments).output().unwrap());
    let freeze = ["l1", "freeze", "--exchange", nobody.as_str(), "--l1", url.as_str()];
    let key = ["--key", Who::User.variable()];
    has(&ask(&[&freeze[..], &key].concat()), "--chain ID");
    has(&ask(&[&freeze[..], &key, &["--chain", "1"]].concat()), "the node is of chain 31337, not of 1");
    has(&ask(&[&freeze[..], &key, &["--chain", "31337"]].concat()), "there is no contract at");

    // One letter in the other case: a typing error that only the checksum shows.
    let wrong = nobody.char_indices().skip(2).find(|(_, letter)| letter.is_ascii_lowercase()).unwrap().0;
    let mut other = nobody.clone();
    other.replace_range(wrong..=wrong, &nobody[wrong..=wrong].to_uppercase());
    let status = ["l1", "status", "--exchange", other.as_str(), "--l1", url.as_str()];
    has(&ask(&status), "checksum is wrong");
    let claim = ["l1", "claim", "--to", other.as_str(), "--exchange", nobody.as_str(), "--key", "NAME"];
    has(&ask(&claim), "checksum is wrong");

    let digits = "5a".repeat(32);
    let data = world.data();
    for secret in [digits.clone(), format!("0x{digits}")] {
        let secret = secret.as_str();
        for arguments in [
            [&freeze[..], &["--chain", "31337", "--key", secret]].concat(),
            [&freeze[..], &["--chain", "31337", "--keystore", secret]].concat(),
            vec!["dev", "--l1", url.as_str(), "--data", data.to_str().unwrap(), "--operator-key", secret],
        ] {
            let why = ask(&arguments);
            has(&why, "that is a private key");
            assert!(!why.contains("5a5a"), "{why}");
        }
    }
}

/// A node that takes transactions and never says so: everything else is passed on.
fn forgetful(node: &str) -> String {
    let node = node.trim_start_matches("http://").trim_end_matches('/').to_string();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for asker in listener.incoming() {
            let mut asker = asker.unwrap();
            let question = body(&mut asker);
            let mut there = TcpStream::connect(&node).unwrap();
            write(&mut there, &format!("POST / HTTP/1.1\r\nhost: {node}"), &question);
            let answer = body(&mut there);
            if !String::from_utf8_lossy(&question).contains("eth_sendRawTransaction") {
                write(&mut asker, "HTTP/1.1 200 OK", &answer);
            }
        }
    });
    url
}

/// One message a connection.
fn write(to: &mut TcpStream, head: &str, body: &[u8]) {
    let length = body.len();
    let fields = "content-type: application/json\r\nconnection: close";
    write!(to, "{head}\r\n{fields}\r\ncontent-length: {length}\r\n\r\n").unwrap();
    to.write_all(body).unwrap();
}

fn body(from: &mut TcpStream) -> Vec<u8> {
    let mut reader = BufReader::new(from);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(found) = line.strip_prefix("content-length:") {
            length = found.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    body
}
