//! Keys, roles, signatures, withdrawals, delegation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use gateway::keys::Role;
use types::{Command, Timestamp};

use crate::kit::*;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_known_learns_nothing_and_changes_nothing() {
    let site = site().await;
    let (key, secret) = site.key(Role::Trade);
    let order = "symbol=NOSUCH&side=BUY&type=MARKET&quantity=1";
    let send = async |key: Option<&str>, query: &str| {
        let headers: Vec<(&str, &str)> = key.map(|key| ("x-mbx-apikey", key)).into_iter().collect();
        let answer = site.send("POST", "/api/v3/order", &headers, query).await;
        (answer.status, answer.code())
    };
    let signed = |query: &str, secret: &str| format!("{query}&signature={}", hmac(secret, query));
    let fresh = format!("{order}&timestamp={}", now());
    assert_eq!(send(None, &signed(&fresh, &secret)).await, (401, -2014));
    assert_eq!(send(Some("short"), &signed(&fresh, &secret)).await, (401, -2014));
    assert_eq!(send(Some(&"A".repeat(64)), &signed(&fresh, &secret)).await, (401, -2015));
    assert_eq!(send(Some(&key), &signed(&fresh, "wrong")).await, (400, -1022));
    assert_eq!(send(Some(&key), &format!("{}&quantity=2", signed(&fresh, &secret))).await, (400, -1022));
    assert_eq!(send(Some(&key), &fresh).await, (400, -1102));
    assert_eq!(send(Some(&key), &signed(order, &secret)).await, (400, -1102));
    let old = format!("{order}&timestamp={}", now() - 6_000);
    assert_eq!(send(Some(&key), &signed(&old, &secret)).await, (400, -1021));
    let ahead = format!("{order}&timestamp={}", now() + 10_000);
    assert_eq!(send(Some(&key), &signed(&ahead, &secret)).await, (400, -1021));
    let wide = format!("{order}&recvWindow=20000&timestamp={}", now() - 6_000);
    assert_eq!(
        send(Some(&key), &signed(&wide, &secret)).await,
        (400, -1121),
        "at last, the order is looked at"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_can_do_what_its_role_allows() {
    let site = site().await;
    let calls = [
        (Role::Read, "GET", "/api/v3/account", ""),
        (Role::Trade, "POST", "/api/v3/order/test", "symbol=BTCUSD&side=BUY&type=MARKET&quantity=0.001"),
        (Role::Withdraw, "POST", "/sapi/v1/capital/withdraw/apply", "coin=USD&amount=1&address=0x00"),
    ];
    for has in [Role::Read, Role::Trade, Role::Withdraw, Role::Admin] {
        for (needs, method, path, query) in calls {
            let answer = site.signed(has, method, path, query).await;
            let refused = (answer.status, answer.code()) == (401, -2015);
            assert_eq!(refused, has < needs, "{has} asks for {path}: {}", answer.body);
        }
    }
    let trade = site.signed(Role::Read, "GET", "/api/v3/account", "").await.json();
    assert_eq!((trade["canTrade"].as_bool(), trade["canWithdraw"].as_bool()), (Some(false), Some(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn money_goes_to_the_owner_only_and_it_is_written_down() {
    let site = site().await;
    let owner = site.world.view.account(site.trader().account).unwrap().state.owner;
    let withdraw = async |address: &str, amount: &str| {
        let query = format!("coin=USD&amount={amount}&address={address}");
        site.signed(Role::Withdraw, "POST", "/sapi/v1/capital/withdraw/apply", &query).await
    };
    assert_eq!(withdraw("0x00000000000000000000000000000000000000ff", "1").await.code(), -4007);
    assert_eq!(withdraw(&owner.to_string(), "100000000000").await.code(), -2010);
    let done = withdraw(&owner.to_string(), "1.5").await;
    assert_eq!(done.status, 200, "{}", done.body);
    let log = std::fs::read_to_string(site.world.gateway.settings.directory.join("audit.jsonl")).unwrap();
    assert!(
        log.lines().last().unwrap().contains("\"withdraw\"") && log.contains(&owner.to_string()),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ed25519_key_signs_requests_over_http() {
    let site = site().await;
    let signer = SigningKey::from_bytes(&[3; 32]);
    let public = hex::encode(signer.verifying_key().to_bytes());
    let gateway = &site.world.gateway;
    let key = gateway.keys.create_ed25519(site.trader().account, Role::Trade, "", &public).unwrap();
    let query = format!("symbol=BTCUSD&side=BUY&type=MARKET&quantity=0.001&timestamp={}", now());
    let signature = BASE64.encode(signer.sign(query.as_bytes()).to_bytes());
    let signature: String = form_urlencoded::byte_serialize(signature.as_bytes()).collect();
    let target = format!("/api/v3/order/test?{query}&signature={signature}");
    let answer = site.send("POST", &target, &[("x-mbx-apikey", &key)], "").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    assert!(gateway.keys.revoke(site.trader().account, &key).unwrap());
    assert_eq!(site.send("POST", &target, &[("x-mbx-apikey", &key)], "").await.code(), -2015);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_takes_his_session_back_ends_the_delegation() {
    let site = site().await;
    let account = site.trader().account;
    let desk = &site.world.gateway.desk;
    assert!(desk.delegated(account).is_some());
    let order = "symbol=BTCUSD&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.010&price=60000";
    assert_eq!(site.order(order).await.status, 200);
    let own = types::SessionKey(SigningKey::from_bytes(&[5; 32]).verifying_key().to_bytes());
    register(&site, own);
    let refused = site.order(order).await;
    assert_eq!(refused.code(), -2010);
    assert!(refused.body.contains("delegated"), "{}", refused.body);
    assert!(desk.delegated(account).is_none());
    // And gives it again.
    let key = desk.create(account).unwrap();
    register(&site, key);
    assert_eq!(site.order(order).await.status, 200);
    assert_eq!(desk.delegated(account), Some(key));
}

fn register(site: &Site, key: types::SessionKey) {
    let command = Command::RegisterSession { key, expires: Timestamp::NEVER };
    let entries = vec![(site.trader().account, command)];
    let submission = exchange::Submission::L1 { entries, timestamps: Vec::new() };
    let done = site.world.exchange.submit(submission).unwrap().wait().unwrap();
    while site.world.view.sequence() < done.first_sequence {
        std::thread::yield_now();
    }
}
