//! Glassbook in one binary: runs an exchange on a chain, shows it, checks what it wrote, and does what its users and operators
//! need.

mod address;
mod config;
mod da;
mod deployment;
mod dev;
mod exits;
mod help;
mod inspect;
mod keys;
mod player;
mod prove;
mod proving_node;
mod published;
mod replay;
mod report;
mod simulate;
mod top;
mod withdrawals;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A provable exchange: a fast order book whose every batch can be executed again and checked by anybody.
#[derive(Parser)]
#[command(name = "glassbook", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play order flow through the whole core: journal, engine, state tree, sealed batches
    ///
    /// FILE is a LOBSTER recording (CSV with best quotes) or a flow file from `glassbook simulate`; which one is found
    /// out by its content. Ends with tables, and with pictures in an HTML report.
    #[command(after_help = "\
Examples:
  glassbook simulate --out flow.gbflow
  glassbook replay flow.gbflow                            tables, and pictures in report.html
  glassbook replay flow.gbflow --data data --batch 100    keep it; batches of 100 commands in data/batches
  glassbook replay flow.gbflow --data data --prove        and have them proved by workers")]
    Replay(replay::Options),
    /// Make realistic order flow from a seed
    #[command(after_help = "\
Examples:
  glassbook simulate --out flow.gbflow                    200,000 commands, the same on every machine
  glassbook simulate -n 1000000 --seed 7 --markets 5 --out large.gbflow")]
    Simulate(simulate::Options),
    /// Measure the engine, memory and pipeline on this machine
    #[command(after_help = "\
Examples:
  glassbook bench --quick             seconds, for a first look
  glassbook bench --json bench.json   minutes; figures as JSON, too")]
    Bench(BenchOptions),
    /// Show or check sealed batches
    #[command(subcommand)]
    Batch(BatchCommand),
    /// Check proofs offline, and say what each is worth
    ///
    /// Needs nothing but the file: no prover, no network, no trust in whoever made it.
    #[command(after_help = "\
Examples:
  glassbook verify data/proving/proofs/*.proof
  glassbook verify zisk.proof --zisk-program-key KEY    of a ZisK proof; `prover-zisk key` prints the key")]
    Verify {
        /// Proof files
        #[arg(required = true)]
        proofs: Vec<PathBuf>,
        #[command(flatten)]
        keys: prove::Keys,
    },
    /// Have the sealed batches of a data directory proved by workers; or show how that goes
    ///
    /// Serves proving workers (`prover-sp1 work`, `prover-zisk work`), checks what they bring, and keeps the proofs in
    /// DIR/proving/proofs. May run beside the exchange that writes the directory. Stopping it loses nothing.
    #[command(args_conflicts_with_subcommands = true)]
    #[command(after_help = "\
Examples:
  glassbook prove data                          serve workers; `prover-sp1 work` is one
  glassbook prove data --kind compressed --until-done
  glassbook prove status                        how a running node is doing, in another terminal")]
    Prove(prove::Options),
    /// Settings of a node: check, show, begin a file
    ///
    /// One TOML file, and variables in the environment that go before it. `docs/src/operators/configuration.md` has all keys.
    #[command(subcommand)]
    Config(config::Command),
    /// Watch a running node on the terminal: books, lag, proofs, settlement, health
    Top(top::Options),
    /// Run a whole exchange: an Ethereum node, the contracts, the exchange, settlement, the web page
    ///
    /// Deposits made on the chain arrive in the exchange; sealed batches are committed, proved or attested, made final;
    /// withdrawals are claimed on the chain. A simulated market is played into it, and it serves a page
    /// to trade and to check in. `glassbook dev --for 60s` ends with tables.
    #[command(after_help = "\
Examples:
  glassbook dev                                  everything on this machine; nothing is kept
  glassbook dev --data DIR                       keep it, and go on from there the next time
  glassbook dev --for 60s                        for a minute; ends with tables
  glassbook dev --config glassbook.toml          settings from a file; options here go before it
  glassbook dev --proofs core --data DIR         have every batch proved by workers that come to port 7600
  glassbook dev --l1 http://127.0.0.1:8545 --operator-key NAME --data DIR    on another Ethereum node (such as anvil)

Every setting: `glassbook config init -`. Watch it: `glassbook top`.")]
    Dev(dev::Options),
    /// Make an exchange's data directory anew, from L1 and its published batches alone
    #[command(after_help = "\
Examples:
  glassbook recover --from-l1 DIR/l1 --exchange ADDRESS --published DIR/published --data new
  glassbook recover --from-l1 URL --exchange ADDRESS --published published --data new --to-batch 40")]
    Recover(dev::RecoverOptions),
    /// Your money on L1, without asking the operator: deposit, force operations, claim, freeze, escape
    #[command(subcommand)]
    L1(exits::L1Command),
    /// Prove what an owner has under the final state, and check such proofs
    #[command(subcommand)]
    Balance(exits::BalanceCommand),
    /// What an operator does on L1 by hand: pauses, taking committed batches back
    #[command(subcommand)]
    Operator(exits::OperatorCommand),
    /// Publish sealed batches as shards, sample them, get them back
    ///
    /// A batch becomes shards of which about two thirds give it back, under one commitment. Whoever has the commitment
    /// finds out by a few samples whether the data can be had, and whoever gets it back executes it again.
    #[command(subcommand)]
    Da(da::Command),
    /// Make the receipt of a command from its sealed batch, and check it
    ///
    /// A receipt proves what one command did: its outcome, its fills and fees, as a leaf of the batch's events root.
    #[command(after_help = "\
Example:
  glassbook receipt data/batches/000000000001.batch --sequence 7")]
    Receipt {
        /// The batch that holds the command
        batch: PathBuf,
        /// The command's sequence number
        #[arg(long)]
        sequence: u64,
    },
    /// Check a journal
    #[command(subcommand)]
    Journal(JournalCommand),
}

#[derive(Subcommand)]
enum BatchCommand {
    /// Print what a sealed batch claims
    Show {
        /// A file from the `batches` folder of a data directory
        batch: PathBuf,
    },
    /// Execute sealed batches again, from their own bytes alone, with every signature
    Verify {
        /// Files from the `batches` folder of a data directory, in order
        #[arg(required = true)]
        batches: Vec<PathBuf>,
    },
}

#[derive(Subcommand)]
enum JournalCommand {
    /// Check every frame, the hash chain and the segments; changes nothing
    Verify {
        /// The `journal` folder of a data directory
        journal: PathBuf,
    },
}

#[derive(Args)]
struct BenchOptions {
    /// A tenth of the operations: seconds instead of minutes
    #[arg(long)]
    quick: bool,
    /// Write the figures as JSON, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The workload's seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let command = help::grouped(Cli::command());
    let names: Vec<String> = command.get_subcommands().map(|of| of.get_name().to_string()).collect();
    let matches = command.try_get_matches().unwrap_or_else(|error| help::suggest(error, &names).exit());
    let ran = match Cli::from_arg_matches(&matches) {
        Ok(cli) => run(cli, &matches),
        Err(error) => error.exit(),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has enough: `glassbook ... | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) if error.is::<dev::Told>() => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("glassbook: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn run(cli: Cli, matches: &ArgMatches) -> anyhow::Result<()> {
    match cli.command {
        Command::Replay(options) => replay::run(&options),
        Command::Config(command) => config::run(&command),
        Command::Top(options) => top::run(&options),
        Command::Dev(mut options) => {
            let (loaded, file) = config::in_force(options.config.as_deref())?;
            if let Some(said) = matches.subcommand_matches("dev") {
                config::overlay(&mut options, said, loaded.settings)?;
            }
            (options.warnings, options.config) = (loaded.problems, file);
            dev::run(&options)
        }
        Command::Recover(options) => dev::recover(&options),
        Command::L1(command) => exits::l1(&command),
        Command::Balance(command) => exits::balance(&command),
        Command::Operator(command) => exits::operator(&command),
        Command::Da(command) => da::run(&command),
        Command::Simulate(options) => simulate::run(&options),
        Command::Bench(BenchOptions { quick, json, seed }) => {
            bench::run(&bench::Options { quick, json, seed })?;
            Ok(())
        }
        Command::Batch(BatchCommand::Show { batch }) => inspect::show(&batch),
        Command::Batch(BatchCommand::Verify { batches }) => inspect::verify(&batches),
        Command::Verify { proofs, keys } => prove::verify(&proofs, keys),
        Command::Prove(options) => prove::run(&options),
        Command::Receipt { batch, sequence } => inspect::receipt(&batch, sequence),
        Command::Journal(JournalCommand::Verify { journal }) => inspect::verify_journal(&journal),
    }
}
