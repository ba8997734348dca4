//! The exchange's contract as settlement sees it.
//!
//! Settlement is synchronous and the chain is not. Every call is carried out by the runtime that the chain was opened in,
//! while the caller's thread waits. A caller inside that runtime would keep one of its threads from working.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use alloy_primitives::{Address, Bytes, TxKind, U256, keccak256};
use alloy_sol_types::SolCall as _;
use contracts::bindings::Exchange;
use contracts::{MAX_CLAIMS, MAX_WITHDRAWALS, withdrawal_lists};
use serde::{Deserialize, Serialize};
use settlement::{Action, BlockRef, Chain, Fate, Fault, Heads, Sealed, Sent, Standing};
use tokio::runtime::Handle;
use transition::{Claim, Native, Withdrawal, WithdrawalTree};

use crate::client::ClientError;
use crate::indexer::{BatchSteps, Indexer};
use crate::sender::{Outcome, Sender, Transaction};

/// What goes on chain, from whoever makes batches and proofs.
pub trait Batches {
    /// A batch's claim: 416 bytes.
    ///
    /// # Errors
    /// When it cannot be read.
    fn claim(&self, number: u64) -> Result<Vec<u8>, Fault>;

    /// The commitment to a batch's published data; zeros when it is published another way.
    ///
    /// # Errors
    /// When it is not published yet, or cannot be read.
    fn data_commitment(&self, number: u64) -> Result<[u8; 32], Fault>;

    /// The proof of these batches as the verifier contract takes it, and the verifier's version.
    ///
    /// # Errors
    /// When there is none.
    fn proof(&self, first: u64, last: u64) -> Result<(u32, Vec<u8>), Fault>;

    /// A batch's withdrawals, in order.
    ///
    /// # Errors
    /// When they cannot be read.
    fn withdrawals(&self, number: u64) -> Result<Vec<Withdrawal>, Fault>;
}

/// The contract on an Ethereum chain, for [`settlement`].
pub struct EthereumChain<B> {
    link: Arc<Link>,
    batches: B,
    runtime: Handle,
}

struct Link {
    sender: Sender,
    indexer: Arc<Indexer>,
    exchange: Address,
    /// In seconds.
    finality_delay: u64,
    /// Whether the index was brought up to date since the start.
    followed: AtomicBool,
    /// The newest block's time, in seconds since 1970.
    time: AtomicU64,
}

/// What is remembered of a transaction.
#[derive(Serialize, Deserialize)]
enum Remembered {
    /// It was not needed: the chain had done it.
    Done(BlockRef),
    Sent(Transaction),
}

/// What the runtime tells the thread that waits for it.
enum Message {
    /// This is to be written down, and answered, before it is sent.
    Signed(Sent, SyncSender<Result<(), Fault>>),
    Done(Result<Sent, Fault>),
}

/// Where what was signed is written down.
struct Notes(SyncSender<Message>);

impl Notes {
    /// Returns when it is written. Blocks the runtime's thread for as long as the disk takes.
    fn write(&self, transaction: &Transaction) -> Result<(), Fault> {
        let (written, answer) = sync_channel(1);
        let signed = Message::Signed(sent(transaction)?, written);
        self.0.send(signed).map_err(|_| stopping())?;
        answer.recv().unwrap_or_else(|_| Err(stopping()))
    }
}

/// A batch in a transaction that is about to be sent.
struct Part {
    number: u64,
    digest: [u8; 32],
    claim: Vec<u8>,
}

impl<B: Batches> EthereumChain<B> {
    /// Opens it, in the runtime that will do its work.
    ///
    /// # Errors
    /// When the node does not answer, or there is no exchange at the address.
    pub async fn open(
        sender: Sender,
        indexer: Arc<Indexer>,
        exchange: Address,
        batches: B,
    ) -> Result<Self, ClientError> {
        let finality_delay = sender.client().call(exchange, &Exchange::finalityDelayCall {}).await?;
        let link = Link {
            sender,
            indexer,
            exchange,
            finality_delay,
            followed: AtomicBool::new(false),
            time: AtomicU64::new(0),
        };
        Ok(Self { link: Arc::new(link), batches, runtime: Handle::current() })
    }

    /// The index that it answers from.
    #[must_use]
    pub fn indexer(&self) -> &Indexer {
        &self.link.indexer
    }

    /// Carries something out in the runtime while this thread waits.
    fn wait<T, F>(&self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        let (done, result) = sync_channel(1);
        self.runtime.spawn(async move {
            // Nobody waits any more when the process ends.
            let _ = done.send(work.await);
        });
        result.recv().unwrap_or_else(|_| Err(stopping()))
    }

    /// Carries out what sends a transaction, while this thread waits and writes down what is signed.
    fn wait_noting<F>(
        &self,
        signed: &mut dyn FnMut(&Sent) -> Result<(), Fault>,
        work: impl FnOnce(Notes) -> F,
    ) -> Result<Sent, Fault>
    where
        F: Future<Output = Result<Sent, Fault>> + Send + 'static,
    {
        let (done, messages) = sync_channel(1);
        let work = work(Notes(done.clone()));
        self.runtime.spawn(async move {
            // Nobody waits any more when the process ends.
            let _ = done.send(Message::Done(work.await));
        });
        loop {
            match messages.recv() {
                // Who asked is gone when the process ends.
                Ok(Message::Signed(sent, written)) => drop(written.send(signed(&sent))),
                Ok(Message::Done(result)) => return result,
                Err(_) => return Err(stopping()),
            }
        }
    }

    fn part(&self, batch: &Sealed) -> Result<Part, Fault> {
        let number = batch.number;
        let claim = self.batches.claim(number)?;
        if claim.len() != Claim::BYTES || keccak256(&claim).0 != batch.digest {
            let why = format!("the claim of batch {number} is not the one that was sealed");
            return Err(lasting(why, "check the exchange's data directory"));
        }
        Ok(Part { number, digest: batch.digest, claim })
    }

    /// The call that makes batches final, as the contract has it.
    fn finalise_call(&self, parts: &[Part]) -> Result<Vec<u8>, Fault> {
        let mut lists = Vec::with_capacity(parts.len());
        for part in parts {
            let withdrawals = self.batches.withdrawals(part.number)?;
            let root = WithdrawalTree::<Native>::new(&withdrawals).root();
            if !Claim::decode(&part.claim).is_ok_and(|claim| claim.withdrawals_root == root) {
                let why = format!("the withdrawals of batch {} are not those of its claim", part.number);
                return Err(lasting(why, "check the exchange's data directory"));
            }
            lists.push(withdrawals);
        }
        let withdrawals = withdrawal_lists(&lists);
        Ok(Exchange::finaliseBatchesCall { claims: claims(parts), withdrawals }.abi_encode())
    }

    fn call(&self, action: Action, parts: &[Part]) -> Result<Vec<u8>, Fault> {
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Ok(Vec::new()) };
        match action {
            Action::Commit => {
                let commitments =
                    parts.iter().map(|part| Ok(self.batches.data_commitment(part.number)?.into()));
                let data_commitments = commitments.collect::<Result<Vec<_>, Fault>>()?;
                let call =
                    Exchange::commitBatchesCall { claims: claims(parts), dataCommitments: data_commitments };
                Ok(call.abi_encode())
            }
            Action::Prove => {
                let (version, proof) = self.batches.proof(first.number, last.number)?;
                let call = Exchange::proveBatchesCall { version, claims: claims(parts), proof: proof.into() };
                Ok(call.abi_encode())
            }
            Action::Finalise => self.finalise_call(parts),
        }
    }
}

impl<B: Batches> Chain for EthereumChain<B> {
    fn heads(&self) -> Result<Heads, Fault> {
        let link = self.link.clone();
        self.wait(async move {
            let heads = link.follow().await?;
            Ok(Heads { latest: heads.latest.reference(), finalized: heads.finalized.number })
        })
    }

    /// The newest block's time.
    fn time(&self) -> u64 {
        self.link.time.load(Ordering::Relaxed).saturating_mul(1_000)
    }

    /// As of the last [`Chain::heads`].
    fn standing(&self, number: u64) -> Result<Standing, Fault> {
        if !self.link.followed.load(Ordering::Relaxed) {
            self.heads()?;
        }
        let batch = self.link.indexer.batch(number).map_err(|error| error.fault())?;
        let Some(digest) = batch.digest else { return Ok(Standing::Unknown) };
        Ok(match (batch.committed, batch.proved, batch.finalised) {
            (_, _, Some(step)) => Standing::Final { digest, block: step.block },
            (_, Some(step), None) => {
                let final_from =
                    step.timestamp.saturating_add(self.link.finality_delay).saturating_mul(1_000);
                Standing::Proved { digest, block: step.block, final_from }
            }
            (Some(step), None, None) => Standing::Committed { digest, block: step.block },
            (None, None, None) => Standing::Unknown,
        })
    }

    fn last_committed(&self) -> Result<u64, Fault> {
        self.heads()?;
        self.link.indexer.last_committed().map_err(|error| error.fault())
    }

    /// Finality carries every withdrawal: together no more than of one batch at most, which is what a transaction has room for.
    fn room(&self, action: Action, batches: &[Sealed]) -> Result<usize, Fault> {
        if action != Action::Finalise {
            return Ok(batches.len());
        }
        let counts = batches.iter().map(|batch| Ok(self.batches.withdrawals(batch.number)?.len()));
        Ok(together(&counts.collect::<Result<Vec<_>, Fault>>()?))
    }

    fn send(
        &self,
        action: Action,
        batches: &[Sealed],
        earlier: Option<&Sent>,
        signed: &mut dyn FnMut(&Sent) -> Result<(), Fault>,
    ) -> Result<Sent, Fault> {
        let consecutive =
            batches.windows(2).all(|pair| pair[0].number.checked_add(1) == Some(pair[1].number));
        if batches.is_empty() || batches.len() > MAX_CLAIMS || !consecutive {
            let why = format!("a transaction takes 1 to {MAX_CLAIMS} consecutive batches");
            return Err(lasting(why, "correct settlement's policy"));
        }
        let mut parts = batches.iter().map(|batch| self.part(batch)).collect::<Result<Vec<_>, _>>()?;
        let earlier = match earlier.and_then(remembered) {
            Some(Remembered::Sent(transaction)) => Some(transaction),
            Some(Remembered::Done(_)) | None => None,
        };
        // What became of the earlier one is asked before what the chain has, so that it is not taken for somebody else's.
        let open = match earlier {
            None => None,
            Some(earlier) => {
                let (link, transaction) = (self.link.clone(), earlier.clone());
                match self.wait(async move { link.outcome(&transaction).await })? {
                    Outcome::Done { .. } => return sent(&earlier),
                    Outcome::Open => Some(earlier),
                    Outcome::Refused { .. } | Outcome::Displaced => None,
                }
            }
        };
        self.heads()?;
        let (done, block) = self.done(action, &parts)?;
        if done == parts.len() {
            if let Some(open) = open {
                let link = self.link.clone();
                self.wait(async move { link.give_up(&open).await })?;
            }
            return done_already(&block.unwrap_or(BlockRef { number: 0, hash: [0; 32] }));
        }
        // A proof is of all its batches: the contract counts those that are not proved yet.
        if action != Action::Prove {
            parts.drain(..done);
        }
        let data = Bytes::from(self.call(action, &parts)?);
        let link = self.link.clone();
        self.wait_noting(signed, |notes| async move { link.send(data, open, notes).await })
    }

    fn fate(&self, transaction: &Sent) -> Result<Fate, Fault> {
        let transaction = match remembered(transaction) {
            Some(Remembered::Done(_)) => return Ok(Fate::Done { gas: 0 }),
            Some(Remembered::Sent(transaction)) => transaction,
            // It is sent anew: if the chain has done it already, it says so, and the contract does nothing twice.
            None => {
                let why = format!("what was remembered of transaction {} does not decode", transaction.id);
                return Ok(Fate::Refused { why });
            }
        };
        let link = self.link.clone();
        Ok(match self.wait(async move { link.outcome(&transaction).await })? {
            Outcome::Open => Fate::Open,
            Outcome::Done { gas, .. } => Fate::Done { gas },
            Outcome::Refused { why, .. } => Fate::Refused { why: why.to_string() },
            Outcome::Displaced => {
                Fate::Refused { why: "another transaction of this key has its nonce".to_string() }
            }
        })
    }
}

impl<B: Batches> EthereumChain<B> {
    /// How many of the first batches the chain has done, and the block of the last of them.
    fn done(&self, action: Action, parts: &[Part]) -> Result<(usize, Option<BlockRef>), Fault> {
        let mut last = None;
        for (place, part) in parts.iter().enumerate() {
            let batch: BatchSteps = self.link.indexer.batch(part.number).map_err(|error| error.fault())?;
            if batch.digest.is_some_and(|digest| digest != part.digest) {
                let why = format!("the chain has another claim of batch {}", part.number);
                return Err(lasting(why, "compare the exchange's batches with the chain"));
            }
            if action == Action::Commit
                && let Some(found) = batch.data_commitment
                && found != self.batches.data_commitment(part.number)?
            {
                let why = format!("the chain has another commitment to the data of batch {}", part.number);
                return Err(lasting(why, "publish the data that the chain's commitment names"));
            }
            let step = match action {
                Action::Commit => batch.committed,
                Action::Prove => batch.proved,
                Action::Finalise => batch.finalised,
            };
            match step {
                None => return Ok((place, last)),
                Some(step) => last = Some(step.block),
            }
        }
        Ok((parts.len(), last))
    }
}

impl Link {
    async fn follow(&self) -> Result<crate::client::Heads, Fault> {
        let heads = self.indexer.follow().await.map_err(|error| error.fault())?;
        self.followed.store(true, Ordering::Relaxed);
        self.time.store(heads.latest.timestamp, Ordering::Relaxed);
        Ok(heads)
    }

    async fn outcome(&self, transaction: &Transaction) -> Result<Outcome, Fault> {
        self.sender.outcome(transaction).await.map_err(|error| error.fault())
    }

    async fn send(&self, data: Bytes, open: Option<Transaction>, notes: Notes) -> Result<Sent, Fault> {
        let (to, mut signed) = (TxKind::Call(self.exchange), None);
        let note = |transaction: &Transaction| {
            notes.write(transaction)?;
            signed = Some(transaction.clone());
            Ok(())
        };
        let result = match &open {
            None => self.sender.send_announced(to, U256::ZERO, data, note).await,
            Some(earlier) => self.sender.replace_announced(earlier, to, U256::ZERO, data, note).await,
        };
        match (result, signed, open) {
            (Ok(transaction), ..) => sent(&transaction),
            // The node may have it. It is followed, and sent again if the node does not.
            (Err(ClientError::Unreachable { .. } | ClientError::Answer(_)), Some(signed), _) => sent(&signed),
            // It is in a block by now; what became of it is asked next.
            (Err(ClientError::Displaced { .. }), _, Some(earlier)) => sent(&earlier),
            (Err(error @ ClientError::Reverted(_)), _, Some(earlier)) => {
                self.give_up(&earlier).await?;
                Err(error.fault())
            }
            (Err(error), ..) => Err(error.fault()),
        }
    }

    /// Frees the nonce of a transaction that nobody needs any more. If that is not possible now, it is refused by the contract
    /// when its turn comes.
    async fn give_up(&self, transaction: &Transaction) -> Result<(), Fault> {
        match self.sender.cancel(transaction).await {
            Err(error @ ClientError::Unreachable { .. }) => Err(error.fault()),
            _ => Ok(()),
        }
    }
}

/// How many of the first batches go together, by their numbers of withdrawals.
fn together(withdrawals: &[usize]) -> usize {
    let sums = withdrawals.iter().scan(0_usize, |sum, count| {
        *sum = sum.saturating_add(*count);
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= MAX_WITHDRAWALS).count()
}

fn claims(parts: &[Part]) -> Bytes {
    parts.iter().flat_map(|part| part.claim.iter().copied()).collect::<Vec<u8>>().into()
}

fn sent(transaction: &Transaction) -> Result<Sent, Fault> {
    let handle = handle(&Remembered::Sent(transaction.clone()))?;
    Ok(Sent { id: transaction.hash().to_string(), handle })
}

fn done_already(block: &BlockRef) -> Result<Sent, Fault> {
    let handle = handle(&Remembered::Done(*block))?;
    Ok(Sent { id: format!("done in block {}", block.number), handle })
}

fn handle(remembered: &Remembered) -> Result<Vec<u8>, Fault> {
    postcard::to_allocvec(remembered).map_err(|error| Fault::Passing(error.to_string()))
}

fn remembered(sent: &Sent) -> Option<Remembered> {
    postcard::from_bytes(&sent.handle).ok()
}

fn stopping() -> Fault {
    Fault::Passing("the process is stopping".to_string())
}

fn lasting(why: String, remedy: &str) -> Fault {
    Fault::Lasting { why, remedy: remedy.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_become_final_together_as_far_as_their_withdrawals_fit_into_a_transaction() {
        let most = MAX_WITHDRAWALS;
        for (withdrawals, expected) in [
            (vec![], 0),
            (vec![0; 16], 16),
            (vec![most], 1),
            (vec![most, 0, 0, 1, 0], 3),
            (vec![most / 2, most / 2, 1], 2),
            (vec![most + 1, 0], 0),
            (vec![usize::MAX, usize::MAX], 0),
        ] {
            assert_eq!(together(&withdrawals), expected, "{withdrawals:?}");
        }
    }
}
