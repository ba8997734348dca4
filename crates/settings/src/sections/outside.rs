//! What happens to batches after sealing: the chain, settlement, data availability, proofs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::{local, millis, seconds};
use crate::reader::Reader;

/// When something on L1 counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// As soon as it is in a block.
    Latest,
    /// When it most likely stays.
    Safe,
    /// When it stays.
    Finalized,
}

/// `[chain]`
#[derive(Debug)]
pub struct Chain {
    /// A node that is used instead of an embedded chain.
    pub url: Option<SecretString>,
    /// Where the embedded chain's JSON-RPC listens.
    pub listen: SocketAddr,
    /// Time between the embedded chain's blocks.
    pub block_time: Option<Duration>,
    /// Whether that node's chain may be another than a development chain.
    pub allow_public_network: bool,
    /// The key that deploys and commits.
    pub operator_key: Option<SecretString>,
    /// A file with it.
    pub operator_keystore: Option<PathBuf>,
    /// The key that pays for simulated deposits and for claims.
    pub funder_key: Option<SecretString>,
    /// When deposits count.
    pub deposits: Certainty,
    /// Whether final withdrawals are paid without their owners asking.
    pub claims: bool,
    /// Time from a proof to finality.
    pub finality_delay: Duration,
}

impl Chain {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut s = reader.section("chain", "The Ethereum chain that holds the money and judges the proofs");
        Self {
            url: s.url_or(
                "url",
                "an embedded chain",
                &["http", "https"],
                "\"http://127.0.0.1:8545\"",
                "use this Ethereum node instead of an embedded chain; needs `exchange.data` and an operator's key",
            ),
            listen: s.address("listen", local(8_545), "where the embedded chain's JSON-RPC listens; this machine only"),
            block_time: s.time_or(
                "block_time",
                "a block as soon as there is a transaction, and each second",
                millis(100)..=seconds(3_600),
                "\"2s\"",
                "time between the embedded chain's blocks",
            ),
            allow_public_network: s.boolean(
                "allow_public_network",
                false,
                "use the node even if its chain is not a development chain: **everybody has the keys** of attestors and traders",
            ),
            operator_key: s.secret_or(
                "operator_key",
                "the embedded chain: a development key",
                "64 hexadecimal digits",
                "\"0x…\"",
                key,
                "the key that deploys and commits on that node; better in the environment than in the file",
            ),
            operator_keystore: s.path_or(
                "operator_keystore",
                "the embedded chain: a development key",
                "\"operator.json\"",
                "a keystore file with that key; its password is in the variable GLASSBOOK_KEYSTORE_PASSWORD",
            ),
            funder_key: s.secret_or(
                "funder_key",
                "the operator's key",
                "64 hexadecimal digits",
                "\"0x…\"",
                key,
                "the key that pays for simulated deposits and for claims",
            ),
            deposits: s.choice(
                "deposits",
                Certainty::Finalized,
                &[("latest", Certainty::Latest), ("safe", Certainty::Safe), ("finalized", Certainty::Finalized)],
                "when a deposit on the chain counts",
            ),
            claims: s.boolean("claims", true, "pay for the claims of final withdrawals; otherwise owners claim themselves"),
            finality_delay: s.time(
                "finality_delay",
                seconds(2),
                seconds(0)..=seconds(2_592_000),
                "time from a proof to finality in a contract that is deployed; full seconds",
            ),
        }
    }
}

fn key(text: &str) -> Result<(), String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    match digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(()),
        false => Err("it is not 64 hexadecimal digits".to_string()),
    }
}

/// `[settlement]`
#[derive(Debug)]
pub struct Settlement {
    /// Batches under way together.
    pub window: u64,
    /// Batches in one transaction.
    pub group: u64,
    /// Time after which an open transaction is replaced.
    pub replace_after: Duration,
    /// The rest after a first failure.
    pub first_rest: Duration,
    /// The longest rest.
    pub longest_rest: Duration,
    /// Refusals after which a batch has failed.
    pub refusals: u64,
    /// Final batches that are compared with the chain at a time.
    pub audit: u64,
}

impl Settlement {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut s = reader.section("settlement", "How sealed batches are brought to the chain");
        Self {
            window: s.integer("window", 64, 1..=4_096, "batches that are under way together at most"),
            group: s.integer(
                "group",
                16,
                1..=256,
                "batches in one commitment, and in one step to finality, at most",
            ),
            replace_after: s.time(
                "replace_after",
                seconds(60),
                seconds(1)..=seconds(86_400),
                "a transaction that is open for so long is replaced",
            ),
            first_rest: s.time(
                "first_rest",
                seconds(1),
                millis(10)..=seconds(3_600),
                "rest after a first failure; it doubles",
            ),
            longest_rest: s.time("longest_rest", seconds(300), millis(10)..=seconds(86_400), "longest rest"),
            refusals: s.integer(
                "refusals",
                8,
                1..=1_000,
                "a batch has failed when the contract refused it so many times in one state",
            ),
            audit: s.integer(
                "audit",
                32,
                0..=100_000,
                "final batches that are compared with the chain at a time",
            ),
        }
    }
}

/// `[availability]`
#[derive(Debug)]
pub struct Availability {
    /// Where shards are served.
    pub listen: SocketAddr,
    /// Where sealed batches are published.
    pub published: Option<PathBuf>,
    /// What batches are encrypted with.
    pub keyring: Option<PathBuf>,
}

impl Availability {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut s = reader.section("availability", "How the data of batches is published");
        Self {
            listen: s.address("listen", local(7_701), "where shards are served; this machine only"),
            published: s.path_or(
                "published",
                "`published` in the data folder",
                "\"published\"",
                "publish sealed batches here",
            ),
            keyring: s.path_or(
                "keyring",
                "batches are readable by all",
                "\"keyring.json\"",
                "encrypt batches with this keyring before they are published as shards",
            ),
        }
    }
}

/// What is made of every batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proofs {
    /// No proof.
    Executed,
    /// A STARK of many shards.
    Core,
    /// One STARK.
    Compressed,
    /// A Groth16 proof.
    Groth16,
    /// A PLONK proof.
    Plonk,
}

/// `[proving]`
#[derive(Debug)]
pub struct Proving {
    /// What is made of every batch.
    pub proofs: Proofs,
    /// Where workers come to.
    pub listen: SocketAddr,
    /// The ZisK program's key.
    pub zisk_program_key: Option<String>,
}

impl Proving {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut s = reader.section("proving", "Who proves batches, and how");
        Self {
            proofs: s.choice(
                "proofs",
                Proofs::Executed,
                &[
                    ("executed", Proofs::Executed),
                    ("core", Proofs::Core),
                    ("compressed", Proofs::Compressed),
                    ("groth16", Proofs::Groth16),
                    ("plonk", Proofs::Plonk),
                ],
                "what is made of every batch; `executed` is **no proof**",
            ),
            listen: s.address("listen", local(7_600), "where proving workers come to, when proofs are made"),
            zisk_program_key: s.checked_text_or(
                "zisk_program_key",
                "ZisK proofs are not checked",
                "64 hexadecimal digits",
                "\"0x…\"",
                key,
                "the ZisK program's key, as `prover-zisk key` prints it",
            ),
        }
    }
}
