//! Transactions: which batches go into one, what became of it, and whether it is sent again.

use crate::life::{Record, State, Submission};
use crate::ports::{Action, Fate, Fault, Sealed, Sent};
use crate::settlement::{Ports, Settlement, Stop};
use crate::store::Records;

impl<R: Records> Settlement<R> {
    /// Sends a transaction for this batch and those that follow it, or looks after the one that was sent: what became of it,
    /// and whether it is to be sent again.
    pub(crate) fn submit(
        &mut self,
        ports: &Ports<'_>,
        mut head: Record,
        action: Action,
        now: u64,
    ) -> Result<bool, Stop> {
        let number = head.batch.number;
        let sent = head.sent.get(&action).cloned();
        let fate = match &sent {
            None => None,
            Some(submission) => match ports.chain.fate(&submission.sent) {
                Ok(fate) => Some(fate),
                Err(fault) => return self.hold(head, &fault, now),
            },
        };
        let earlier = match (sent, fate) {
            (Some(submission), Some(Fate::Open)) => {
                let waits = now.saturating_sub(submission.at) < self.policy.replace_after;
                // One that began with an earlier batch can no longer be carried out, unless it is a proof.
                if waits && (submission.first == number || action == Action::Prove) {
                    return Ok(false);
                }
                head.retries += 1;
                Some(submission.sent)
            }
            // The contract's word comes with the next block. When it does not, a reorg or the operator has undone it.
            (Some(_), Some(Fate::Done { .. })) if head.refusals == 0 => {
                head.refusals = 1;
                let fault = Fault::Passing(
                    "the transaction was carried out, the contract does not show it".to_string(),
                );
                return self.hold(head, &fault, now);
            }
            (Some(submission), Some(Fate::Refused { why })) => {
                head.sent.remove(&action);
                if submission.first == number {
                    head.refusals += 1;
                    let fault = self.refused(&why, head.refusals);
                    return self.hold(head, &fault, now);
                }
                None
            }
            _ => None,
        };
        let mut proved = Vec::new();
        if action == Action::Prove {
            let Some((first, _)) = head.proof.filter(|proof| covers(*proof, number)) else {
                return self.look_for_another_proof(ports, head, now);
            };
            // Somebody may have proved the first of the proof's batches meanwhile: their claims are a part of it all the same.
            for number in first..number {
                match ports.source.sealed(number) {
                    Ok(Some(batch)) => proved.push(batch),
                    Ok(None) => {
                        let fault = Fault::Passing(format!("batch {number} is not there"));
                        return self.hold(head, &fault, now);
                    }
                    Err(fault) => return self.hold(head, &fault, now),
                }
            }
        }
        let mut group = self.group(&head, action, self.on_chain(now));
        if group.is_empty() {
            return Ok(false);
        }
        group[0] = head;
        // A proof is of all its batches.
        if action != Action::Prove {
            let batches: Vec<_> = group.iter().map(|record| record.batch.clone()).collect();
            match ports.chain.room(action, &batches) {
                Ok(room) => group.truncate(room.max(1)),
                Err(fault) => return self.hold(group.swap_remove(0), &fault, now),
            }
        }
        self.send(ports, proved, group, action, earlier, now)
    }

    /// The batches that go into one transaction with this one, which is the first.
    fn group(&self, head: &Record, action: Action, now: u64) -> Vec<Record> {
        let number = head.batch.number;
        let ready = |record: &&Record| match action {
            Action::Commit => matches!(record.state, State::Published | State::Committing),
            Action::Prove => matches!(record.state, State::Proved | State::Submitted),
            Action::Finalise => {
                matches!(record.state, State::Confirmed | State::Finalising)
                    && record.final_from.is_some_and(|from| from <= now)
                    && !record.blocks.contains_key(&Action::Finalise)
            }
        };
        let most = match action {
            Action::Commit | Action::Finalise => self.policy.group.max(1) as u64,
            Action::Prove => head.proof.map_or(0, |(_, last)| last.saturating_sub(number).saturating_add(1)),
        };
        let end = number.saturating_add(most);
        let group: Vec<Record> =
            (number..end).map_while(|number| self.open.get(&number)).take_while(ready).cloned().collect();
        // A proof is sent once all its batches can take it.
        if action == Action::Prove && (group.len() as u64) < most { Vec::new() } else { group }
    }

    /// Sends a transaction for a group of batches; before them come those of its proof that the chain has proved.
    fn send(
        &mut self,
        ports: &Ports<'_>,
        proved: Vec<Sealed>,
        mut group: Vec<Record>,
        action: Action,
        earlier: Option<Sent>,
        now: u64,
    ) -> Result<bool, Stop> {
        let state = match action {
            Action::Commit => State::Committing,
            Action::Prove => State::Submitted,
            Action::Finalise => State::Finalising,
        };
        for record in &mut group {
            if record.state != state {
                record.enter(state.clone(), now);
            }
        }
        // It is written each time, so that a full disk is noticed before anything is signed.
        self.write(group.clone(), now)?;
        let (first, last) = (group[0].batch.number, group[group.len() - 1].batch.number);
        let batches: Vec<_> =
            proved.into_iter().chain(group.iter().map(|record| record.batch.clone())).collect();
        let with = |sent: &Sent| -> Vec<Record> {
            let submission = Submission { sent: sent.clone(), at: now, first, last };
            let mut records = group.clone();
            for record in &mut records {
                record.sent.insert(action, submission.clone());
                record.trouble = None;
            }
            records
        };
        // Whoever starts here after a crash follows what was signed, whether or not it was sent.
        let (mut noted, mut failed) = (None, None);
        let result = ports.chain.send(action, &batches, earlier.as_ref(), &mut |sent| {
            self.write(with(sent), now).map_err(|error| {
                let fault = Fault::Passing(error.to_string());
                failed = Some(error);
                fault
            })?;
            noted = Some(sent.clone());
            Ok(())
        });
        if let Some(error) = failed {
            return Err(error.into());
        }
        match result {
            Ok(sent) => {
                if noted.as_ref() != Some(&sent) {
                    self.write(with(&sent), now)?;
                }
                Ok(true)
            }
            Err(fault) => {
                // What was written down was not sent.
                if noted.is_some() {
                    self.write(group[1..].to_vec(), now)?;
                }
                self.hold(group.swap_remove(0), &fault, now)
            }
        }
    }

    /// The proof that was there does not cover the batch.
    fn look_for_another_proof(
        &mut self,
        ports: &Ports<'_>,
        mut record: Record,
        now: u64,
    ) -> Result<bool, Stop> {
        let number = record.batch.number;
        let proof = ports.prover.ask(&record.batch).and_then(|()| ports.prover.proof(&record.batch));
        match proof {
            Ok(Some((first, last))) if covers((first, last), number) => {
                record.proof = Some((first, last));
                self.write(vec![record], now)?;
                Ok(true)
            }
            Ok(None) => Ok(false),
            Ok(Some((first, last))) => {
                record.refusals += 1;
                let why = format!("the proof is of batches {first} to {last}, without this one");
                let fault = self.refused(&why, record.refusals);
                self.hold(record, &fault, now)
            }
            Err(fault) => self.hold(record, &fault, now),
        }
    }

    /// What is refused again and again does not pass by itself.
    fn refused(&self, why: &str, times: u32) -> Fault {
        if times < self.policy.refusals {
            return Fault::Passing(format!("refused: {why}"));
        }
        Fault::Lasting {
            why: format!("refused {times} times: {why}"),
            remedy: "mend what the reason names".to_string(),
        }
    }
}

fn covers((first, last): (u64, u64), number: u64) -> bool {
    (first..=last).contains(&number)
}
