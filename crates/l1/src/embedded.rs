//! A chain of our own in this process: ethrex's execution, storage and JSON-RPC, and blocks that are made here.
//!
//! It keeps its state in memory. With a data directory its blocks are on disk too and are replayed at the start, a
//! millisecond each. It is meant for tests, demonstrations and a single machine: beyond some 8,000 blocks ethrex's storage in
//! memory becomes slow.

mod block_file;
mod engine;
mod genesis;
mod rpc;

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::{Duration, Instant};

use alloy_primitives::{Address, U256};
use ethrex_common::H256;
use ethrex_common::types::Block;
use ethrex_rlp::decode::RLPDecode as _;
use ethrex_rlp::encode::RLPEncode as _;
use settlement::BlockRef;
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use block_file::{BlockFile, Record};
use engine::Engine;
use rpc::{Peers, Server, free_port};

/// How often the mempool is looked at: ethrex keeps the notification to itself.
const POLL: Duration = Duration::from_millis(2);
/// Ports are picked here and bound by ethrex; somebody may be faster.
const PORT_TRIES: usize = 8;

/// Why the chain does not start, or makes no block.
#[derive(Debug, Error)]
pub enum EmbeddedError {
    /// Another process runs on this directory.
    #[error("{} is in use by another process", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The directory holds blocks of a chain with another chain id, gas limit or balances.
    #[error("{} holds the blocks of another chain: the configuration has changed", path.display())]
    OtherChain {
        /// The file.
        path: PathBuf,
    },
    /// The file of blocks is not what was written.
    #[error("the file of blocks is damaged at byte {at}")]
    DamagedFile {
        /// Where.
        at: u64,
    },
    /// The file system.
    #[error("the embedded chain's files: {0}")]
    Io(#[from] io::Error),
    /// The address cannot be listened on.
    #[error("cannot serve JSON-RPC: {0}")]
    Rpc(String),
    /// There are not so many blocks to replace.
    #[error("a reorg of {depth} blocks needs a longer chain than {height}")]
    TooDeep {
        /// What was asked for.
        depth: u64,
        /// The head's number.
        height: u64,
    },
    /// ethrex refuses.
    #[error("ethrex: {0}")]
    Node(String),
}

/// When blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocks {
    /// When [`EmbeddedL1::mine`] is called.
    OnDemand,
    /// At this interval.
    Every(Duration),
    /// As soon as there is a transaction, and at this interval besides. Without the interval the chain's clock stands still
    /// when nothing happens, so what waits for a time waits for the next transaction.
    OnTransaction {
        /// The interval.
        at_least_every: Option<Duration>,
    },
}

/// What chain it is.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where JSON-RPC is served. Port 0 is some free port.
    pub http: SocketAddr,
    /// As in every transaction.
    pub chain_id: u64,
    /// Who has coins in the beginning, in wei.
    pub balances: Vec<(Address, U256)>,
    /// Where blocks are kept; in memory alone if there is none.
    pub data_dir: Option<PathBuf>,
    /// When blocks are made.
    pub blocks: Blocks,
    /// So many blocks behind the head is the safe one.
    pub safe_depth: u64,
    /// So many blocks behind the head is the final one.
    pub final_depth: u64,
    /// Gas in a block.
    pub gas_limit: u64,
}

impl Default for Config {
    /// In memory on a free port of this machine, chain 31337, blocks on transactions and each second, safe after 2 blocks,
    /// final after 4, 60 million gas.
    fn default() -> Self {
        Self {
            http: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            chain_id: 31_337,
            balances: Vec::new(),
            data_dir: None,
            blocks: Blocks::OnTransaction { at_least_every: Some(Duration::from_secs(1)) },
            safe_depth: 2,
            final_depth: 4,
            gas_limit: 60_000_000,
        }
    }
}

/// A running chain. Clones are the same chain; it stops with [`EmbeddedL1::shutdown`].
///
/// ethrex's server listens for Ctrl-C by itself, which takes the default action from the process: whoever starts a chain
/// handles the signal.
#[derive(Clone)]
pub struct EmbeddedL1 {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    config: Config,
    http: SocketAddr,
    peers: Peers,
    /// Stops everything.
    stop: CancellationToken,
    /// Blocks are made one at a time, and written down in the same order.
    file: Mutex<Option<BlockFile>>,
    server: Mutex<Option<Server>>,
    miner: SyncMutex<Option<JoinHandle<()>>>,
    trouble: SyncMutex<Option<String>>,
}

impl EmbeddedL1 {
    /// Starts a chain, or goes on with the one in the data directory.
    ///
    /// # Errors
    /// When the directory is in use, of another chain or damaged, or the address cannot be listened on.
    pub async fn start(config: Config) -> Result<Self, EmbeddedError> {
        let genesis = genesis::genesis(config.chain_id, &config.balances, config.gas_limit);
        // The first block does not name the chain.
        let mut identity = genesis.get_block().hash().0;
        identity.iter_mut().zip(config.chain_id.to_be_bytes()).for_each(|(byte, chain)| *byte ^= chain);
        let file = match &config.data_dir {
            None => None,
            Some(dir) => {
                std::fs::create_dir_all(dir)?;
                Some(BlockFile::open(&dir.join("blocks"), &identity)?)
            }
        };
        let engine = Engine::new(genesis, &config).await?;
        let peers = Peers::new(&engine)?;
        let inner = Inner {
            engine,
            http: config.http,
            config,
            peers,
            stop: CancellationToken::new(),
            file: Mutex::new(None),
            server: Mutex::new(None),
            miner: SyncMutex::new(None),
            trouble: SyncMutex::new(None),
        };
        let inner = inner.replayed(file).await?.listening().await?;
        let chain = Self { inner: Arc::new(inner) };
        chain.spawn_miner();
        Ok(chain)
    }

    /// Where its JSON-RPC is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.inner.http)
    }

    /// The head.
    ///
    /// # Errors
    /// When ethrex does not know it.
    pub async fn head(&self) -> Result<BlockRef, EmbeddedError> {
        let block = self.inner.engine.head().await?;
        Ok(BlockRef { number: self.inner.engine.number(block)?, hash: block.0 })
    }

    /// Makes a block of each transaction that the mempool has, or an empty one. The last of them.
    ///
    /// # Errors
    /// When ethrex refuses or the file cannot be written.
    pub async fn mine(&self) -> Result<BlockRef, EmbeddedError> {
        Ok(reference(&self.inner.mine().await?))
    }

    /// Replaces the last blocks by as many empty ones. Transactions that were in them are not in the mempool afterwards: who
    /// wants them sends them again. Any depth is done, also below what is final, as a node does that follows another branch.
    ///
    /// # Errors
    /// When the chain is not so long, or ethrex refuses.
    pub async fn reorg(&self, depth: u64) -> Result<BlockRef, EmbeddedError> {
        self.inner.reorg(depth).await
    }

    /// Sets the chain's clock ahead, for the blocks from now on. Not written down: a chain that is started again has the
    /// clock of the machine, and no block is earlier than the one before.
    pub fn advance_clock(&self, time: Duration) {
        self.inner.engine.ahead.fetch_add(time.as_secs(), Ordering::Relaxed);
    }

    /// Stops serving; blocks go on. For tests of a chain that cannot be reached.
    pub async fn pause_rpc(&self) {
        if let Some(server) = self.inner.server.lock().await.take() {
            server.stop.cancel();
            // Connections that are kept open would keep it waiting.
            let _ = tokio::time::timeout(Duration::from_secs(1), server.task).await;
        }
    }

    /// Serves again, at the same address.
    ///
    /// # Errors
    /// When somebody else listens there now.
    pub async fn resume_rpc(&self) -> Result<(), EmbeddedError> {
        let mut server = self.inner.server.lock().await;
        if server.is_none() {
            *server = Some(self.inner.serve(self.inner.http).await?);
        }
        Ok(())
    }

    /// What went wrong last in the background: a block that was not made, a server that stopped.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.inner.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops. Everything that was made is on disk; the directory can be used again when this returns.
    pub async fn shutdown(&self) {
        self.inner.stop.cancel();
        let miner = self.inner.miner.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(miner) = miner {
            let _ = miner.await;
        }
        self.pause_rpc().await;
        *self.inner.file.lock().await = None;
    }

    fn spawn_miner(&self) {
        let (on_transaction, every) = match self.inner.config.blocks {
            Blocks::OnDemand => return,
            Blocks::Every(every) => (false, Some(every)),
            Blocks::OnTransaction { at_least_every } => (true, at_least_every),
        };
        let inner = self.inner.clone();
        let task = tokio::spawn(async move {
            tokio::select! {
                () = inner.stop.cancelled() => {}
                () = inner.keep_mining(on_transaction, every) => {}
            }
        });
        *self.inner.miner.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }
}

impl Inner {
    /// With the blocks of the file, which is kept for more.
    async fn replayed(self, file: Option<BlockFile>) -> Result<Self, EmbeddedError> {
        let Some(mut file) = file else { return Ok(self) };
        while let Some(record) = file.read_next()? {
            let block = Block::decode(&record.rlp).map_err(node_error)?;
            let hash = block.hash();
            if hash.0 != record.hash {
                return Err(EmbeddedError::Node(format!(
                    "block {} is not the one written down",
                    block.header.number
                )));
            }
            self.engine.import(block).await?;
            if record.head {
                self.engine.follow(hash).await?;
            }
        }
        *self.file.lock().await = Some(file);
        Ok(self)
    }

    async fn listening(mut self) -> Result<Self, EmbeddedError> {
        let mut last = EmbeddedError::Rpc("no port was tried".to_string());
        for _ in 0..PORT_TRIES {
            let http =
                if self.config.http.port() == 0 { free_port(self.config.http)? } else { self.config.http };
            match self.serve(http).await {
                Ok(server) => {
                    self.http = http;
                    self.server = Mutex::new(Some(server));
                    return Ok(self);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn serve(&self, http: SocketAddr) -> Result<Server, EmbeddedError> {
        self.peers.serve(&self.engine, http, self.stop.child_token()).await
    }

    async fn keep_mining(&self, on_transaction: bool, every: Option<Duration>) {
        let mut last = Instant::now();
        // What the mempool had when none of it went into a block: it is not tried again before something changes.
        let mut stuck: Option<BTreeSet<H256>> = None;
        loop {
            let left = every.map(|every| every.saturating_sub(last.elapsed()));
            let pause = if stuck.is_some() { POLL * 10 } else { POLL };
            tokio::time::sleep(if on_transaction {
                left.unwrap_or(pause).min(pause)
            } else {
                left.unwrap_or(pause)
            })
            .await;
            let due = every.is_some_and(|every| last.elapsed() >= every);
            let waiting = on_transaction
                && self.engine.chain.mempool.status().is_ok_and(|count| count > 0)
                && stuck.as_ref().is_none_or(|stuck| *stuck != self.engine.waiting());
            if !due && !waiting {
                continue;
            }
            last = Instant::now();
            match self.mine().await {
                Ok(block) => {
                    let waiting = self.engine.waiting();
                    stuck = (block.body.transactions.is_empty() && !waiting.is_empty()).then_some(waiting);
                }
                Err(error) => {
                    *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                    stuck = Some(self.engine.waiting());
                }
            }
        }
    }

    /// A block of each transaction that the mempool has, or an empty one. Not one of all: of a block that has left its
    /// buffer, the memory store of ethrex 24.0.0 finds the first receipt only, and `eth_getLogs` fails for the rest.
    async fn mine(&self) -> Result<Block, EmbeddedError> {
        let mut file = self.file.lock().await;
        loop {
            let head = self.engine.head().await?;
            let mut block = self.engine.build(head, None).await?;
            let more = block.body.transactions.len() > 1;
            if more {
                let first = block.body.transactions.swap_remove(0);
                block = self.engine.build(head, Some(vec![first])).await?;
            }
            self.take_in(&mut file, std::slice::from_ref(&block)).await?;
            if !more {
                return Ok(block);
            }
        }
    }

    async fn reorg(&self, depth: u64) -> Result<BlockRef, EmbeddedError> {
        let mut file = self.file.lock().await;
        let height = self.engine.number(self.engine.head().await?)?;
        if depth == 0 || depth > height {
            return Err(EmbeddedError::TooDeep { depth, height });
        }
        let mut parent = self.engine.canonical(height - depth).await?;
        let mut branch = Vec::new();
        for _ in 0..depth {
            let block = self.engine.build(parent, Some(Vec::new())).await?;
            parent = block.hash();
            self.engine.import(block.clone()).await?;
            branch.push(block);
        }
        self.take_in(&mut file, &branch).await?;
        branch.last().map(reference).ok_or(EmbeddedError::TooDeep { depth, height })
    }

    /// Takes blocks in, writes them down, and makes the last one the head.
    async fn take_in(&self, file: &mut Option<BlockFile>, branch: &[Block]) -> Result<(), EmbeddedError> {
        let Some(head) = branch.last().map(Block::hash) else { return Ok(()) };
        for block in branch {
            if !self.engine.has(block.hash())? {
                self.engine.import(block.clone()).await?;
            }
        }
        if let Some(file) = file {
            let record = |block: &Block| Record {
                head: block.hash() == head,
                hash: block.hash().0,
                rlp: block.encode_to_vec(),
            };
            let records: Vec<Record> = branch.iter().map(record).collect();
            file.append(&records)?;
        }
        self.engine.follow(head).await
    }
}

fn reference(block: &Block) -> BlockRef {
    BlockRef { number: block.header.number, hash: block.hash().0 }
}

fn node_error(error: impl std::fmt::Display) -> EmbeddedError {
    EmbeddedError::Node(error.to_string())
}
