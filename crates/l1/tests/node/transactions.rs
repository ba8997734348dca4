//! Nonces, fees, replacement, signers.

use std::time::Duration;

use alloy_primitives::{Address, Bytes, TxKind, U256, address};
use contracts::bindings::IERC20;
use l1::{ClientError, FeePolicy, Fees, Outcome, Sender, Signer, Transaction};

use crate::world::{ADMIN, TIMEOUT, USER, World, key, mining};

async fn pay(sender: &Sender) -> Result<Transaction, ClientError> {
    sender.send(TxKind::Call(Address::repeat_byte(0xaa)), U256::from(1), Bytes::new()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nonces_have_no_gap_whatever_waits() {
    let world = World::new().await;
    let sender = world.sender(USER);
    let first = pay(&sender).await.unwrap().nonce();
    for expected in first + 1..first + 4 {
        assert_eq!(pay(&sender).await.unwrap().nonce(), expected);
    }
    // Another process with the same key goes on behind them.
    assert_eq!(pay(&world.sender(USER)).await.unwrap().nonce(), first + 4);
    assert_eq!(pay(&sender).await.unwrap().nonce(), first + 5);
    world.mine(1).await;
    assert_eq!(world.client.nonce(sender.address()).await.unwrap(), first + 6);
    // What was refused before it was sent leaves none.
    let refused = sender.send(TxKind::Call(world.exchange), U256::from(1), Bytes::new()).await;
    assert!(matches!(refused, Err(ClientError::Reverted(_) | ClientError::Node { .. })), "{refused:?}");
    assert_eq!(pay(&sender).await.unwrap().nonce(), first + 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hash_is_known_before_the_node_has_the_transaction() {
    let world = World::new().await;
    let (token, mut hashes) = (Address::repeat_byte(0xaa), Vec::new());
    let call = IERC20::approveCall { spender: token, amount: U256::from(1) };
    let mut note = |hash| {
        hashes.push(hash);
        Ok(())
    };
    let sent = world.sender(USER).call_announced(token, U256::ZERO, &call, &mut note).await;
    assert_eq!(hashes, [sent.unwrap().hash()]);
    // What is refused before it is signed has none.
    hashes.clear();
    let sender = world.sender(USER);
    let mut note = |hash| {
        hashes.push(hash);
        Ok(())
    };
    let refused = sender.call_announced(world.exchange, U256::from(1), &call, &mut note).await;
    assert!(refused.is_err());
    assert!(hashes.is_empty());
    // What cannot be written down is not sent.
    world.mine(1).await;
    let nonce = world.client.nonce(sender.address()).await.unwrap();
    let full = |_| Err("no space left".into());
    let refused = sender.call_announced(token, U256::ZERO, &call, full).await;
    assert!(matches!(&refused, Err(ClientError::NotNoted(why)) if why.to_string() == "no space left"));
    world.mine(1).await;
    assert_eq!(world.client.nonce(sender.address()).await.unwrap(), nonce);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_gap_below_what_waits_is_filled() {
    let world = World::with(l1::Config { final_depth: 10, safe_depth: 5, ..crate::world::config() }).await;
    let one = world.sender(USER);
    let first = pay(&one).await.unwrap();
    world.mine(1).await;
    let later = pay(&one).await.unwrap();
    // The reorg undoes the first, and the node does not have it any more; the later one waits above the gap.
    world.l1.reorg(1).await.unwrap();
    assert_eq!(world.client.nonce(one.address()).await.unwrap(), first.nonce());
    // A process that knows nothing of them fills the gap, and goes on above.
    let two = world.sender(USER);
    assert_eq!(pay(&two).await.unwrap().nonce(), first.nonce());
    assert_eq!(pay(&two).await.unwrap().nonce(), later.nonce() + 1);
    world.mine(1).await;
    assert_eq!(world.client.nonce(one.address()).await.unwrap(), later.nonce() + 2);
    assert_eq!(one.outcome(&first).await.unwrap(), Outcome::Displaced);
    assert!(matches!(one.outcome(&later).await.unwrap(), Outcome::Done { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replacement_pays_an_eighth_more_and_no_more_than_the_ceiling() {
    let world = World::new().await;
    let sender = world.sender(USER);
    let (to, nothing) = (TxKind::Call(Address::repeat_byte(0xaa)), Bytes::new());
    let slow = pay(&sender).await.unwrap();
    let fast = sender.replace(&slow, to, U256::from(2), nothing.clone()).await.unwrap();
    assert_eq!(fast.nonce(), slow.nonce());
    let eighth = |old: Fees, new: Fees| new.max * 8 >= old.max * 9 && new.tip * 8 >= old.tip * 9;
    assert!(eighth(slow.fees(), fast.fees()), "{slow:?} {fast:?}");
    // Somebody else with the key, who knows the slow one alone, is underpriced at first and pays more.
    let other = world.sender(USER);
    let faster = other.replace(&slow, to, U256::from(3), nothing.clone()).await.unwrap();
    assert!(faster.fees().max > fast.fees().max);
    world.mine(1).await;
    assert!(matches!(other.outcome(&faster).await.unwrap(), Outcome::Done { .. }));
    assert_eq!(sender.outcome(&fast).await.unwrap(), Outcome::Displaced);
    assert!(matches!(
        sender.replace(&fast, to, U256::ZERO, nothing.clone()).await,
        Err(ClientError::Displaced { .. })
    ));

    let slow = pay(&sender).await.unwrap();
    let policy = FeePolicy { ceiling: slow.fees().max, ..FeePolicy::default() };
    let poor = Sender::new(world.client.clone(), key(USER), policy);
    let refused = poor.replace(&slow, to, U256::ZERO, nothing).await;
    assert!(matches!(refused, Err(ClientError::FeeCeiling { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cancelled_transaction_frees_what_waits_behind_it() {
    let world = World::new().await;
    let sender = world.sender(USER);
    let (first, second) = (pay(&sender).await.unwrap(), pay(&sender).await.unwrap());
    let nothing = sender.cancel(&first).await.unwrap();
    world.mine(1).await;
    for transaction in [&nothing, &second] {
        assert!(matches!(sender.outcome(transaction).await.unwrap(), Outcome::Done { .. }));
    }
    assert_eq!(world.client.balance(Address::repeat_byte(0xaa)).await.unwrap(), U256::from(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_of_another_chain_is_refused() {
    let world = World::new().await;
    let url = world.l1.url();
    let found = l1::Client::connect_to(&url, 1, TIMEOUT).await;
    assert!(matches!(found, Err(ClientError::OtherChain { expected: 1, found: 31_337 })));
    assert!(matches!(l1::Client::connect("not a url", TIMEOUT).await, Err(ClientError::Url)));
    let secret = l1::Client::connect("http://user:secret@127.0.0.1:1/secret", Duration::from_secs(1)).await;
    let shown = secret.unwrap_err().to_string();
    assert!(shown.contains("127.0.0.1") && !shown.contains("secret"), "{shown}");
}

#[test]
fn a_keystore_gives_the_key_to_who_has_the_password() {
    // The example of the Web3 Secret Storage definition.
    let keystore = r#"{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2",
        "kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256",
        "salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
        "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},
        "id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}"#;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.json");
    std::fs::write(&path, keystore).unwrap();
    let signer = Signer::from_keystore(&path, "testpassword").unwrap();
    assert_eq!(signer.address(), address!("008aeeda4d805471df9b2a5b0f38a0c3bcba786b"));
    let error = Signer::from_keystore(&path, "another").unwrap_err().to_string();
    assert!(!error.contains("another"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_exchange_comes_to_the_address_that_its_first_state_names_or_nowhere() {
    let world = World::new().await;
    let sender = world.sender(ADMIN);
    let nonce = world.client.nonce(sender.address()).await.unwrap();
    let config = contracts::bindings::Exchange::Config {
        admin: sender.address(),
        operator: sender.address(),
        operatorOwner: sender.address(),
        genesisRoot: [1; 32].into(),
        forceDeadline: 10,
        finalityDelay: 20,
        verifierDelay: 20,
        pauseDelay: 1,
        maxPause: 1,
        forceFee: U256::ZERO,
        verifiers: vec![world.book.verifier],
        programIds: vec![[1; 32].into()],
    };
    let elsewhere = l1::exchange_address(sender.address(), nonce + 1);
    let refused = l1::deploy_exchange(&sender, config.clone(), elsewhere, TIMEOUT).await;
    assert!(matches!(refused, Err(l1::DeployError::OtherAddress { .. })));
    // Finality that is later than the deadline.
    let here = l1::exchange_address(sender.address(), nonce);
    let refused = mining(&world.l1, l1::deploy_exchange(&sender, config.clone(), here, TIMEOUT)).await;
    match refused {
        Err(l1::DeployError::Client(ClientError::Reverted(refusal))) => assert_eq!(refusal.name, "BadDelays"),
        other => panic!("{other:?}"),
    }
    // The nonce is that of a transaction that waits.
    pay(&sender).await.unwrap();
    let day = 86_400;
    let config = contracts::bindings::Exchange::Config {
        forceDeadline: 7 * day,
        finalityDelay: 60,
        verifierDelay: 16 * day,
        pauseDelay: day,
        maxPause: 3 * day,
        ..config
    };
    let deploying = tokio::spawn(async move { l1::deploy_exchange(&sender, config, here, TIMEOUT).await });
    // Until it has looked at the nonce.
    tokio::time::sleep(Duration::from_secs(2)).await;
    match mining(&world.l1, deploying).await.unwrap() {
        Err(l1::DeployError::CreatedElsewhere { created, expected }) => {
            assert_eq!((created, expected), (elsewhere, here));
        }
        other => panic!("{other:?}"),
    }
}
