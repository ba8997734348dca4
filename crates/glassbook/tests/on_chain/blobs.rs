//! Batches as blobs: posted to the real chain, read back, checked there, and refused where they are not what was posted.

use std::fs;
use std::path::Path;
use std::process::Output;

use test_batches::Sealer;

use crate::kit::{Who, World, done, has, refused};

struct Blobs {
    world: World,
}

impl Blobs {
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.world.glassbook();
        command.args(["da", "blobs"]).args(arguments).args(["--l1", &self.world.l1.url(), "--blobs"]);
        command.arg(self.world.path("blobs")).output().unwrap()
    }

    fn publish(&self, batch: &Path, more: &[&str]) -> Output {
        let batch = batch.to_str().unwrap();
        let arguments = ["publish", batch, "--chain", "31337", "--key", Who::Operator.variable()];
        self.run(&[&arguments[..], more].concat())
    }

    fn read(&self, number: &str, out: &Path, more: &[&str]) -> Output {
        self.run(&[&["read", number, "--out", out.to_str().unwrap()], more].concat())
    }
}

#[test]
fn a_batch_is_posted_as_blobs_read_back_and_checked_by_the_chain() {
    let blobs = Blobs { world: World::new() };
    let world = &blobs.world;
    let (batch, out) = (world.path("1.batch"), world.path("back.batch"));
    Sealer::simulated().seal(12_000).write(&batch).unwrap();
    let text = done(&blobs.publish(&batch, &[]));
    has(&text, "claim digest");
    has(&text, "in block");
    assert!(text.lines().filter(|line| line.starts_with("  blob ")).count() > 1, "{text}");

    // Again: nothing is sent.
    let blocks = || world.runtime.block_on(world.client.nonce(Who::Operator.address())).unwrap();
    let before = blocks();
    has(&done(&blobs.publish(&batch, &[])), "was posted before");
    assert_eq!(blocks(), before);

    let text = done(&blobs.read("1", &out, &[]));
    has(&text, "executed again, with every signature");
    assert_eq!(fs::read(&out).unwrap(), fs::read(&batch).unwrap());
    has(&done(&blobs.run(&["check", "1"])), "says the chain");

    // One bit of what is kept, anywhere, and it is not what was posted.
    let kept = world.path("blobs").join("000000000001.blobs");
    let bytes = fs::read(&kept).unwrap();
    for at in [8, 40 + 31, (bytes.len() / 2) | 1, bytes.len() - 1] {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        fs::write(&kept, altered).unwrap();
        let refusals = [blobs.read("1", &out, &[]), blobs.run(&["check", "1"])];
        refusals.iter().for_each(|output| has(&refused(output), "as they are kept are in no transaction"));
        has(&refused(&blobs.publish(&batch, &[])), "holds other blobs for batch 1");
    }
    fs::write(&kept, &bytes[..bytes.len() - 1]).unwrap();
    has(&refused(&blobs.read("1", &out, &[])), "cut short");
    // Under another number it is still what it is.
    fs::write(world.path("blobs").join("000000000002.blobs"), &bytes).unwrap();
    fs::copy(world.path("blobs").join("000000000001.sent"), world.path("blobs").join("000000000002.sent"))
        .unwrap();
    has(&refused(&blobs.read("2", &out, &[])), "the blobs of batch 1");
    has(&refused(&blobs.read("3", &out, &[])), "000000000003.blobs");

    // Another chain's node, nobody's key, no batch.
    fs::write(&kept, &bytes).unwrap();
    let wrong = ["publish", batch.to_str().unwrap(), "--chain", "1", "--key", Who::Operator.variable()];
    has(&refused(&blobs.run(&wrong)), "of chain 31337, not of 1");
    let beggar = ["publish", batch.to_str().unwrap(), "--chain", "31337", "--key", Who::Beggar.variable()];
    fs::remove_file(world.path("blobs").join("000000000001.sent")).unwrap();
    refused(&blobs.run(&beggar));
    has(&refused(&blobs.publish(&kept, &[])), "not a sealed batch");
}

#[test]
fn an_encrypted_batch_is_read_back_with_its_keyring_alone() {
    let blobs = Blobs { world: World::new() };
    let world = &blobs.world;
    let (batch, out, keyring) = (world.path("1.batch"), world.path("back.batch"), world.path("keyring"));
    Sealer::simulated().seal(100).write(&batch).unwrap();
    let keyring = keyring.to_str().unwrap();
    let made = world
        .glassbook()
        .args([
            "da",
            "keyring",
            "new",
            keyring,
            "--chain",
            "31337",
            "--exchange",
            &format!("0x{}", "11".repeat(20)),
        ])
        .output()
        .unwrap();
    done(&made);
    done(&blobs.publish(&batch, &["--encrypt", keyring]));
    has(&refused(&blobs.publish(&batch, &[])), "was it encrypted otherwise?");
    has(&refused(&blobs.read("1", &out, &[])), "--keyring");
    done(&blobs.read("1", &out, &["--keyring", keyring]));
    assert_eq!(fs::read(&out).unwrap(), fs::read(&batch).unwrap());
}

#[test]
fn blobs_of_a_batch_that_the_contract_does_not_have_are_not_taken_for_its() {
    let blobs = Blobs { world: World::new() };
    let world = &blobs.world;
    // Markets and accounts are in the first batch.
    done(&world.dev(&["--for", "1s"]).output().unwrap());
    let (batch, out) = (world.path("1.batch"), world.path("back.batch"));
    let exchange = world.exchange().to_string();
    fs::write(&batch, world.batch(1)).unwrap();
    done(&blobs.publish(&batch, &[]));
    let text = done(&blobs.read("1", &out, &["--exchange", &exchange]));
    has(&text, &format!("the one that {exchange} has for batch 1"));
    has(&done(&blobs.read("1", &out, &[])), "NOT compared with a contract");

    // Anybody can post a batch 1 of an exchange of his own.
    Sealer::simulated().seal(10).write(&batch).unwrap();
    fs::remove_dir_all(world.path("blobs")).unwrap();
    done(&blobs.publish(&batch, &[]));
    let refused_text = refused(&blobs.read("1", &out, &["--exchange", &exchange]));
    assert!(
        refused_text.contains("these blobs are not what it settles") || refused_text.contains("of chain"),
        "{refused_text}"
    );
}
