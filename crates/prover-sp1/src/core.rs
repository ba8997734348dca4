//! Core proofs on this machine's CPU, shard by shard.
//!
//! The SDK's client sets up recursion first, which a core proof does not need (minutes and 7 GB on a small machine), and
//! executes ahead of its prover, so that its memory grows with the execution. This module drives the same executor, tracer and
//! shard prover, of SP1's own crates, one shard at a time: a shard is proved and dropped before the next is traced, so memory
//! is that of one shard whatever the execution's length.

use std::sync::Arc;

use proving::{BackendError, Cancellation};
use sp1_core_executor::events::MemoryRecord;
use sp1_core_executor::{
    CompressedMemory, CompressedPages, CycleResult, ExecutionRecord, Program, SP1CoreOpts,
    SplicedMinimalTrace, SplicingVMEnum, SplitOpts,
};
use sp1_core_executor_runner::MinimalExecutorRunner;
use sp1_core_machine::executor::trace_chunk;
use sp1_core_machine::riscv::RiscvAir;
use sp1_core_machine::utils::emit_globals;
use sp1_hypercube::prover::{AirProver, CpuShardProver, ProverSemaphore, ProvingKey, SP1InnerPcsProver};
use sp1_hypercube::{HashableKey, InnerSC, MachineRecord, SP1Pcs, SP1VerifyingKey};
use sp1_jit::{MinimalTrace, TraceChunk};
use sp1_primitives::{SP1Field, SP1GlobalContext};
use tokio::runtime::{Builder, Runtime};
use verifier::ProgramId;
use verifier::sp1::{Shard, core_machine};

use crate::backend::failed;

type ShardProver =
    CpuShardProver<SP1GlobalContext, SP1Pcs<SP1GlobalContext>, SP1InnerPcsProver, RiscvAir<SP1Field>>;
type Key = ProvingKey<SP1GlobalContext, InnerSC<RiscvAir<SP1Field>>, ShardProver>;

/// Marks a proof among others of the same program; nothing depends on it.
const NONCE: [u32; 4] = [0; 4];

/// Ready to prove executions of one program.
pub(crate) struct CoreProver {
    program: Arc<Program>,
    prover: ShardProver,
    key: Arc<Key>,
    options: SP1CoreOpts,
    runtime: Runtime,
}

impl CoreProver {
    /// For an executable. Takes seconds.
    pub(crate) fn new(elf: &[u8]) -> Result<Self, BackendError> {
        let program = Arc::new(Program::from(elf).map_err(failed)?);
        let runtime = Builder::new_multi_thread().worker_threads(1).build().map_err(failed)?;
        let prover = ShardProver::new(core_machine().shard_verifier().clone());
        let (made, _) = runtime.block_on(prover.setup(program.clone(), ProverSemaphore::new(1)));
        Ok(Self { program, prover, key: made.pk, options: SP1CoreOpts::default(), runtime })
    }

    /// The program's id, by the key that was made from the executable.
    pub(crate) fn program_id(&self) -> ProgramId {
        ProgramId(SP1VerifyingKey { vk: self.key.vk.clone() }.bytes32_raw())
    }

    /// Proves the program's execution on some input: one proof a shard, in the order in which they follow each other. Tells
    /// `progress` how many cycles were traced and how many shards are proved.
    pub(crate) fn prove(
        &self,
        input: &[Vec<u8>],
        cancel: &Cancellation,
        progress: &dyn Fn(u64, usize),
    ) -> Result<Vec<Shard>, BackendError> {
        let split = SplitOpts::new(&self.options, self.program.instructions.len(), false);
        let mut executor = MinimalExecutorRunner::new(
            self.program.clone(),
            false,
            Some(self.options.minimal_trace_chunk_threshold),
            self.options.memory_limit,
            self.options.trace_chunk_slots,
        );
        for buffer in input {
            executor.with_input(buffer);
        }
        let mut proofs =
            Proofs { prover: self, cancel, progress, cycles: 0, early: vec![], main: vec![], late: vec![] };
        let mut deferred = self.record();
        let (mut addresses, mut pages) = Default::default();
        let mut last = None;
        while let Some(chunk) = executor.try_execute_chunk().map_err(failed)? {
            // A copy, so that the executor may use the chunk's place in shared memory again.
            let chunk = TraceChunk::from(chunk);
            for trace in self.splice(&chunk, &mut addresses, &mut pages)? {
                let (done, mut record, registers) = self.trace(trace)?;
                proofs.cycles = executor.global_clk();
                if done {
                    // What the memory holds in the end is known when the executor has ended.
                    last = Some((record, registers));
                    continue;
                }
                deferred.append(&mut record.defer(&self.options.retained_events_presets));
                let full = deferred.split(false, &mut record, false, &split);
                proofs.add(record, Place::Main)?;
                proofs.add_all(full)?;
            }
        }
        let Some((mut record, registers)) = last else { return Err(failed("the execution has no end")) };
        emit_globals(&executor, &mut record, registers, addresses, pages);
        drop(executor);
        deferred.append(&mut record.defer(&self.options.retained_events_presets));
        let fits = fits_into_last(&record, &deferred, &split);
        let rest = deferred.split(true, &mut record, fits, &split);
        drop(deferred);
        proofs.add(record, Place::Main)?;
        proofs.add_all(rest)?;
        Ok([proofs.early, proofs.main, proofs.late].concat())
    }

    fn record(&self) -> ExecutionRecord {
        ExecutionRecord::new(self.program.clone(), NONCE, self.options.global_dependencies_opt)
    }

    /// All that a shard's proof is about. Whether it is the execution's last, and the registers after it.
    fn trace(
        &self,
        trace: SplicedMinimalTrace<TraceChunk>,
    ) -> Result<(bool, ExecutionRecord, [MemoryRecord; 32]), BackendError> {
        let (program, options) = (self.program.clone(), self.options.clone());
        trace_chunk::<SP1Field>(program, options, trace, NONCE, self.record()).map_err(failed)
    }

    /// Cuts what was executed into pieces of a shard each.
    fn splice(
        &self,
        chunk: &TraceChunk,
        addresses: &mut impl Extend<u64>,
        pages: &mut impl Extend<u64>,
    ) -> Result<Vec<SplicedMinimalTrace<TraceChunk>>, BackendError> {
        let mut pieces = Vec::new();
        let (mut touched, mut touched_pages) = (CompressedMemory::new(), CompressedPages::new());
        let options = self.options.clone();
        let mut machine = SplicingVMEnum::new(
            chunk,
            self.program.clone(),
            &mut touched,
            &mut touched_pages,
            NONCE,
            options,
        );
        let reads = chunk.num_mem_reads() as usize;
        let mut piece = SplicedMinimalTrace::new_full_trace(chunk.clone());
        loop {
            let next = match machine.execute().map_err(failed)? {
                CycleResult::ShardBoundary => machine.splice(chunk.clone()),
                CycleResult::Done(true) => None,
                CycleResult::Done(false) | CycleResult::TraceEnd => {
                    return Err(failed("the trace ends in the middle of a shard"));
                }
            };
            piece.set_last_clk(machine.clk());
            let read = if machine.is_done() { reads } else { reads - machine.mem_reads_len() };
            piece.set_last_mem_reads_idx(read);
            match next {
                Some(next) => pieces.push(std::mem::replace(&mut piece, next)),
                None => break,
            }
        }
        pieces.push(piece);
        drop(machine);
        addresses.extend(touched.is_set());
        pages.extend(touched_pages.is_set());
        Ok(pieces)
    }
}

/// Whether the memory's first and last values fit into the last shard of instructions.
fn fits_into_last(last: &ExecutionRecord, deferred: &ExecutionRecord, split: &SplitOpts) -> bool {
    let memory =
        deferred.global_memory_initialize_events.len().max(deferred.global_memory_finalize_events.len());
    let pages = deferred
        .global_page_prot_initialize_events
        .len()
        .max(deferred.global_page_prot_finalize_events.len());
    last.estimated_trace_area <= split.pack_trace_threshold
        && memory <= split.combine_memory_threshold
        && pages <= split.combine_page_prot_threshold
}

/// Where a shard belongs: precompiles claim the state at the start, memory the state at the end.
enum Place {
    Early,
    Main,
    Late,
}

/// The shards' proofs so far.
struct Proofs<'a> {
    prover: &'a CoreProver,
    cancel: &'a Cancellation,
    progress: &'a dyn Fn(u64, usize),
    cycles: u64,
    early: Vec<Shard>,
    main: Vec<Shard>,
    late: Vec<Shard>,
}

impl Proofs<'_> {
    /// Proves what was set apart: precompile calls, and the memory.
    fn add_all(&mut self, records: Vec<ExecutionRecord>) -> Result<(), BackendError> {
        for record in records {
            // Time begins with 1.
            let place = if record.public_values.last_timestamp == 1 { Place::Early } else { Place::Late };
            self.add(record, place)?;
        }
        Ok(())
    }

    fn add(&mut self, mut record: ExecutionRecord, place: Place) -> Result<(), BackendError> {
        if self.cancel.is_cancelled() {
            return Err(BackendError::Cancelled);
        }
        let CoreProver { prover, key, runtime, .. } = self.prover;
        core_machine().machine().generate_dependencies(std::iter::once(&mut record), None);
        let permits = ProverSemaphore::new(1);
        let (proof, _) = runtime.block_on(prover.prove_shard_with_pk(key.clone(), record, permits));
        match place {
            Place::Early => self.early.push(proof),
            Place::Main => self.main.push(proof),
            Place::Late => self.late.push(proof),
        }
        (self.progress)(self.cycles, self.early.len() + self.main.len() + self.late.len());
        Ok(())
    }
}
