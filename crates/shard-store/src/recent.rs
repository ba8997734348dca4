//! The heads that were read last.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Head;

/// So many heads, each of at most half a megabyte with its tree.
const KEPT: usize = 32;

/// Some heads, the most recently used last.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<VecDeque<Arc<Head>>>);

impl Recent {
    pub fn get(&self, number: u64) -> Option<Arc<Head>> {
        let mut heads = self.heads();
        let at = heads.iter().position(|head| head.record.number == number)?;
        let head = heads.remove(at)?;
        heads.push_back(Arc::clone(&head));
        Some(head)
    }

    pub fn put(&self, head: &Arc<Head>) {
        self.forget(head.record.number);
        let mut heads = self.heads();
        if heads.len() == KEPT {
            heads.pop_front();
        }
        heads.push_back(Arc::clone(head));
    }

    pub fn forget(&self, number: u64) {
        self.heads().retain(|head| head.record.number != number);
    }

    fn heads(&self) -> MutexGuard<'_, VecDeque<Arc<Head>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
