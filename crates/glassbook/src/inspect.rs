//! Looking into what an exchange wrote: sealed batches, receipts, the journal.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context, Result, bail};
use state::{PartialTree, Sha256Hash, Witness};
use transition::{Claim, EventsLog, Native, Receipt, SealedBatch, execute_batch};

/// Prints what a sealed batch claims.
pub fn show(path: &Path) -> Result<()> {
    let mut out = io::stdout().lock();
    let batch = SealedBatch::read(path)?;
    print_claim(&mut out, &batch.claim)?;
    let input = &batch.input;
    writeln!(out, "  published commands  {} bytes", input.commands.len())?;
    writeln!(out, "  witness             {} bytes", input.witness.len())?;
    writeln!(
        out,
        "  signatures          {} streams, {} owners",
        input.authorisation.streams.len(),
        input.authorisation.owners.len()
    )?;
    writeln!(
        out,
        "\nNothing was checked yet: `glassbook batch verify {}` executes it again.",
        path.display()
    )?;
    Ok(())
}

/// Executes sealed batches again, with every signature, and checks that each follows the one before.
pub fn verify(paths: &[std::path::PathBuf]) -> Result<()> {
    let mut out = io::stdout().lock();
    let mut previous: Option<Claim> = None;
    for path in paths {
        let batch = SealedBatch::read(path).with_context(|| path.display().to_string())?;
        let start = std::time::Instant::now();
        batch.verify().with_context(|| path.display().to_string())?;
        let claim = &batch.claim;
        if let Some(before) = &previous
            && !claim.follows(before)
        {
            bail!("{} (batch {}) does not follow batch {}", path.display(), claim.batch, before.batch);
        }
        writeln!(
            out,
            "batch {:>6}  commands {:>10} to {:<10}  state root {}  executed again in {:.1} ms: true",
            claim.batch,
            claim.first_sequence,
            claim.last_sequence,
            hex::encode(claim.state_root),
            start.elapsed().as_secs_f64() * 1e3
        )?;
        previous = Some(batch.claim);
    }
    writeln!(out, "\nChecked by execution, without a proof: you repeated everything that the operator did.")?;
    Ok(())
}

/// Makes the receipt of a command from its sealed batch, and checks it against the claim.
pub fn receipt(path: &Path, sequence: u64) -> Result<()> {
    let mut out = io::stdout().lock();
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
    writeln!(out, "receipt of command {sequence}, batch {}", claim.batch)?;
    writeln!(out, "  events root  {}", hex::encode(claim.events_root))?;
    writeln!(out, "  outcome      {outcome:?}")?;
    for event in &events {
        writeln!(out, "  event        {event:?}")?;
    }
    writeln!(out, "  content      {}", hex::encode(&receipt.content))?;
    for (level, sibling) in receipt.path.siblings.iter().enumerate() {
        writeln!(out, "  sibling {level:>2}   {}", hex::encode(sibling))?;
    }
    writeln!(out, "The path leads from the leaf, H(04 | sequence | content), to the events root: checked.")?;
    Ok(())
}

/// Checks a whole journal: every frame, the hash chain, the segments.
pub fn verify_journal(dir: &Path) -> Result<()> {
    let mut out = io::stdout().lock();
    let reader = journal::Reader::open(dir)?;
    let verified = reader.verify()?;
    writeln!(out, "journal {}", dir.display())?;
    let count = verified.next_index - verified.oldest_index;
    writeln!(out, "  records    {count}, the first is number {}", verified.oldest_index)?;
    writeln!(out, "  frames     {} in {} segments", verified.frames, verified.segments)?;
    writeln!(out, "  chain hash {}", hex::encode(verified.chain_hash))?;
    if let Some(torn) = &verified.torn {
        writeln!(
            out,
            "  the last frame is torn at byte {} of {}: never acknowledged, dropped at the next start",
            torn.offset,
            torn.file.display()
        )?;
    }
    if verified.unsynced_frames > 0 {
        writeln!(out, "  {} frames were written WITHOUT fsync", verified.unsynced_frames)?;
    }
    writeln!(out, "Every record is whole and in its place.")?;
    Ok(())
}

fn print_claim(out: &mut impl io::Write, claim: &Claim) -> io::Result<()> {
    writeln!(out, "batch {}", claim.batch)?;
    writeln!(out, "  exchange            {} on chain {}", claim.exchange, claim.chain_id)?;
    writeln!(out, "  commands            {} to {}", claim.first_sequence, claim.last_sequence)?;
    writeln!(out, "  time of the last    {} µs since 1970", claim.timestamp)?;
    writeln!(out, "  state root before   {}", hex::encode(claim.previous_root))?;
    writeln!(out, "  state root after    {}", hex::encode(claim.state_root))?;
    writeln!(out, "  commands root       {}", hex::encode(claim.commands_root))?;
    writeln!(out, "  events root         {}", hex::encode(claim.events_root))?;
    writeln!(
        out,
        "  L1 queue            {} entries, hash {}",
        claim.l1_position,
        hex::encode(claim.l1_hash)
    )?;
    writeln!(out, "  withdrawals root    {}", hex::encode(claim.withdrawals_root))
}
