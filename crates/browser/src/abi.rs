//! What JavaScript calls.
//!
//! ```text
//! pointer = request(length)      room for a request's bytes, which JavaScript then writes there
//! length  = answer()             runs it; the answer is JSON
//! pointer = answer_at()          where the answer is, until the next call
//! ```
//!
//! Nothing here reads or writes through a pointer: the buffers are vectors, and JavaScript reaches them through the module's
//! memory. The one unsafe thing is that functions have names which the linker keeps.
//!
//! A broken invariant ends the instance, which wasm calls a trap; what it said is left where the answer would be
//! (`failure_at`, `failure_length`), and the page starts another instance.
#![allow(unsafe_code, reason = "names that the linker keeps")]

use std::cell::{Cell, RefCell};

thread_local! {
    static REQUEST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static FAILURE: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// Room for a request.
#[unsafe(no_mangle)]
extern "C" fn request(length: usize) -> *const u8 {
    REQUEST.with_borrow_mut(|request| {
        // The last one may have been a batch of some megabytes.
        *request = vec![0; length];
        request.as_mut_ptr()
    })
}

/// Runs the request, and gives the length of the answer.
#[unsafe(no_mangle)]
extern "C" fn answer() -> usize {
    std::panic::set_hook(Box::new(|info| {
        let text = info.to_string().into_bytes().leak();
        FAILURE.set((text.as_ptr() as usize, text.len()));
    }));
    let request = REQUEST.take();
    let text = crate::answer(&request).to_string().into_bytes();
    ANSWER.with_borrow_mut(|answer| {
        *answer = text;
        answer.len()
    })
}

/// Where the answer is.
#[unsafe(no_mangle)]
extern "C" fn answer_at() -> *const u8 {
    ANSWER.with_borrow(|answer| answer.as_ptr())
}

/// Where the last words before a trap are.
#[unsafe(no_mangle)]
extern "C" fn failure_at() -> usize {
    FAILURE.get().0
}

/// How long they are.
#[unsafe(no_mangle)]
extern "C" fn failure_length() -> usize {
    FAILURE.get().1
}
