//! The exchange on a chain, with its ledger beside it and everybody who has something to do with it.

use alloy_primitives::{Address, B256, Bytes, Log, U256};
use alloy_sol_types::{SolCall, SolEvent as _, SolValue as _};
use contracts::bindings::{AttestedVerifier, Exchange};
use contracts::{Attestation, QueueEntry, QueueHash, attestation_digest, concatenated, withdrawal_lists};
use k256::ecdsa::SigningKey;
use revm::primitives::keccak256;
use sha2::Digest as _;
use transition::{Claim, Native, WithdrawalTree, balance_key};
use types::{AccountId, AssetId, Command, Origin};

use crate::chain::{CHAIN_ID, Chain, Outcome, digest, person};
use crate::ledger::{Ledger, Sealed, opening};
use crate::tokens::{SilentToken, Token};

pub const DEADLINE: u64 = 7 * 86_400;
pub const FINALITY_DELAY: u64 = 3_600;
pub const VERIFIER_DELAY: u64 = 16 * 86_400;
/// As in the contract.
pub const FINALITY_GRACE: u64 = 86_400;
/// Wei.
pub const FORCE_FEE: u64 = 1_000_000_000_000;
pub const PAUSE_DELAY: u64 = 86_400;
pub const MAX_PAUSE: u64 = 3 * 86_400;

/// Wei in a quantum of the coin, of the token, of the silent token, and of one that a test may add.
pub const QUANTA: [u64; 4] = [10_000_000_000, 1_000_000, 1, 1];
pub const COIN: u16 = 0;
pub const TOKEN: u16 = 1;
pub const SILENT: u16 = 2;

pub const ALICE: u64 = 1;
pub const BOB: u64 = 2;

/// A claim, or what tests make of one.
pub type Claims = Vec<Claim>;

#[derive(Clone)]
pub struct World {
    pub chain: Chain,
    pub exchange: Address,
    pub verifier: Address,
    pub admin: Address,
    pub operator: Address,
    /// The coin is the zero address.
    pub tokens: Vec<Address>,
    pub signers: Vec<SigningKey>,
    pub program: B256,
    pub ledger: Ledger,
    pub queue: QueueHash,
    pub entries: Vec<QueueEntry>,
    /// All sealed batches, those that were reverted apart.
    pub batches: Vec<Sealed>,
}

/// The address of a key.
pub fn address_of(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_encoded_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

/// A recoverable signature in Ethereum's form.
pub fn sign(key: &SigningKey, digest: &B256) -> [u8; 65] {
    let (signature, recovery) = key.sign_prehash_recoverable(digest.as_slice()).unwrap();
    let mut bytes = [0; 65];
    bytes[..64].copy_from_slice(&signature.to_bytes());
    bytes[64] = 27 + recovery.to_byte();
    bytes
}

/// Three signers, ascending by address.
pub fn signers() -> Vec<SigningKey> {
    let mut keys: Vec<_> = (1..=3u8).map(|number| SigningKey::from_slice(&[number; 32]).unwrap()).collect();
    keys.sort_by_key(address_of);
    keys
}

pub fn config(world: &World) -> Exchange::Config {
    Exchange::Config {
        admin: world.admin,
        operator: world.operator,
        operatorOwner: world.operator,
        genesisRoot: digest(9),
        forceDeadline: DEADLINE,
        finalityDelay: FINALITY_DELAY,
        verifierDelay: VERIFIER_DELAY,
        pauseDelay: PAUSE_DELAY,
        maxPause: MAX_PAUSE,
        forceFee: U256::from(FORCE_FEE),
        verifiers: vec![world.verifier],
        programIds: vec![world.program],
    }
}

impl World {
    /// Deployed, with three assets listed on both sides, and people who have money.
    pub fn new() -> Self {
        let mut chain = Chain::new();
        let (admin, operator, deployer) = (person(1_000), person(1_001), person(1_002));
        let signers = signers();
        let arguments =
            (signers.iter().map(address_of).collect::<Vec<_>>(), U256::from(2)).abi_encode_params();
        let verifier = chain.deploy(admin, &AttestedVerifier::BYTECODE, &arguments);

        let exchange = deployer.create(0);
        let ledger = Ledger::new(types::Address(exchange.into()), types::Address(operator.into()));
        let mut world = Self {
            chain,
            exchange,
            verifier,
            admin,
            operator,
            tokens: Vec::new(),
            signers,
            program: digest(7),
            ledger,
            queue: QueueHash::default(),
            entries: Vec::new(),
            batches: Vec::new(),
        };
        let root = world.ledger.root();
        let config = Exchange::Config { genesisRoot: root.into(), ..config(&world) };
        let deployed = world.chain.deploy(deployer, &Exchange::BYTECODE, &(config,).abi_encode_params());
        assert_eq!(deployed, exchange);

        let token = world.chain.deploy(admin, &Token::BYTECODE, &[]);
        let silent = world.chain.deploy(admin, &SilentToken::BYTECODE, &[]);
        world.tokens = vec![Address::ZERO, token, silent];
        for (token, quantum) in world.tokens.clone().into_iter().zip(QUANTA) {
            world.list(token, quantum);
        }
        world.chain.fund(operator, U256::from(10).pow(U256::from(18)));
        for number in 1..=6 {
            world.fund(person(number));
        }
        world
    }

    /// With the opening commands in a first batch that is final.
    pub fn open() -> Self {
        let mut world = Self::new();
        world.seal(opening(3));
        world.settle();
        world
    }

    pub fn list(&mut self, token: Address, quantum: u64) -> u16 {
        let outcome = self.admin(&Exchange::listAssetCall { token, quantum }).done();
        Exchange::listAssetCall::abi_decode_returns(&outcome.output).unwrap()
    }

    pub fn fund(&mut self, who: Address) {
        self.chain.fund(who, U256::from(10).pow(U256::from(27)));
        let amount = U256::from(10).pow(U256::from(30));
        for token in self.tokens.clone().into_iter().skip(1) {
            self.chain.call(who, token, &Token::mintCall { to: who, amount }).done();
            let approve = Token::approveCall { spender: self.exchange, amount: U256::MAX };
            // The silent token asks for no approval.
            self.chain.call(who, token, &approve);
        }
    }

    /// A call to the exchange; every new queue entry must hash as the statement says.
    pub fn send(&mut self, from: Address, value: U256, call: &impl SolCall) -> Outcome {
        let outcome = self.chain.call_data(from, self.exchange, value, call.abi_encode().into());
        self.take_entries(&outcome.logs);
        outcome
    }

    /// A forced operation, with its fee.
    pub fn force(&mut self, from: Address, call: &impl SolCall) -> Outcome {
        self.send(from, U256::from(FORCE_FEE), call)
    }

    pub fn take_entries(&mut self, logs: &[Log]) {
        for log in logs.iter().filter(|log| log.address == self.exchange) {
            if let Ok(event) = Exchange::Enqueued::decode_log_data(&log.data) {
                let (entry, after) = self.queue.take(&event).unwrap();
                self.entries.push(entry);
                self.queue = after;
            }
        }
    }

    pub fn admin(&mut self, call: &impl SolCall) -> Outcome {
        self.send(self.admin, U256::ZERO, call)
    }

    pub fn operator(&mut self, call: &impl SolCall) -> Outcome {
        self.send(self.operator, U256::ZERO, call)
    }

    pub fn anybody(&mut self, call: &impl SolCall) -> Outcome {
        self.send(person(5_000), U256::ZERO, call)
    }

    pub fn view<C: SolCall>(&self, call: &C) -> C::Return {
        self.chain.view(self.exchange, call)
    }

    pub fn deposit_for(&mut self, from: Address, asset: u16, amount: u64, owner: Address) -> Outcome {
        let value = if asset == COIN { U256::from(amount) * U256::from(QUANTA[0]) } else { U256::ZERO };
        self.send(from, value, &Exchange::depositCall { asset, amount, owner })
    }

    pub fn deposit(&mut self, user: u64, asset: u16, amount: u64) -> Outcome {
        self.deposit_for(person(user), asset, amount, person(user))
    }

    /// The account of an address, which must have one.
    pub fn account(&self, owner: Address) -> AccountId {
        AccountId(self.view(&Exchange::accountOfCall { owner }))
    }

    /// A batch of all queue entries that wait, then these commands.
    pub fn seal(&mut self, commands: Vec<(AccountId, Origin, Command)>) -> Sealed {
        self.seal_some(usize::MAX, commands)
    }

    /// A batch of some queue entries, then these commands.
    pub fn seal_some(&mut self, entries: usize, commands: Vec<(AccountId, Origin, Command)>) -> Sealed {
        let mut all: Vec<_> = self
            .entries
            .iter()
            .skip(self.ledger.l1_position as usize)
            .take(entries)
            .map(|entry| (entry.account, Origin::L1(entry.position), entry.command.clone()))
            .collect();
        all.extend(commands);
        let sealed = self.ledger.seal(&all);
        self.ledger = sealed.after.clone();
        self.batches.push(sealed.clone());
        sealed
    }

    pub fn committed(&self) -> u64 {
        self.view(&Exchange::committedCall {}).batch
    }

    pub fn proved(&self) -> u64 {
        self.view(&Exchange::provedBatchCall {})
    }

    pub fn finals(&self) -> u64 {
        self.view(&Exchange::finalBatchCall {})
    }

    /// The claims of sealed batches `first..=last`.
    pub fn claims(&self, first: u64, last: u64) -> Claims {
        self.batches[first as usize - 1..last as usize].iter().map(|sealed| sealed.claim.clone()).collect()
    }

    pub fn commit(&mut self, claims: &[Claim]) -> Outcome {
        self.operator(&commit_call(concatenated(claims)))
    }

    /// The attestation of two of the three.
    pub fn attestation(&self, claims: &[Claim]) -> Bytes {
        self.attestation_of(self.verifier, &concatenated(claims))
    }

    pub fn attestation_of(&self, verifier: Address, public_values: &[u8]) -> Bytes {
        let proof_file = B256::from_slice(&sha2::Sha256::digest(b"a proof file"));
        let digest = attestation_digest(CHAIN_ID, verifier, self.program, public_values, proof_file);
        let signatures =
            self.signers[1..].iter().rev().map(|key| (address_of(key), sign(key, &digest))).collect();
        Attestation { proof_file, signatures }.encode()
    }

    pub fn prove(&mut self, claims: &[Claim]) -> Outcome {
        let proof = self.attestation(claims);
        self.anybody(&Exchange::proveBatchesCall { version: 1, claims: concatenated(claims), proof })
    }

    pub fn finalise(&mut self, claims: &[Claim]) -> Outcome {
        let lists: Vec<_> =
            claims.iter().map(|claim| self.batches[claim.batch as usize - 1].withdrawals.clone()).collect();
        self.finalise_with(claims, withdrawal_lists(&lists))
    }

    pub fn finalise_with(
        &mut self,
        claims: &[Claim],
        withdrawals: Vec<Vec<Exchange::Withdrawal>>,
    ) -> Outcome {
        self.anybody(&Exchange::finaliseBatchesCall { claims: concatenated(claims), withdrawals })
    }

    /// Commits, proves and makes final all that is sealed.
    pub fn settle(&mut self) {
        let last = self.batches.len() as u64;
        if self.committed() < last {
            self.commit(&self.claims(self.committed() + 1, last)).done();
        }
        if self.proved() < last {
            self.prove(&self.claims(self.proved() + 1, last)).done();
        }
        self.chain.time += FINALITY_DELAY;
        if self.finals() < last {
            self.finalise(&self.claims(self.finals() + 1, last)).done();
        }
    }

    /// The call that claims a withdrawal of a sealed batch, for its owner.
    pub fn claim_call(&self, batch: u64, place: usize) -> Exchange::claimWithdrawalCall {
        let sealed = &self.batches[batch as usize - 1];
        let withdrawal = sealed.withdrawals[place];
        let tree = WithdrawalTree::<Native>::new(&sealed.withdrawals);
        let path = tree.path(place as u64).unwrap();
        Exchange::claimWithdrawalCall {
            batch,
            withdrawal: withdrawal.into(),
            place: place as u64,
            siblings: path.siblings.iter().map(B256::from).collect(),
            recipient: Address::from(withdrawal.owner.0),
        }
    }

    /// The state after the last final batch.
    pub fn final_ledger(&self) -> Ledger {
        match self.finals() {
            0 => {
                let operator = types::Address(self.operator.into());
                Ledger::new(types::Address(self.exchange.into()), operator)
            }
            batch => self.batches[batch as usize - 1].after.clone(),
        }
    }

    /// The proof of a balance in the last final state.
    pub fn balance_proof(&self, account: AccountId, asset: u16) -> Bytes {
        let key = balance_key(account, AssetId(asset));
        self.final_ledger().tree.prove(key).unwrap().encode().into()
    }

    pub fn escape_call(&self, owner: Address, asset: u16) -> Exchange::escapeCall {
        let account = self.account(owner);
        Exchange::escapeCall { owner, asset, proof: self.balance_proof(account, asset), recipient: owner }
    }

    /// The call that refunds the deposit at a position.
    pub fn refund_call(&self, position: u64) -> Exchange::refundDepositCall {
        let entry = &self.entries[position as usize];
        let Command::Deposit { owner, asset, amount } = entry.command else { panic!("not a deposit") };
        let owner = Address::from(owner.0);
        Exchange::refundDepositCall {
            position,
            account: entry.account.0,
            owner,
            asset: asset.0,
            amount: amount.0,
            recipient: owner,
        }
    }

    /// Lets a forced operation go past its deadline, and freezes.
    pub fn freeze(&mut self) {
        self.force(self.operator, &Exchange::forceCancelCall { marketPlusOne: 0, side: 0 }).done();
        self.chain.time += DEADLINE + 1;
        self.anybody(&Exchange::freezeCall {}).done();
    }

    /// Announces a pause and waits for it.
    pub fn pause(&mut self) {
        self.admin(&Exchange::announcePauseCall {}).done();
        self.chain.time += PAUSE_DELAY;
    }

    /// What an address has of an asset, in wei.
    pub fn money(&mut self, who: Address, asset: u16) -> U256 {
        match self.tokens[usize::from(asset)] {
            Address::ZERO => self.chain.balance(who),
            token => self.chain.view(token, &Token::balanceOfCall(who)),
        }
    }

    /// Quanta in wei.
    pub fn wei(asset: u16, quanta: u64) -> U256 {
        U256::from(quanta) * U256::from(QUANTA[usize::from(asset)])
    }
}

/// The commitment to a batch's data, in these tests.
pub fn data_commitment(place: usize) -> B256 {
    B256::repeat_byte((place % 255) as u8 + 1)
}

/// Commits claims, however many these bytes are.
pub fn commit_call(claims: Bytes) -> Exchange::commitBatchesCall {
    let commitments = (0..claims.len() / Claim::BYTES).map(data_commitment);
    Exchange::commitBatchesCall { claims, dataCommitments: commitments.collect() }
}
