//! What the page is told of things that hold, and of things that do not.
#![expect(clippy::unwrap_used, reason = "tests")]

use browser::{answer, encode_parts};
use serde_json::{Value, json};
use test_batches::Sealer;
use transition::SealedBatch;
use verifier::{Proof, ProofKind, ProofSystem};

fn ask(parts: &[&[u8]]) -> Value {
    answer(&encode_parts(parts))
}

fn told(parts: &[&[u8]]) -> Value {
    let answer = ask(parts);
    assert!(answer["error"].is_null(), "{answer}");
    answer["ok"].clone()
}

fn refused(parts: &[&[u8]]) -> String {
    let answer = ask(parts);
    answer["error"]["message"].as_str().unwrap_or_else(|| panic!("not refused: {answer}")).to_string()
}

fn two_batches() -> [SealedBatch; 2] {
    let mut sealer = Sealer::simulated();
    [sealer.seal(400), sealer.seal(300)]
}

#[test]
fn a_batch_is_executed_again_and_follows_the_one_before() {
    let [first, second] = two_batches();
    let done = told(&[b"batch.verify", &second.encode(), &first.claim.encode(), b""]);
    assert_eq!(done["commands"], 300);
    assert_eq!(done["follows"], first.claim.batch.to_string());
    assert_eq!(done["claim"]["stateRoot"], hex::encode(second.claim.state_root));
    let outcomes = &done["outcomes"];
    let count: u64 =
        ["accepted", "done", "rejected"].iter().map(|kind| outcomes[kind].as_u64().unwrap()).sum();
    assert_eq!(count, 300);
    assert!(done["fills"].as_u64().unwrap() > 0, "{done}");
}

#[test]
fn a_batch_that_does_not_follow_is_refused() {
    let [first, second] = two_batches();
    let why = refused(&[b"batch.verify", &first.encode(), &second.claim.encode(), b""]);
    assert!(why.contains("does not follow"), "{why}");
    let mut other = first.claim.clone();
    other.state_root[0] ^= 1;
    let why = refused(&[b"batch.verify", &second.encode(), &other.encode(), b""]);
    assert!(why.contains("does not follow"), "{why}");
}

#[test]
fn a_changed_batch_is_refused_whatever_was_changed() {
    let [first, _] = two_batches();
    let good = first.encode();
    told(&[b"batch.verify", &good, b"", b""]);
    let mut flipped = good.clone();
    flipped[500] ^= 1;
    assert!(refused(&[b"batch.verify", &flipped, b"", b""]).contains("checksum"));
    // With a good checksum, so that the execution has to find it.
    let mut lie = first.clone();
    lie.claim.events_root[3] ^= 4;
    assert!(refused(&[b"batch.verify", &lie.encode(), b"", b""]).contains("another claim"));
    let mut unsigned = first.clone();
    unsigned.input.authorisation.streams[0].1[7] ^= 1;
    let why = refused(&[b"batch.verify", &unsigned.encode(), b"", b""]);
    assert!(why.contains("not signed"), "{why}");
}

#[test]
fn a_receipt_leads_to_the_events_root_and_an_altered_one_does_not() {
    let [batch, _] = two_batches();
    let sealed = batch.encode();
    let claim = batch.claim.encode();
    for sequence in [batch.claim.first_sequence, batch.claim.first_sequence + 211, batch.claim.last_sequence]
    {
        let receipt = told(&[b"receipt.make", &sealed, sequence.to_string().as_bytes()]);
        let checked = told(&[b"receipt.check", &claim, receipt.to_string().as_bytes()]);
        let way = checked["way"].as_array().unwrap();
        assert_eq!(way.len(), 1 + receipt["path"]["siblings"].as_array().unwrap().len());
        // Without a count it is the claim's.
        let mut bare = receipt.clone();
        bare.as_object_mut().unwrap().remove("count");
        assert_eq!(told(&[b"receipt.check", &claim, bare.to_string().as_bytes()]), checked);
        for change in ["content", "sibling", "index", "count"] {
            let mut altered = receipt.clone();
            match change {
                "content" => altered["content"] = Value::String(flip(altered["content"].as_str().unwrap())),
                "sibling" => {
                    let sibling = flip(altered["path"]["siblings"][2].as_str().unwrap());
                    altered["path"]["siblings"][2] = Value::String(sibling);
                }
                "index" => altered["path"]["index"] = json!("7"),
                _ => altered["count"] = json!("401"),
            }
            refused(&[b"receipt.check", &claim, altered.to_string().as_bytes()]);
        }
    }
    refused(&[b"receipt.make", &sealed, (batch.claim.last_sequence + 1).to_string().as_bytes()]);
}

/// Other digits.
fn flip(digits: &str) -> String {
    let mut bytes = hex::decode(digits).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    hex::encode(bytes)
}

#[test]
fn an_executed_claim_is_called_no_proof() {
    let [batch, _] = two_batches();
    let proof = |kind, bytes: Vec<u8>, system| Proof {
        system,
        version: "6.10.0".to_string(),
        program: verifier::ProgramId([7; 32]),
        kind,
        claims: vec![batch.claim.clone()],
        bytes,
    };
    let said = told(&[b"proof.check", &proof(ProofKind::Executed, vec![], ProofSystem::Sp1).encode()]);
    assert_eq!((&said["result"], &said["isProof"]), (&json!("not a proof"), &json!(false)));
    assert!(said["statement"].as_str().unwrap().contains("NOT A PROOF"));
    let said = told(&[b"proof.check", &proof(ProofKind::Core, vec![1], ProofSystem::Sp1).encode()]);
    // Whether SP1's checker is here depends on what else is built.
    assert_ne!(said["result"], "holds");
    let said = told(&[b"proof.check", &proof(ProofKind::Compressed, vec![1], ProofSystem::Zisk).encode()]);
    assert_ne!(said["result"], "holds");
    assert!(refused(&[b"proof.check", b"something else"]).contains("short"));
}

/// The vector of docs/src/traders/signing.md.
#[test]
fn a_stream_is_signed_as_the_documentation_says() {
    let secret = hex::decode("596f9a98fc650799f41620f7c839503fe59161e9a5aee555b51b2f2e9a918571").unwrap();
    let public = told(&[b"key.public", &secret]);
    assert_eq!(public["key"], "93e68d8ce0eecbbd08736b4701b6c00258bbc18031c4ed5d879a5c1e29e00e85");
    let of = json!({ "chainId": 31337, "exchange": "ee".repeat(20), "account": 1, "session": "1" });
    let start = told(&[b"stream.start", of.to_string().as_bytes()]);
    assert_eq!(start["digest"], "960fc29d6c3132eaa8f7dad11dc0f2956836e8712c0cc612d1cdb37fcdcb760c");
    let commands = json!([
        { "kind": "place", "market": 0, "side": "buy", "type": "limit", "price": 64000, "quantity": "5",
          "timeInForce": "gtc", "clientId": "42" },
        { "kind": "cancel", "market": 0, "order": { "clientId": "42" } },
    ]);
    let digest = hex::decode(start["digest"].as_str().unwrap()).unwrap();
    let signed = told(&[b"stream.sign", &secret, &digest, commands.to_string().as_bytes()]);
    assert_eq!(signed["commands"], json!(["0100040080f403052a", "0200012a"]));
    assert_eq!(signed["digest"], "1a806e87f3fad8c1afe3bc3319322de80e2c6c51fd433202ed55cba1e6fef23b");
    let signature = "8071389b63dece9db4843577956e2d03c65c44c6412c78a86ed60c6a6f6e76f4\
                     3bdd759c9f0d7afbf831128fbbf565e7b1a85d00178f7acb72a245bb207bad0d";
    assert_eq!(signed["signature"], signature);
}

/// The digest was calculated with Python's hashlib.
#[test]
fn a_login_is_signed_as_the_documentation_says() {
    use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
    let secret = hex::decode("596f9a98fc650799f41620f7c839503fe59161e9a5aee555b51b2f2e9a918571").unwrap();
    let of = json!({ "chainId": 31337, "exchange": "ee".repeat(20), "account": 1, "time": "1700000000000" });
    let signed = told(&[b"login.sign", &secret, of.to_string().as_bytes()]);
    let signature =
        Signature::from_slice(&hex::decode(signed["signature"].as_str().unwrap()).unwrap()).unwrap();
    let key = hex::decode("93e68d8ce0eecbbd08736b4701b6c00258bbc18031c4ed5d879a5c1e29e00e85").unwrap();
    let key = VerifyingKey::from_bytes(&key.try_into().unwrap()).unwrap();
    let digest = hex::decode("cb4c4cbd06caca58bceafff12498d8d4675e40e9903f7b808462e3568c632b95").unwrap();
    key.verify(&digest, &signature).unwrap();
}

#[test]
fn a_command_comes_back_from_its_encoding() {
    let commands = [
        json!({ "kind": "place", "market": 2, "side": "sell", "type": "market", "price": null, "quantity": "900",
            "budget": null, "timeInForce": "ioc", "expires": null, "postOnly": false, "selfTrade": "decrement",
            "trigger": { "kind": "stopLoss", "price": 63000 }, "clientId": "18446744073709551615" }),
        json!({ "kind": "replace", "market": 1, "order": { "id": "77" }, "price": 5, "quantity": "6", "left": null }),
        json!({ "kind": "replace", "market": 1, "order": { "id": "77" }, "price": 5, "quantity": "6", "left": "9" }),
        json!({ "kind": "massCancel", "market": null, "side": "sell" }),
        json!({ "kind": "withdraw", "asset": 3, "amount": "18446744073709551615" }),
        json!({ "kind": "registerSession", "key": "ab".repeat(32), "expires": "1900000000000000" }),
    ];
    for command in commands {
        let encoded = told(&[b"command.encode", command.to_string().as_bytes()]);
        let bytes = hex::decode(encoded["command"].as_str().unwrap()).unwrap();
        assert_eq!(told(&[b"command.decode", &bytes]), command);
    }
    refused(&[b"command.encode", json!({ "kind": "deposit" }).to_string().as_bytes()]);
    refused(&[b"command.encode", json!({ "kind": "cancel", "market": 70_000 }).to_string().as_bytes()]);
    refused(&[b"command.decode", &[2, 0, 1, 42, 0]]);
}

/// The vector of docs/src/traders/signing.md; what is signed is recovered by the rules' own function.
#[test]
fn an_owner_signs_what_the_batch_checks() {
    let of = json!({ "chainId": 31337, "exchange": format!("0x{}", "ee".repeat(20)), "account": 3, "nonce": 9,
        "command": "02010005" });
    let digest = told(&[b"owner.digest", of.to_string().as_bytes()])["digest"].as_str().unwrap().to_string();
    assert_eq!(digest, "15120b298b3303920166e2543042919f773a8e418112abd620f492d6c20419e3");
    let digest: [u8; 32] = hex::decode(digest).unwrap().try_into().unwrap();
    let secret = [0x42; 32];
    let signed = told(&[b"owner.sign", &secret, &digest]);
    let signature: [u8; 65] = hex::decode(signed["signature"].as_str().unwrap()).unwrap().try_into().unwrap();
    let owner = <transition::Native as transition::Crypto>::recover_secp256k1(&digest, &signature).unwrap();
    assert_eq!(told(&[b"owner.address", &secret])["address"], hex::encode(owner.0));
    refused(&[b"owner.sign", &[0; 32], &digest]);
}

#[test]
fn a_balance_is_what_the_root_says() {
    use state::{FullTree, Sha256Hash, StateTree as _, Value};
    let key = transition::balance_key(types::AccountId(5), types::AssetId(1));
    let mut value = 900_u64.to_be_bytes().to_vec();
    value.extend_from_slice(&41_u64.to_be_bytes());
    let mut tree = FullTree::<Sha256Hash>::new();
    tree.apply(&[(key, Some(Value::from_slice(&value)))]).unwrap();
    let root = tree.root();
    let there = tree.prove(key).unwrap().encode();
    let found = told(&[b"balance.check", &root, b"5", b"1", &there]);
    assert_eq!((&found["free"], &found["locked"]), (&json!("900"), &json!("41")));
    let absent = transition::balance_key(types::AccountId(6), types::AssetId(1));
    let proof = tree.prove(absent).unwrap().encode();
    assert_eq!(told(&[b"balance.check", &root, b"6", b"1", &proof])["present"], false);
    refused(&[b"balance.check", &root, b"4", b"1", &there]);
    refused(&[b"balance.check", &[9; 32], b"5", b"1", &there]);
}

#[test]
fn samples_are_checked_under_the_commitment() {
    use availability::Parameters;
    let payload: Vec<u8> = (0..5_000_u32).map(|at| at as u8).collect();
    let encoded = availability::encode(&payload, Parameters::new(8, 8).unwrap()).unwrap();
    let header = *encoded.header();
    let commitment = hex::encode(header.commitment().0);
    let block = json!({
        "number": 3, "commitment": commitment, "header": hex::encode(header.encode()), "claim_digest": null,
        "published_at": 0, "data_shards": 8, "parity_shards": 8, "shard_length": 0, "payload_length": payload.len(),
        "has_shards": true, "combination": hex::encode(encoded.combination().encode()),
    })
    .to_string();
    let block = block.as_bytes();
    let opened = told(&[b"samples.open", block, commitment.as_bytes()]);
    assert_eq!((&opened["total"], &opened["payloadLength"]), (&json!(16), &json!("5000")));
    let mut bytes = Vec::new();
    for index in [2, 11] {
        light_client::wire::push_sample(&mut bytes, &encoded.sample(index).unwrap());
    }
    let checked = told(&[b"samples.check", block, commitment.as_bytes(), &bytes]);
    assert_eq!((&checked[0]["index"], &checked[0]["wrong"]), (&json!(2), &Value::Null));
    assert_eq!((&checked[1]["index"], &checked[1]["wrong"]), (&json!(11), &Value::Null));
    *bytes.last_mut().unwrap() ^= 1;
    let checked = told(&[b"samples.check", block, commitment.as_bytes(), &bytes]);
    assert!(checked[0]["wrong"].is_null() && checked[1]["wrong"].is_string(), "{checked}");
    refused(&[b"samples.open", block, flip(&commitment).as_bytes()]);
    let worth = told(&[b"samples.worth", b"128", b"128", b"20"]);
    assert!(worth["bits"].as_u64().unwrap() >= 20, "{worth}");
}

#[test]
fn anything_else_is_refused_with_a_sentence() {
    for parts in [&[][..], &[&b"batch.verify"[..]], &[b"nothing"], &[&[0xff, 0xfe]]] {
        assert!(!refused(parts).is_empty());
    }
    assert!(answer(&[9, 0, 0, 0, 1])["error"]["message"].as_str().unwrap().contains("cut short"));
}
