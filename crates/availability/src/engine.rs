//! The library's engine, but for one thing: which shards are missing is the same for every stretch of a payload, so what
//! follows from it is computed once.

use std::cell::RefCell;

use reed_solomon_simd::engine::{DefaultEngine, Engine, GF_ORDER, GfElement, ShardsRefMut};

thread_local! {
    /// What was asked last, and the answer. The library asks a type, not a value, so there is nowhere else to keep it.
    static LAST: RefCell<Option<Evaluation>> = const { RefCell::new(None) };
}

struct Evaluation {
    erasures: Vec<GfElement>,
    truncated_size: usize,
    values: Vec<GfElement>,
}

/// [`DefaultEngine`] that remembers the last evaluation of its thread, 256 KiB, until it is dropped.
pub(crate) struct RememberingEngine(DefaultEngine);

impl RememberingEngine {
    pub fn new() -> Self {
        Self(DefaultEngine::new())
    }
}

impl Drop for RememberingEngine {
    fn drop(&mut self) {
        LAST.take();
    }
}

impl Engine for RememberingEngine {
    fn fft(
        &self,
        data: &mut ShardsRefMut<'_>,
        pos: usize,
        size: usize,
        truncated_size: usize,
        skew_delta: usize,
    ) {
        self.0.fft(data, pos, size, truncated_size, skew_delta);
    }

    fn ifft(
        &self,
        data: &mut ShardsRefMut<'_>,
        pos: usize,
        size: usize,
        truncated_size: usize,
        skew_delta: usize,
    ) {
        self.0.ifft(data, pos, size, truncated_size, skew_delta);
    }

    fn mul(&self, x: &mut [[u8; 64]], log_m: GfElement) {
        self.0.mul(x, log_m);
    }

    fn eval_poly(erasures: &mut [GfElement; GF_ORDER], truncated_size: usize) {
        LAST.with_borrow_mut(|last| {
            if let Some(known) = last
                && known.truncated_size == truncated_size
                && known.erasures[..] == erasures[..]
            {
                erasures.copy_from_slice(&known.values);
                return;
            }
            let asked = erasures.to_vec();
            DefaultEngine::eval_poly(erasures, truncated_size);
            *last = Some(Evaluation { erasures: asked, truncated_size, values: erasures.to_vec() });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_as_the_library_does_whatever_was_asked_before() {
        let engine = RememberingEngine::new();
        let erased = |step: usize| {
            let mut erasures = [0; GF_ORDER];
            (0..512).step_by(step).for_each(|at| erasures[at] = 1);
            erasures
        };
        for (step, size) in [(1, 512), (1, 512), (2, 512), (2, 384), (1, 512), (2, 512)] {
            let (mut ours, mut library) = (erased(step), erased(step));
            RememberingEngine::eval_poly(&mut ours, size);
            DefaultEngine::eval_poly(&mut library, size);
            assert_eq!(ours, library, "{step} {size}");
        }
        drop(engine);
        assert!(LAST.with_borrow(Option::is_none), "nothing is kept after the engine");
    }
}
