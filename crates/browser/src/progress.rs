//! How far an operation has come: JavaScript has nothing to count with while it waits for the answer.

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "a function of the page that takes two numbers and gives nothing")]
mod page {
    #[link(wasm_import_module = "page")]
    unsafe extern "C" {
        pub safe fn progress(done: u32, total: u32);
    }
}

/// Tells the page. Outside of a browser there is nobody to tell.
pub(crate) fn tell(done: usize, total: usize) {
    let [done, total] = [done, total].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    #[cfg(target_arch = "wasm32")]
    page::progress(done, total);
    #[cfg(not(target_arch = "wasm32"))]
    let _ = (done, total);
}
