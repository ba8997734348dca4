//! Owners delegate their accounts and make keys, with their wallets' signatures.

use std::time::{SystemTime, UNIX_EPOCH};

use gateway::keys::Role;
use glassbook_client::{KeyRequest, personal_digest};
use serde_json::{Value, json};
use transition::{Native as Crypto, owner_digest};
use types::{AccountId, Command, Outcome, SessionKey, Timestamp};

use crate::kit::{World, owner_signs};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// The headers of a request that an owner signs.
fn signed(
    world: &World,
    account: u32,
    by: u32,
    time: u64,
    action: &str,
    details: &[(&str, &str)],
) -> Vec<(&'static str, String)> {
    let request = KeyRequest {
        chain_id: world.genesis.chain_id,
        exchange: world.genesis.exchange,
        account: AccountId(account),
        time,
        action,
        details,
    };
    let signature = owner_signs(AccountId(by), &personal_digest(&request.text()));
    vec![
        ("glassbook-account", account.to_string()),
        ("glassbook-time", time.to_string()),
        ("glassbook-signature", hex::encode(signature)),
    ]
}

async fn delegate(world: &World, account: u32, by: u32) -> (u16, Value) {
    let (status, offer) = world.ask("GET", &format!("/delegations/{account}"), None).await;
    assert_eq!(status, 200, "{offer}");
    let digest: [u8; 32] = hex::decode(&offer["digest"].as_str().unwrap()[2..]).unwrap().try_into().unwrap();
    // It is the registration of the offered key, by the owner's next command, and nothing else.
    let key: [u8; 32] = hex::decode(&offer["sessionKey"].as_str().unwrap()[2..]).unwrap().try_into().unwrap();
    let mut command = Vec::new();
    Command::RegisterSession { key: SessionKey(key), expires: Timestamp::NEVER }.encode(&mut command);
    assert_eq!(offer["command"], format!("0x{}", hex::encode(&command)));
    let nonce = offer["nonce"].as_u64().unwrap();
    let (chain_id, exchange) = (world.genesis.chain_id, world.genesis.exchange);
    assert_eq!(digest, owner_digest::<Crypto>(chain_id, exchange, AccountId(account), nonce, &command));
    assert_eq!(offer["typedData"]["message"]["command"], offer["command"]);
    let signature = hex::encode(owner_signs(AccountId(by), &digest));
    world.ask("POST", "/delegations", Some(json!({ "account": account, "signature": signature }))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_delegates_makes_a_key_trades_with_it_and_revokes_it() {
    let world = World::open().await;
    let account = 4;
    // The wrong owner, then the right one.
    let (status, body) = delegate(&world, account, 1).await;
    assert_eq!((status, &body["code"]), (401, &json!("bad_signature")));
    assert!(!world.client.account(AccountId(account)).await.unwrap().delegated);
    let (status, body) = delegate(&world, account, account).await;
    assert_eq!(
        (status, &body["delegated"], &body["outcome"]["result"]),
        (200, &json!(true), &json!("done")),
        "{body}"
    );
    let known = world.client.account(AccountId(account)).await.unwrap();
    assert!(known.delegated);
    assert_eq!((known.session_key.as_deref(), known.nonce), (body["sessionKey"].as_str(), 1));

    let details = [("role", "trade"), ("kind", "hmac"), ("label", "my bot")];
    let request = json!({ "role": "trade", "kind": "hmac", "label": "my bot" });
    let time = now();
    let create = |headers: Vec<(&'static str, String)>| {
        let request = request.clone();
        let world = &world;
        async move { world.ask_with("POST", "/keys", Some(request), &headers).await }
    };
    // Others' signatures, other words, other times.
    for headers in [
        signed(&world, account, 1, time, "create key", &details),
        signed(&world, account, account, time, "create key", &details[..2]),
        signed(&world, account, account, time, "list keys", &details),
    ] {
        let (status, body) = create(headers).await;
        assert_eq!((status, &body["code"]), (401, &json!("bad_signature")), "{body}");
    }
    for time in [0, time - 3_600_000, time + 3_600_000, u64::MAX] {
        let (status, body) = create(signed(&world, account, account, time, "create key", &details)).await;
        assert_eq!((status, &body["code"]), (401, &json!("bad_time")), "{body}");
    }
    let headers = signed(&world, account, account, time, "create key", &details);
    let (status, key) = create(headers.clone()).await;
    assert_eq!(status, 200, "{key}");
    let (status, body) = create(headers).await;
    assert_eq!((status, &body["code"]), (401, &json!("replayed")), "{body}");

    // The key is one: it has the secret, and the gateway signs for it.
    let (api_key, secret) = (key["apiKey"].as_str().unwrap(), key["secret"].as_str().unwrap());
    assert_eq!((api_key.len(), secret.len()), (64, 64));
    assert_eq!(world.gateway.keys.look_up(api_key, Role::Trade).unwrap().account, AccountId(account));
    let placed = vec![crate::kit::limit(types::Side::Buy, 3, 1)];
    let answer = world.gateway.desk.place(AccountId(account), placed).await.unwrap();
    assert!(matches!(answer.outcomes[..], [Outcome::Accepted(_)]));

    let (status, list) = world
        .ask_with("GET", "/keys", None, &signed(&world, account, account, now(), "list keys", &[]))
        .await;
    assert_eq!(
        (status, &list[0]["apiKey"], &list[0]["label"]),
        (200, &json!(api_key), &json!("my bot")),
        "{list}"
    );
    assert!(!list.to_string().contains(secret));
    // Nobody revokes another account's key.
    let path = format!("/keys/{api_key}");
    let headers = signed(&world, 1, 1, now(), "revoke key", &[("key", api_key)]);
    assert_eq!(world.ask_with("DELETE", &path, None, &headers).await.0, 404);
    let headers = signed(&world, account, account, now() + 1, "revoke key", &[("key", api_key)]);
    let (status, body) = world.ask_with("DELETE", &path, None, &headers).await;
    assert_eq!((status, &body["revoked"]), (200, &json!(api_key)), "{body}");
    assert!(world.gateway.keys.look_up(api_key, Role::Read).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_delegated_gets_keys_that_read_and_no_others() {
    let world = World::open().await;
    for (place, (role, status)) in
        [("trade", 409), ("withdraw", 409), ("admin", 409), ("read", 200)].iter().enumerate()
    {
        let details = [("role", *role), ("kind", "hmac"), ("label", "")];
        let headers = signed(&world, 1, 1, now() + place as u64, "create key", &details);
        let body = json!({ "role": role, "kind": "hmac" });
        let (found, body) = world.ask_with("POST", "/keys", Some(body), &headers).await;
        assert_eq!(found, *status, "{role}: {body}");
    }
    // An Ed25519 key's secret half stays with the caller.
    let public = hex::encode(crate::kit::session_key(AccountId(1)).verifying_key().to_bytes());
    let details = [("role", "read"), ("kind", "ed25519"), ("label", "x"), ("publicKey", public.as_str())];
    let headers = signed(&world, 1, 1, now() + 10, "create key", &details);
    let body = json!({ "role": "read", "kind": "ed25519", "label": "x", "publicKey": public });
    let (status, body) = world.ask_with("POST", "/keys", Some(body), &headers).await;
    assert!(status == 200 && body["secret"].is_null(), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_ends_a_delegation_by_registering_another_key() {
    let world = World::open().await;
    assert_eq!(delegate(&world, 4, 4).await.0, 200);
    let account = AccountId(4);
    let command = Command::RegisterSession { key: SessionKey([5; 32]), expires: Timestamp::NEVER };
    let mut bytes = Vec::new();
    command.encode(&mut bytes);
    let digest = owner_digest::<Crypto>(world.genesis.chain_id, world.genesis.exchange, account, 1, &bytes);
    let signature = owner_signs(account, &digest);
    let answer = world.client.submit_owner(account, &command, &signature).await.unwrap();
    assert_eq!(answer.outcomes, [Outcome::Done]);
    assert!(!world.client.account(account).await.unwrap().delegated);
    assert!(world.client.submit_owner(account, &command, &signature).await.is_err(), "the nonce is used");
}
