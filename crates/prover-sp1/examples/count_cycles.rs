//! Where the committed program spends its cycles: every instruction of a batch's execution, counted by the calls that led
//! to it.
//!
//!     cargo run --release -p prover-sp1 --example count_cycles -- recorded|simulated > counts
//!
//! Counts the two batches of 1,000 commands whose total `tests/cycles.rs` pins. A line is a count, a tab, the addresses of the
//! calls from the outermost to the innermost, and the instruction's own. `guests/profile` gives the addresses their
//! names and makes the table of it.

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use prover_sp1::{Config, ELF, Sp1, environment};
use proving::Backend;
use sp1_core_executor::{
    CompressedMemory, CompressedPages, CycleResult, Instruction, Opcode, Program, SP1CoreOpts, SplicingVM,
    SupervisorMode,
};
use sp1_core_executor_runner::MinimalExecutorRunner;
use sp1_jit::TraceChunk;
use test_batches::Sealer;
use transition::BatchRange;

fn main() -> Result<(), Box<dyn Error>> {
    environment::set_defaults();
    let sealer = match std::env::args().nth(1).as_deref() {
        Some("recorded") => Sealer::recorded().ok_or("the recorded flow is not there")?,
        Some("simulated") => Sealer::simulated(),
        _ => return Err("say recorded or simulated".into()),
    };
    // The same batches as in the test, which takes smaller ones first.
    let mut sealer = sealer.warm_up();
    for (size, batches) in [(1, 20), (10, 10), (100, 5)] {
        (0..batches).for_each(|_| drop(sealer.seal(size)));
    }
    let sp1 = Sp1::new(Config::default())?;
    let mut calls = Calls::new();
    let mut counted = 0;
    for _ in 0..2 {
        let range: BatchRange = sealer.seal(1_000).input.into();
        counted += sp1.execute(&range)?.cycles;
        count(&range, &mut calls)?;
    }
    let found: u64 = calls.0.iter().flat_map(|call| call.counts.values()).sum();
    eprintln!("{found} cycles in 2 batches of 1,000 commands");
    if found != counted {
        return Err(format!("the executor counts {counted}").into());
    }
    calls.write(&mut BufWriter::new(std::io::stdout().lock()))?;
    Ok(())
}

/// Executes a batch instruction by instruction.
fn count(range: &BatchRange, calls: &mut Calls) -> Result<(), Box<dyn Error>> {
    let program = Arc::new(Program::from(ELF)?);
    let options = SP1CoreOpts::default();
    let mut executor = MinimalExecutorRunner::new(
        program.clone(),
        false,
        Some(options.minimal_trace_chunk_threshold),
        options.memory_limit,
        options.trace_chunk_slots,
    );
    executor.with_input(&range.encode());
    let mut stack = Stack::default();
    while let Some(chunk) = executor.try_execute_chunk()? {
        let chunk = TraceChunk::from(chunk);
        let (mut memory, mut pages) = (CompressedMemory::new(), CompressedPages::new());
        let mut machine = SplicingVM::<SupervisorMode>::new(
            &chunk,
            program.clone(),
            &mut memory,
            &mut pages,
            [0; 4],
            options.clone(),
        );
        loop {
            let pc = machine.core.pc();
            let instruction = *program.fetch(pc).ok_or("an instruction outside the program")?;
            let result = machine.execute_instruction()?;
            calls.count(stack.top(), pc);
            stack.follow(calls, &instruction, pc, machine.core.pc());
            if !matches!(result, CycleResult::Done(false)) {
                break;
            }
        }
    }
    Ok(())
}

/// A tree of calls; the first is the program's start.
struct Calls(Vec<Call>);

#[derive(Default)]
struct Call {
    by: usize,
    site: u64,
    /// Further calls from here, by their place.
    calls: HashMap<u64, usize>,
    counts: HashMap<u64, u64>,
}

impl Calls {
    fn new() -> Self {
        Self(vec![Call::default()])
    }

    fn count(&mut self, call: usize, pc: u64) {
        *self.0[call].counts.entry(pc).or_default() += 1;
    }

    fn call(&mut self, by: usize, site: u64) -> usize {
        let next = self.0.len();
        let call = *self.0[by].calls.entry(site).or_insert(next);
        if call == next {
            self.0.push(Call { by, site, ..Call::default() });
        }
        call
    }

    fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        for (at, call) in self.0.iter().enumerate() {
            let mut sites = Vec::new();
            let mut up = at;
            while up != 0 {
                sites.push(format!("{:x}", self.0[up].site));
                up = self.0[up].by;
            }
            sites.reverse();
            for (pc, count) in &call.counts {
                writeln!(out, "{count}\t{} {pc:x}", sites.join(" "))?;
            }
        }
        out.flush()
    }
}

/// The calls that have not returned, each with where it returns to.
#[derive(Default)]
struct Stack(Vec<(usize, u64)>);

impl Stack {
    fn top(&self) -> usize {
        self.0.last().map_or(0, |(call, _)| *call)
    }

    /// A jump that links register 1 is a call; one through register 1 that does not link is a return.
    fn follow(&mut self, calls: &mut Calls, instruction: &Instruction, pc: u64, next: u64) {
        let jump = matches!(instruction.opcode, Opcode::JAL | Opcode::JALR);
        if jump && instruction.op_a == 1 {
            let call = calls.call(self.top(), pc);
            self.0.push((call, pc + 4));
        } else if instruction.opcode == Opcode::JALR && instruction.op_a == 0 && instruction.op_b == 1 {
            if let Some(at) = self.0.iter().rposition(|(_, back)| *back == next) {
                self.0.truncate(at);
            }
        }
    }
}
