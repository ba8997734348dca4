//! Users take their money out by commands alone: while the operator works, and after it is gone.

use std::fs;

use alloy_primitives::U256;
use contracts::bindings::Exchange;

use crate::kit::{Balance, DEADLINE, Trader, Who, World, done, halves, has, refused, until};

#[test]
fn a_forced_withdrawal_is_paid_by_a_proof_from_the_chain_alone() {
    let world = World::new();
    let _exchange = world.start(&[]);
    let coin = world.coin().to_string();
    let owner = Who::User.address().to_string();

    // What cannot be done says why, and what to do.
    let text = refused(&world.call(Who::User, &["l1", "withdraw", "--asset", &coin, "--amount", "1"]));
    has(&text, "NoAccount");
    has(&text, "glassbook l1 deposit");
    let deposit =
        |who, asset: &str, amount| world.call(who, &["l1", "deposit", "--asset", asset, "--amount", amount]);
    has(&refused(&deposit(Who::User, "77", "1")), "UnknownAsset");
    has(&refused(&deposit(Who::User, &coin, "0.000000001")), "the amount must be a multiple");
    has(&refused(&deposit(Who::User, &coin, "all")), "how much?");
    has(&refused(&deposit(Who::User, &coin, "1e18")), "an amount is 0.5");
    has(&refused(&deposit(Who::User, "0", "1")), "does not tell its decimals");
    has(&refused(&deposit(Who::User, "0", "5q")), "has 0 wei of token");
    has(&refused(&deposit(Who::Beggar, &coin, "1")), "has 0 wei");

    let text = done(&deposit(Who::User, &coin, "2"));
    has(&text, "deposited 2 (200000000 quanta)");
    has(&text, "owns account 1");
    let text = done(&world.call(Who::User, &["l1", "withdraw", "--asset", &coin, "--amount", "0.5"]));
    has(&text, "entry 1 of the queue");
    has(&text, "gas");
    done(&world.call(Who::User, &["l1", "cancel", "--market", "0", "--side", "buy"]));
    world.wait_for_entries(Who::User);
    let text = done(&world.ask(&["l1", "queue", "--from", "0"]));
    has(&text, "deposit of 200000000 quanta");
    has(&text, "withdrawal of 50000000 quanta");
    has(&text, "cancellation of orders in market 0; in a final batch\n");

    // Anybody may pay for it, and only the owner gets it.
    let steal = ["l1", "claim", "--owner", &owner, "--to", &Who::Helper.address().to_string()];
    has(&refused(&world.call(Who::Helper, &steal)), "leave --to away");
    let before = world.balance(Who::User);
    let claim = || done(&world.call(Who::Helper, &["l1", "claim", "--owner", &owner]));
    has(&claim(), "paid 1 withdrawals");
    assert_eq!(world.balance(Who::User), before + halves(1));
    has(&claim(), "1 withdrawals are in final batches, all were paid");
    assert_eq!(world.balance(Who::User), before + halves(1));

    // An exit takes out the rest: two withdrawals of one batch.
    world.mint(Who::User, 0);
    let text = done(&deposit(Who::User, "0", "7q"));
    has(&text, "approve ");
    has(&text, "deposited 7 quanta");
    let text = done(&world.call(Who::User, &["l1", "exit", "--assets", &format!("{coin},0")]));
    has(&text, "entries 4 to 7 of the queue");
    world.wait_for_entries(Who::User);
    let (coins, tokens) = (world.balance(Who::User), world.tokens(Who::User, 0));
    let text = claim();
    has(&text, "claim 1.5 (150000000 quanta)");
    has(&text, "paid 2 withdrawals");
    assert_eq!(world.balance(Who::User), coins + halves(3));
    assert_eq!(world.tokens(Who::User, 0), tokens + world.quanta(0, 7));
    for asset in [world.coin(), 0] {
        assert_eq!(world.view(Exchange::heldCall { asset }), U256::ZERO, "asset {asset}");
    }
    has(&done(&world.ask(&["l1", "status"])), "frozen      no, and nothing waits");
}

#[test]
fn an_exit_cancels_open_orders_and_pays_to_the_wei_what_they_had_set_aside() {
    let world = World::new();
    // A market whose traders leave orders behind when it ends, and an exchange that goes on without it.
    done(&world.dev(&["--flow", "simulate", "--traders", "6", "--for", "4s"]).output().unwrap());
    let _exchange = world.start(&[]);
    // Everybody has these keys: the trader with orders for most assets.
    let locked = |balances: &[Balance]| balances.iter().filter(|balance| balance.locked > 0).count();
    let traders = (1..=6).map(|number| (Trader::new(number), Trader::new(number).balances(&world).unwrap()));
    let (trader, before) = traders.max_by_key(|(_, balances)| locked(balances)).unwrap();
    assert!(locked(&before) > 0, "no trader has an open order: {before:?}");
    world.give(Who::Helper, trader.address(), halves(2));
    let owner = trader.address().to_string();
    let claim = || done(&world.call(Who::Helper, &["l1", "claim", "--owner", &owner]));
    // What was withdrawn earlier is not of the exit.
    claim();

    let assets: Vec<String> = before.iter().map(|balance| balance.asset.to_string()).collect();
    let mut exit = world.glassbook();
    exit.args(["l1", "exit", "--l1", &world.l1.url(), "--key", "GB_TRADER", "--assets", &assets.join(",")]);
    exit.arg("--deployment").arg(world.data().join("deployment.json")).env("GB_TRADER", trader.key());
    has(&done(&exit.output().unwrap()), "of the queue");
    until("the exit in a final batch", || {
        let text = done(&world.ask(&["l1", "queue", "--owner", &owner]));
        text.contains("nothing waits").then_some(())
    });
    // The owner has paid the gas; from here on only money comes.
    let paid_before: Vec<U256> = before.iter().map(|balance| trader.has(&world, balance.asset)).collect();
    has(&claim(), &format!("paid {} withdrawals", before.len()));
    for (balance, had) in before.iter().zip(paid_before) {
        let all = world.quanta(balance.asset, balance.free + balance.locked);
        assert_eq!(trader.has(&world, balance.asset) - had, all, "{balance:?}");
    }
    // Nothing is left, and no order of it: that would have something set aside.
    has(&trader.balances(&world).unwrap_err(), "has nothing");
    has(&done(&world.ask(&["l1", "status"])), "frozen      no, and nothing waits");
}

#[test]
fn when_the_operator_is_gone_users_freeze_the_exchange_and_leave_with_everything() {
    let world = World::new();
    let exchange = world.start(&[]);
    let (asset, token) = (world.coin(), 0);
    let coin = asset.to_string();
    let owner = Who::User.address().to_string();
    let deposit =
        |asset: &str, amount| world.call(Who::User, &["l1", "deposit", "--asset", asset, "--amount", amount]);
    done(&deposit(&coin, "2"));
    // The second deposit is in a later batch than the first.
    world.wait_for_entries(Who::User);
    world.mint(Who::User, token);
    done(&deposit("0", "7q"));
    world.wait_for_entries(Who::User);

    // The operator goes.
    drop(exchange);
    done(&deposit(&coin, "0.5"));
    done(&world.call(Who::User, &["l1", "exit", "--assets", &format!("{coin},0")]));
    let file = world.path("proof.json");
    let (file, url, published) = (file.to_str().unwrap(), world.l1.url(), world.published());
    let prove = || {
        let mut command = world.glassbook();
        command.args(["balance", "proof", "--owner", &owner, "--l1", &url, "--out", file, "--published"]);
        command.arg(&published).output().unwrap()
    };
    has(&done(&prove()), "2 (200000000 quanta)");
    let escape = || world.call(Who::Helper, &["l1", "escape", "--proof", file]);
    let refund = || world.call(Who::Helper, &["l1", "refund", "--owner", &owner]);
    let freeze = || world.call(Who::Helper, &["l1", "freeze"]);
    has(&refused(&escape()), "is not frozen");
    has(&refused(&refund()), "is not frozen");
    let text = refused(&freeze());
    has(&text, "NothingOverdue");
    has(&text, "glassbook l1 status");

    // Time passes, and nothing happens.
    world.pass(DEADLINE);
    until("an overdue entry", || {
        done(&world.ask(&["l1", "status"])).contains("is OVERDUE since").then_some(())
    });
    has(&done(&world.ask(&["l1", "queue", "--owner", &owner])), "OVERDUE since");
    has(&done(&freeze()), "freeze the exchange");
    has(&done(&world.ask(&["l1", "status"])), "frozen      YES");
    has(&refused(&freeze()), "glassbook l1 escape");
    let queue = done(&world.ask(&["l1", "queue", "--owner", &owner]));
    has(&queue, "the exchange is frozen: paid back by `glassbook l1 refund`");
    has(&queue, "void: the exchange is frozen");
    has(&refused(&deposit(&coin, "1")), "the exchange has ended");

    // Proofs are checked by anybody, offline and against the chain; a changed one is none.
    has(&done(&prove()), "this is the last final state");
    let verify = |file: &str, more: &[&str]| {
        world.glassbook().args(["balance", "verify", file]).args(more).output().unwrap()
    };
    has(&done(&verify(file, &[])), "the root is the file's own word");
    let exchange = world.exchange().to_string();
    let on_chain = ["--l1", &url, "--exchange", &exchange];
    has(&done(&verify(file, &on_chain)), "the contract has this root as its last final state");
    // Which contract is asked is not for the file to say.
    has(&refused(&verify(file, &["--l1", &url])), "--exchange");
    let nobody = Who::Beggar.address().to_string();
    let elsewhere = ["--l1", &url, "--exchange", &nobody];
    has(&refused(&verify(file, &elsewhere)), "there is no contract at");
    let other = format!("0x{}", "ab".repeat(32));
    has(&refused(&verify(file, &["--root", &other])), "the proofs are under the state root");
    let text = fs::read_to_string(file).unwrap();
    let mut forged: serde_json::Value = serde_json::from_str(&text).unwrap();
    forged["account"] = 0.into();
    let forged_file = world.path("forged.json");
    fs::write(&forged_file, forged.to_string()).unwrap();
    let forged_file = forged_file.to_str().unwrap();
    has(&refused(&verify(forged_file, &[])), "the proof does not hold");
    let forged = world.call(Who::Helper, &["l1", "escape", "--proof", forged_file]);
    has(&refused(&forged), "the proof does not hold");
    // What is no proof at all.
    fs::write(forged_file, "{}").unwrap();
    has(&refused(&verify(forged_file, &[])), "not a file of `glassbook balance proof`");
    // A chain has one last final state, and a file that was good stays as it is when a proof of another is refused.
    let mut early = world.glassbook();
    early.args(["balance", "proof", "--owner", &owner, "--l1", &url, "--batch", "0", "--out", file]);
    has(&refused(&early.arg("--published").arg(&published).output().unwrap()), "leave --batch 0 away");
    assert_eq!(fs::read_to_string(file).unwrap(), text);
    // A proof after an earlier batch is true, and not what the contract pays by.
    let last = world.view(Exchange::finalBatchCall {});
    let old = world.path("old.json");
    let made = (1..last).rev().find(|batch| {
        let mut command = world.glassbook();
        command.args(["balance", "proof", "--owner", &owner, "--batch", &batch.to_string(), "--out"]);
        command.arg(&old).arg("--published").arg(&published).output().unwrap().status.success()
    });
    made.unwrap();
    let old = old.to_str().unwrap();
    done(&verify(old, &[]));
    has(&refused(&world.call(Who::Helper, &["l1", "escape", "--proof", old])), "make them anew");

    // Everybody is paid to the wei, once.
    let (coins, tokens) = (world.balance(Who::User), world.tokens(Who::User, token));
    has(&done(&escape()), "paid 2 balances");
    assert_eq!(world.balance(Who::User), coins + halves(4));
    assert_eq!(world.tokens(Who::User, token), tokens + world.quanta(token, 7));
    has(&refused(&escape()), "already");
    let proofs: serde_json::Value = serde_json::from_str(&text).unwrap();
    let found = proofs["balances"].as_array().unwrap().iter().find(|entry| entry["asset"] == asset);
    let proof = found.unwrap()["proof"].as_str().unwrap().parse().unwrap();
    let (user, recipient) = (Who::User.address(), Who::User.address());
    let again = Exchange::escapeCall { owner: user, asset, proof, recipient };
    let error = world.send(Who::Helper, world.exchange(), &again).unwrap_err().to_string();
    has(&error, "AlreadyEscaped");

    has(&done(&refund()), "refund 0.5 (50000000 quanta)");
    assert_eq!(world.balance(Who::User), coins + halves(5));
    has(&done(&refund()), "nothing to refund");
    for asset in [asset, token] {
        assert_eq!(world.view(Exchange::heldCall { asset }), U256::ZERO, "asset {asset}");
    }
}

#[test]
fn commands_that_are_not_understood_are_explained() {
    let world = World::new();
    let ask = |arguments: &[&str]| refused(&world.glassbook().args(arguments).output().unwrap());
    has(&ask(&["l1", "status"]), "--exchange");
    has(&ask(&["l1", "status", "--exchange", "0x12"]), "--exchange");
    let nobody = Who::Beggar.address().to_string();
    let url = world.l1.url();
    let status = ["l1", "status", "--exchange", nobody.as_str(), "--l1"];
    has(&ask(&[&status[..], &[url.as_str()]].concat()), "there is no contract at");
    has(&ask(&[&status[..], &["http://127.0.0.1:1"]].concat()), "cannot be reached");
    has(&ask(&[&status[..], &["no url"]].concat()), "not the URL of a node");
    let freeze = ["l1", "freeze", "--exchange", nobody.as_str(), "--l1", url.as_str()];
    has(&ask(&freeze), "--key");
    has(&ask(&[&freeze[..], &["--key", "GLASSBOOK_NO_SUCH_KEY"]].concat()), "GLASSBOOK_NO_SUCH_KEY");
    has(&ask(&[&freeze[..], &["--keystore", "/no/such/file"]].concat()), "/no/such/file");
    has(&ask(&["balance", "proof", "--owner", &nobody, "--published", "p", "--out", "o"]), "--batch");
    let help = done(&world.glassbook().args(["l1", "--help"]).output().unwrap());
    has(&help, "Leaving when the operator has gone or refuses");
}
