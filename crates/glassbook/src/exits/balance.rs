//! Proofs of balances under a state root, in a file: made from the published batches alone, checked by anybody, taken by the
//! contract after a freeze.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, Bytes};
use anyhow::{Context as _, Result, bail, ensure};
use book::Book;
use clap::{ArgGroup, Args, Subcommand};
use contracts::bindings::Exchange;
use indicatif::{ProgressBar, ProgressStyle};
use rules::Genesis;
use serde::{Deserialize, Serialize};
use state::{FullTree, Proof, Sha256Hash, StateTree as _};
use transition::{EventsLog, Native, balance_key, decode_balance, execute_batch, restore};
use types::{AccountId, AssetId};

use super::amount::Asset;
use super::contract::Contract;
use super::way_out;
use crate::deployment::{Deployment, check_root};
use crate::{address, published};

/// Names the file's form.
const FORMAT: &str = "glassbook-balance-proofs/1";
/// No file of proofs is longer.
const LONGEST_FILE: u64 = 256 << 20;

/// `glassbook balance`.
#[derive(Subcommand)]
pub enum Command {
    /// Prove what an owner has, from the published batches alone
    ///
    /// Executes all batches up to the last final one. The file is what `glassbook l1 escape` needs after a freeze; make one
    /// now and then while the exchange runs to see that you can.
    Proof(ProofOptions),
    /// Check a file of balance proofs, and say what it proves
    Verify(VerifyOptions),
}

/// Prove what an owner has
#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).multiple(true).args(["l1", "batch"])))]
pub struct ProofOptions {
    /// The folder of published batches
    #[arg(long, value_name = "DIR")]
    published: PathBuf,
    /// Whose balances
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    owner: Address,
    /// A node: the proof is of the contract's last final batch, and compared with the contract's root before it is written
    #[arg(long, value_name = "URL")]
    l1: Option<String>,
    /// After this batch, to see what was there: without --l1 it is compared with no chain [default: the last final one]
    #[arg(long, value_name = "NUMBER")]
    batch: Option<u64>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Check a file of balance proofs
#[derive(Args)]
#[command(group(ArgGroup::new("contract").args(["exchange", "deployment"])))]
pub struct VerifyOptions {
    /// A file of `glassbook balance proof`
    file: PathBuf,
    /// Compare with this state root instead of the file's own
    #[arg(long, value_name = "ROOT")]
    root: Option<B256>,
    /// Compare with the contract's last final state, on this node; which contract, the file does not decide
    #[arg(long, value_name = "URL", requires = "contract")]
    l1: Option<String>,
    /// The exchange's contract
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse, requires = "l1")]
    exchange: Option<Address>,
    /// Contract and chain as `glassbook dev --data DIR` has written them down: DIR/deployment.json
    #[arg(long, value_name = "FILE", requires = "l1")]
    deployment: Option<PathBuf>,
}

/// One balance's proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The asset.
    pub asset: u16,
    /// As `state::Proof::encode` writes it: what the contract takes.
    pub proof: Bytes,
}

/// A file of proofs. What they prove is in the proofs alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BalanceProofs {
    format: String,
    /// The chain.
    pub chain_id: u64,
    /// The contract.
    pub exchange: Address,
    /// The batch with which the state ends.
    pub batch: u64,
    /// The root of the state.
    pub state_root: B256,
    /// Whose balances.
    pub owner: Address,
    /// The owner's account.
    pub account: u32,
    /// The proofs, by asset.
    pub balances: Vec<Entry>,
}

/// What a proof proves, in quanta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proved {
    /// What can be withdrawn.
    pub free: u64,
    /// What orders have set aside.
    pub locked: u64,
}

impl Proved {
    /// Both.
    pub fn total(&self) -> u128 {
        u128::from(self.free) + u128::from(self.locked)
    }
}

/// Does it.
pub async fn run(command: &Command) -> Result<()> {
    match command {
        Command::Proof(options) => prove(options).await,
        Command::Verify(options) => verify(options).await,
    }
}

/// The contract's last final state at one block: batches go on becoming final while a proof is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinalState {
    /// The batch with which it ends.
    pub batch: u64,
    /// Its root.
    pub root: B256,
}

impl FinalState {
    /// Asks the contract, at the newest block.
    pub async fn read(contract: &Contract) -> Result<Self> {
        let block = contract.client.latest().await.map_err(way_out::of)?.hash;
        let batch = contract.view_at(Exchange::finalBatchCall {}, block).await?;
        let root = contract.view_at(Exchange::finalRootCall {}, block).await?;
        Ok(Self { batch, root })
    }
}

/// After which batch a proof is made.
fn which_batch(asked: Option<u64>, last: Option<u64>) -> Result<u64> {
    match (asked, last) {
        (Some(batch), Some(last)) if batch != last => bail!(
            "batch {last} is the last final one, and with --l1 the proof is of the state after it: leave --batch {batch} away. \
             Without --l1 it proves what was there after batch {batch}, by which no contract pays"
        ),
        (_, Some(last)) => Ok(last),
        (Some(batch), None) => Ok(batch),
        (None, None) => bail!("after which batch? --l1 URL, or --batch NUMBER"),
    }
}

async fn prove(options: &ProofOptions) -> Result<()> {
    let genesis = published::genesis(&options.published)?;
    let chain = match &options.l1 {
        None => None,
        Some(url) => {
            let contract = Contract::at(url, genesis.chain_id, Address::from(genesis.exchange.0)).await?;
            check_root(&contract.client, contract.address, &genesis).await?;
            let last = FinalState::read(&contract).await?;
            Some((contract, last))
        }
    };
    let batch = which_batch(options.batch, chain.as_ref().map(|(_, last)| last.batch))?;
    let mut tree = state_after(&options.published, &genesis, batch)?;
    let proofs = BalanceProofs::make(&mut tree, &genesis, batch, options.owner)?;
    let balances = proofs.check()?;
    if let Some((contract, last)) = &chain {
        ensure!(
            last.root == proofs.state_root,
            "the batches in {} end in the state {} after batch {batch}, and the contract has {} there: get them from somebody else",
            options.published.display(),
            proofs.state_root,
            last.root
        );
        proofs.require_final(contract, last).await?;
    }
    let text = serde_json::to_vec_pretty(&proofs)?;
    let dir = options.out.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    published::write(dir, &options.out, &text).with_context(|| options.out.display().to_string())?;
    let mut out = io::stdout();
    writeln!(out, "{}: what account {} had after batch {batch}", options.out.display(), proofs.account)?;
    let Some((contract, _)) = &chain else {
        proofs.show(&balances, None).await?;
        writeln!(
            out,
            "not compared with any chain: `glassbook balance verify FILE --l1 URL --exchange ADDRESS` says whether this is the final state"
        )?;
        return Ok(());
    };
    let written = "the file is written, and is compared with the contract";
    proofs.show(&balances, Some(contract)).await.context(written)?;
    let now = contract.view(Exchange::finalBatchCall {}).await.context(written)?;
    let address = contract.address;
    if now == batch {
        writeln!(
            out,
            "this is the last final state of {address} on the chain: after a freeze, `glassbook l1 escape --proof FILE`"
        )?;
    } else {
        writeln!(
            out,
            "this was the last final state of {address} on the chain; batch {now} is final by now. An escape pays by the last one: \
             make the proof anew when the exchange is frozen"
        )?;
    }
    Ok(())
}

/// The state after a batch, by executing all published batches from the first state on. Every root is compared with the one
/// that the batch claims; signatures are not looked at, since the root decides.
fn state_after(dir: &Path, genesis: &Genesis, last: u64) -> Result<FullTree<Sha256Hash>> {
    let mut tree = FullTree::<Sha256Hash>::new();
    let _ = transition::genesis(&mut tree, genesis)?;
    let bar = ProgressBar::new(last);
    let style = ProgressStyle::with_template("{bar:32} {human_pos}/{human_len} batches {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    for number in 1..=last {
        bar.set_position(number);
        let batch = published::batch(dir, number)?;
        let wrong = || format!("batch {number} as it was published is not true; get it from somebody else");
        ensure!(batch.input.previous_root == tree.root(), "{}: it does not follow the one before", wrong());
        let log = EventsLog::root_only();
        let output = execute_batch::<_, Native>(&mut tree, &batch.input.commands, None, log, &mut ());
        ensure!(output.with_context(wrong)?.claim.state_root == batch.claim.state_root, wrong());
    }
    bar.finish_and_clear();
    Ok(tree)
}

async fn verify(options: &VerifyOptions) -> Result<()> {
    let proofs = BalanceProofs::read(&options.file)?;
    let balances = proofs.check()?;
    if let Some(root) = options.root {
        ensure!(
            root == proofs.state_root,
            "the proofs are under the state root {}, not under {root}",
            proofs.state_root
        );
    }
    let contract = match &options.l1 {
        None => None,
        Some(url) => {
            let deployed = options.deployment.as_deref().map(Deployment::read).transpose()?;
            let chain = deployed.as_ref().map_or(proofs.chain_id, |found| found.chain_id);
            let address = options.exchange.or(deployed.map(|found| found.exchange));
            let address = address.context("which exchange? --exchange ADDRESS, or --deployment FILE")?;
            let contract = Contract::at(url, chain, address).await?;
            proofs.require_final(&contract, &FinalState::read(&contract).await?).await?;
            Some(contract)
        }
    };
    let mut out = io::stdout();
    writeln!(out, "{}: every proof leads to the state root {}", options.file.display(), proofs.state_root)?;
    writeln!(
        out,
        "account {} of {} on chain {}, owner {}, after batch {}",
        proofs.account, proofs.exchange, proofs.chain_id, proofs.owner, proofs.batch
    )?;
    proofs.show(&balances, contract.as_ref()).await?;
    match (&contract, options.root) {
        (Some(_), _) => writeln!(
            out,
            "the contract has this root as its last final state, and the account as this owner's"
        )?,
        (None, Some(_)) => writeln!(
            out,
            "the root is the one given; whose account it is, only a chain says: --l1 URL --exchange ADDRESS"
        )?,
        (None, None) => writeln!(
            out,
            "the root is the file's own word: compare it with the contract's, --l1 URL --exchange ADDRESS, or with one that you \
             trust, --root ROOT"
        )?,
    }
    Ok(())
}

impl BalanceProofs {
    /// Proves all that an owner has in a state.
    fn make(tree: &mut FullTree<Sha256Hash>, genesis: &Genesis, batch: u64, owner: Address) -> Result<Self> {
        let mut book = Book::new(genesis.capacity);
        restore(tree, &mut book, |never| match never {})?;
        let number = book.accounts().iter().position(|account| account.owner.0 == owner.into_array());
        let number = number.with_context(|| {
            format!(
                "{owner} owns no account in the state after batch {batch}; deposits that came later are paid back after a \
                 freeze: `glassbook l1 refund`"
            )
        })?;
        let account = AccountId(u32::try_from(number)?);
        let mut balances = Vec::new();
        for asset in (0_u16..).take(book.assets().len()) {
            let balance = book.balance_of(account, AssetId(asset));
            if balance.free.0 == 0 && balance.locked.0 == 0 {
                continue;
            }
            let proof = tree.prove(balance_key(account, AssetId(asset)))?;
            balances.push(Entry { asset, proof: proof.encode().into() });
        }
        ensure!(!balances.is_empty(), "account {number} of {owner} has nothing after batch {batch}");
        Ok(Self {
            format: FORMAT.to_string(),
            chain_id: genesis.chain_id,
            exchange: Address::from(genesis.exchange.0),
            batch,
            state_root: tree.root().into(),
            owner,
            account: account.0,
            balances,
        })
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let name = || path.display().to_string();
        let mut text = Vec::new();
        File::open(path)
            .with_context(name)?
            .take(LONGEST_FILE + 1)
            .read_to_end(&mut text)
            .with_context(name)?;
        ensure!(text.len() as u64 <= LONGEST_FILE, "{}: too long for a file of balance proofs", name());
        let proofs: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{}: not a file of `glassbook balance proof`", name()))?;
        ensure!(proofs.format == FORMAT, "{}: the file's form is not {FORMAT}", name());
        Ok(proofs)
    }

    /// Checks every proof against the file's state root. What each proves, in the file's order.
    pub fn check(&self) -> Result<Vec<Proved>> {
        ensure!(!self.balances.is_empty(), "the file has no balances: it proves nothing");
        let mut assets = Vec::new();
        self.balances
            .iter()
            .map(|Entry { asset, proof }| {
                ensure!(!assets.contains(asset), "asset {asset} is in the file twice");
                assets.push(*asset);
                let proof = Proof::decode(proof).with_context(|| format!("the proof of asset {asset}"))?;
                let key = balance_key(AccountId(self.account), AssetId(*asset));
                let value =
                    state::verify::<Sha256Hash>(self.state_root.0, key, &proof).with_context(|| {
                        format!("asset {asset}: the proof does not hold under {}", self.state_root)
                    })?;
                let value = value.with_context(|| format!("asset {asset}: the proof is of no balance"))?;
                let balance = decode_balance(value).with_context(|| format!("asset {asset}"))?;
                Ok(Proved { free: balance.free.0, locked: balance.locked.0 })
            })
            .collect()
    }

    /// The contract must be this one, its last final state this state, and the account this owner's.
    pub async fn require_final(&self, contract: &Contract, last: &FinalState) -> Result<()> {
        ensure!(
            contract.address == self.exchange && contract.client.chain_id() == self.chain_id,
            "the proofs are of {} on chain {}, the contract is {} on chain {}",
            self.exchange,
            self.chain_id,
            contract.address,
            contract.client.chain_id()
        );
        ensure!(
            last.root == self.state_root,
            "the proofs are of the state after batch {}, the contract's last final state is that after batch {} ({}): make \
             them anew, `glassbook balance proof --l1 URL`",
            self.batch,
            last.batch,
            last.root
        );
        let account = contract.view(Exchange::accountOfCall { owner: self.owner }).await?;
        ensure!(
            account == self.account,
            "the proofs are of account {}, and {} owns account {account}",
            self.account,
            self.owner
        );
        Ok(())
    }

    /// One line a balance; with a contract in whole coins.
    async fn show(&self, balances: &[Proved], contract: Option<&Contract>) -> Result<()> {
        let mut out = io::stdout();
        for (Entry { asset, .. }, proved) in self.balances.iter().zip(balances) {
            let what = match contract {
                Some(contract) => Asset::of(contract, *asset).await?.show(proved.total()),
                None => format!("{} quanta of asset {asset}", proved.total()),
            };
            writeln!(out, "  {what}: {} free, {} locked", proved.free, proved.locked)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use state::{Change, Value};

    use super::*;

    /// A state with two balances of account 3, and the proofs of both.
    fn proofs() -> BalanceProofs {
        let mut tree = FullTree::<Sha256Hash>::new();
        let value =
            |free: u64, locked: u64| Value::from_slice(&[free.to_be_bytes(), locked.to_be_bytes()].concat());
        let key = |asset| balance_key(AccountId(3), AssetId(asset));
        let changes: Vec<Change> =
            vec![(key(0), Some(value(5, 7))), (key(2), Some(value(u64::MAX, u64::MAX)))];
        tree.apply(&changes).unwrap();
        let proof = |tree: &mut FullTree<Sha256Hash>, asset| tree.prove(key(asset)).unwrap().encode().into();
        let balances = [0, 2].map(|asset| Entry { asset, proof: proof(&mut tree, asset) }).to_vec();
        BalanceProofs {
            format: FORMAT.to_string(),
            chain_id: 31_337,
            exchange: Address::repeat_byte(1),
            batch: 9,
            state_root: tree.root().into(),
            owner: Address::repeat_byte(2),
            account: 3,
            balances,
        }
    }

    #[test]
    fn proofs_survive_a_file_and_prove_free_and_locked() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("proofs.json");
        std::fs::write(&file, serde_json::to_vec(&proofs()).unwrap()).unwrap();
        let read = BalanceProofs::read(&file).unwrap();
        assert_eq!(read, proofs());
        let balances = read.check().unwrap();
        assert_eq!(balances[0], Proved { free: 5, locked: 7 });
        assert_eq!(balances[1].total(), 2 * u128::from(u64::MAX));
    }

    #[test]
    fn a_file_without_balances_is_refused() {
        let empty = BalanceProofs { balances: Vec::new(), ..proofs() };
        assert!(empty.check().unwrap_err().to_string().contains("no balances"));
    }

    #[test]
    fn a_chain_has_one_final_batch_and_another_one_is_refused() {
        assert_eq!(which_batch(None, Some(7)).unwrap(), 7);
        assert_eq!(which_batch(Some(7), Some(7)).unwrap(), 7);
        assert_eq!(which_batch(Some(3), None).unwrap(), 3);
        let why = which_batch(Some(3), Some(7)).unwrap_err().to_string();
        assert!(why.contains("leave --batch 3 away") && why.contains("batch 7"), "{why}");
        assert!(which_batch(None, None).unwrap_err().to_string().contains("--batch"));
    }

    #[test]
    fn a_changed_file_proves_nothing() {
        let changes: [&dyn Fn(&mut BalanceProofs); 7] = [
            &|proofs| proofs.account = 4,
            &|proofs| proofs.state_root.0[0] ^= 1,
            &|proofs| proofs.balances[0].asset = 1,
            &|proofs| proofs.balances.swap(0, 1),
            &|proofs| proofs.balances[1] = proofs.balances[0].clone(),
            &|proofs| proofs.balances[0].proof = Bytes::from_static(&[0; 30]),
            &|proofs| {
                let mut bytes = proofs.balances[0].proof.to_vec();
                // The last byte of what is free.
                bytes[46 + 7] ^= 1;
                proofs.balances[0].proof = bytes.into();
            },
        ];
        for (place, change) in changes.iter().enumerate() {
            let mut proofs = proofs();
            change(&mut proofs);
            // Swapped whole entries still prove the same.
            assert_eq!(proofs.check().is_ok(), place == 3, "change {place}");
        }
    }
}
