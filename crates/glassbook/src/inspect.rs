//! Looking into what an exchange wrote: sealed batches, receipts, the journal.

use std::path::Path;

use anyhow::{Context, Result, bail};
use exchange::SealedBatch;
use state::{PartialTree, Sha256Hash, Witness};
use transition::{Claim, EventsLog, Native, Receipt, execute_batch};

/// Prints what a sealed batch claims.
pub fn show(path: &Path) -> Result<()> {
    let batch = SealedBatch::read(path)?;
    print_claim(&batch.claim);
    let input = &batch.input;
    println!("  published commands  {} bytes", input.commands.len());
    println!("  witness             {} bytes", input.witness.len());
    println!(
        "  signatures          {} streams, {} owners",
        input.authorisation.streams.len(),
        input.authorisation.owners.len()
    );
    println!("\nNothing was checked yet: `glassbook batch verify {}` executes it again.", path.display());
    Ok(())
}

/// Executes sealed batches again, with every signature, and checks that each follows the one before.
pub fn verify(paths: &[std::path::PathBuf]) -> Result<()> {
    let mut previous: Option<Claim> = None;
    for path in paths {
        let batch = SealedBatch::read(path).with_context(|| path.display().to_string())?;
        let start = std::time::Instant::now();
        batch.verify().with_context(|| path.display().to_string())?;
        let claim = &batch.claim;
        if let Some(before) = &previous
            && before.batch + 1 == claim.batch
            && (before.state_root != claim.previous_root || before.last_sequence + 1 != claim.first_sequence)
        {
            bail!("{} does not follow batch {}", path.display(), before.batch);
        }
        println!(
            "batch {:>6}  commands {:>10} to {:<10}  state root {}  executed again in {:.1} ms: true",
            claim.batch,
            claim.first_sequence,
            claim.last_sequence,
            hex::encode(claim.state_root),
            start.elapsed().as_secs_f64() * 1e3
        );
        previous = Some(batch.claim);
    }
    println!("\nChecked by execution, without a proof: you repeated everything that the operator did.");
    Ok(())
}

/// Makes the receipt of a command from its sealed batch, and checks it against the claim.
pub fn receipt(path: &Path, sequence: u64) -> Result<()> {
    let batch = SealedBatch::read(path)?;
    let claim = &batch.claim;
    if !(claim.first_sequence..=claim.last_sequence).contains(&sequence) {
        bail!(
            "batch {} holds the commands {} to {}; command {sequence} is in another batch",
            claim.batch,
            claim.first_sequence,
            claim.last_sequence
        );
    }
    let witness = Witness::decode(&batch.input.witness, batch.input.witness.len())?;
    let mut tree = PartialTree::<Sha256Hash>::from_witness(witness)?;
    tree.verify(batch.input.previous_root)?;
    let output = execute_batch::<_, Native>(
        &mut tree,
        &batch.input.commands,
        Some(&batch.input.authorisation),
        EventsLog::with_contents(),
        &mut (),
    )?;
    if output.claim != *claim {
        bail!("the batch executes to another claim than it states");
    }
    let place = sequence - claim.first_sequence;
    let receipts = output.events.receipts::<Sha256Hash>(claim.first_sequence, &[place]);
    let receipt: &Receipt = receipts.first().context("the command has no receipt")?;
    let (outcome, events) = receipt.verify::<Sha256Hash>(claim)?;
    println!("receipt of command {sequence}, batch {}", claim.batch);
    println!("  events root  {}", hex::encode(claim.events_root));
    println!("  outcome      {outcome:?}");
    for event in &events {
        println!("  event        {event:?}");
    }
    println!("  leaf         {}", hex::encode(&receipt.content));
    for (level, sibling) in receipt.path.siblings.iter().enumerate() {
        println!("  sibling {level:>2}   {}", hex::encode(sibling));
    }
    println!("The path leads from the leaf to the events root: checked.");
    Ok(())
}

/// Checks a whole journal: every frame, the hash chain, the segments.
pub fn verify_journal(dir: &Path) -> Result<()> {
    let reader = journal::Reader::open(dir)?;
    let verified = reader.verify()?;
    println!("journal {}", dir.display());
    println!("  records    {} to {}", verified.oldest_index, verified.next_index);
    println!("  frames     {} in {} segments", verified.frames, verified.segments);
    println!("  chain hash {}", hex::encode(verified.chain_hash));
    if let Some(torn) = &verified.torn {
        println!(
            "  the last frame is torn at byte {} of {}: never acknowledged, dropped at the next start",
            torn.offset,
            torn.file.display()
        );
    }
    if verified.unsynced_frames > 0 {
        println!("  {} frames were written WITHOUT fsync", verified.unsynced_frames);
    }
    println!("Every record is whole and in its place.");
    Ok(())
}

fn print_claim(claim: &Claim) {
    println!("batch {}", claim.batch);
    println!("  exchange            {} on chain {}", claim.exchange, claim.chain_id);
    println!("  commands            {} to {}", claim.first_sequence, claim.last_sequence);
    println!("  time of the last    {} µs since 1970", claim.timestamp);
    println!("  state root before   {}", hex::encode(claim.previous_root));
    println!("  state root after    {}", hex::encode(claim.state_root));
    println!("  commands root       {}", hex::encode(claim.commands_root));
    println!("  events root         {}", hex::encode(claim.events_root));
    println!("  L1 queue            {} entries, hash {}", claim.l1_position, hex::encode(claim.l1_hash));
    println!("  withdrawals root    {}", hex::encode(claim.withdrawals_root));
}
