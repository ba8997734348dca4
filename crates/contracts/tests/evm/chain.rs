//! A chain of one block at a time, with a clock that tests set.

use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256};
use alloy_sol_types::{SolCall, SolError, SolEvent};
use revm::context::result::ExecutionResult;
use revm::context::{Context, TxEnv};
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::hardfork::SpecId;
use revm::state::{AccountInfo, Bytecode};
use revm::{Database as _, ExecuteCommitEvm as _, MainBuilder as _, MainContext as _};

/// The chain id of all tests.
pub const CHAIN_ID: u64 = 31_337;
/// Below the cap of EIP-7825.
const GAS_LIMIT: u64 = 16_000_000;

/// What a transaction did.
#[derive(Debug)]
pub struct Outcome {
    pub done: bool,
    pub output: Bytes,
    pub logs: Vec<Log>,
    pub gas: u64,
    pub created: Option<Address>,
}

impl Outcome {
    /// The transaction must have succeeded.
    #[track_caller]
    pub fn done(self) -> Self {
        assert!(self.done, "reverted: {} {:?}", selector(&self.output), self.output);
        self
    }

    /// The transaction must have been refused with this error.
    #[track_caller]
    pub fn refused<E: SolError>(self) -> E {
        assert!(!self.done, "should be refused with {}", E::SIGNATURE);
        E::abi_decode(&self.output)
            .unwrap_or_else(|_| panic!("refused with {} and not {}", selector(&self.output), E::SIGNATURE))
    }

    /// The events of one type.
    pub fn events<E: SolEvent>(&self) -> Vec<E> {
        self.logs.iter().filter_map(|log| E::decode_log_data(&log.data).ok()).collect()
    }
}

fn selector(output: &[u8]) -> String {
    use alloy_sol_types::SolInterface as _;
    use contracts::bindings::Exchange::ExchangeErrors;
    match ExchangeErrors::abi_decode(output) {
        Ok(error) => format!("{error:?}"),
        Err(_) => format!("{:02x?}", &output[..output.len().min(4)]),
    }
}

/// All accounts, and what time it is.
#[derive(Clone)]
pub struct Chain {
    db: CacheDB<EmptyDB>,
    pub time: u64,
}

impl Chain {
    pub fn new() -> Self {
        Self { db: CacheDB::new(EmptyDB::default()), time: 1_800_000_000 }
    }

    /// Gives an account coins out of nothing.
    pub fn fund(&mut self, account: Address, wei: U256) {
        let info = self.db.basic(account).unwrap().unwrap_or_default();
        self.db.insert_account_info(account, AccountInfo { balance: info.balance + wei, ..info });
    }

    pub fn balance(&mut self, account: Address) -> U256 {
        self.db.basic(account).unwrap().unwrap_or_default().balance
    }

    pub fn code(&mut self, account: Address) -> Bytes {
        let info = self.db.basic(account).unwrap().unwrap_or_default();
        self.db.code_by_hash(info.code_hash).unwrap().original_bytes()
    }

    /// Overwrites an account's code.
    pub fn set_code(&mut self, account: Address, code: Bytes) {
        let info = self.db.basic(account).unwrap().unwrap_or_default();
        let code = Bytecode::new_raw(code);
        self.db.insert_account_info(
            account,
            AccountInfo { code_hash: code.hash_slow(), code: Some(code), ..info },
        );
    }

    /// Overwrites a word of storage.
    pub fn set_storage(&mut self, account: Address, slot: U256, value: U256) {
        self.db.insert_account_storage(account, slot, value).unwrap();
    }

    pub fn storage(&mut self, account: Address, slot: U256) -> U256 {
        self.db.storage(account, slot).unwrap()
    }

    fn transact(&mut self, from: Address, kind: TxKind, value: U256, data: Bytes) -> Outcome {
        let time = self.time;
        let mut evm = Context::mainnet()
            .with_db(&mut self.db)
            .modify_cfg_chained(|cfg| {
                *cfg = cfg.clone().with_spec_and_mainnet_gas_params(SpecId::OSAKA);
                cfg.chain_id = CHAIN_ID;
                cfg.disable_nonce_check = true;
            })
            .modify_block_chained(|block| block.timestamp = U256::from(time))
            .build_mainnet();
        let tx = TxEnv {
            caller: from,
            kind,
            value,
            data,
            gas_limit: GAS_LIMIT,
            chain_id: Some(CHAIN_ID),
            ..TxEnv::default()
        };
        let result = evm.transact_commit(tx).unwrap();
        let gas = result.tx_gas_used();
        let created = result.created_address();
        match result {
            ExecutionResult::Success { logs, output, .. } => {
                Outcome { done: true, output: output.into_data(), logs, gas, created }
            }
            ExecutionResult::Revert { output, .. } => {
                Outcome { done: false, output, logs: Vec::new(), gas, created: None }
            }
            ExecutionResult::Halt { reason, .. } => panic!("halted: {reason:?}"),
        }
    }

    /// A transaction with plain data.
    pub fn call_data(&mut self, from: Address, to: Address, value: U256, data: Bytes) -> Outcome {
        self.transact(from, TxKind::Call(to), value, data)
    }

    /// A transaction.
    pub fn call(&mut self, from: Address, to: Address, call: &impl SolCall) -> Outcome {
        self.call_data(from, to, U256::ZERO, call.abi_encode().into())
    }

    /// What a function returns; nothing is changed.
    #[track_caller]
    pub fn view<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        let outcome = self.clone().call(Address::ZERO, to, call).done();
        C::abi_decode_returns(&outcome.output).unwrap()
    }

    /// Deploys a contract, if its constructor agrees.
    pub fn try_deploy(&mut self, from: Address, bytecode: &[u8], arguments: &[u8]) -> Outcome {
        self.transact(from, TxKind::Create, U256::ZERO, [bytecode, arguments].concat().into())
    }

    /// Deploys a contract.
    #[track_caller]
    pub fn deploy(&mut self, from: Address, bytecode: &[u8], arguments: &[u8]) -> Address {
        self.try_deploy(from, bytecode, arguments).done().created.unwrap()
    }
}

/// An address that tests know by a number.
pub fn person(number: u64) -> Address {
    Address::left_padding_from(&(0x00aa_0000 + number).to_be_bytes())
}

/// Some digest that means nothing.
pub fn digest(number: u8) -> B256 {
    B256::repeat_byte(number)
}
