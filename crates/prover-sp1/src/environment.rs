//! SP1's settings of memory and parallelism, which its prover takes from environment variables alone.

use std::env;

/// Shards of a third of the usual area, which keep a core proof below 16 GiB; one shard at a time and small buffers in the SDK's
/// client, which makes all other proofs and whose memory grows with the execution. `docs` has what was measured, and the
/// table for other machines.
pub const DEFAULTS: &[(&str, &str)] = &[
    ("ELEMENT_THRESHOLD", "134217728"),
    ("MINIMAL_TRACE_CHUNK_THRESHOLD", "4194304"),
    ("TRACE_CHUNK_SLOTS", "2"),
    ("SP1_WORKER_NUM_SPLICING_WORKERS", "1"),
    ("SP1_WORKER_SPLICING_BUFFER_SIZE", "1"),
    ("SP1_WORKER_NUMBER_OF_SEND_SPLICE_WORKERS_PER_SPLICE", "1"),
    ("SP1_WORKER_SEND_SPLICE_INPUT_BUFFER_SIZE_PER_SPLICE", "1"),
    ("SP1_WORKER_GLOBAL_MEMORY_BUFFER_SIZE", "1"),
    ("SP1_WORKER_NUM_CORE_WORKERS", "1"),
    ("SP1_WORKER_CORE_BUFFER_SIZE", "1"),
    ("SP1_WORKER_NUM_SETUP_WORKERS", "1"),
    ("SP1_WORKER_SETUP_BUFFER_SIZE", "1"),
    ("SP1_WORKER_NUM_PREPARE_REDUCE_WORKERS", "1"),
    ("SP1_WORKER_PREPARE_REDUCE_BUFFER_SIZE", "1"),
    ("SP1_WORKER_NUM_RECURSION_EXECUTOR_WORKERS", "1"),
    ("SP1_WORKER_RECURSION_EXECUTOR_BUFFER_SIZE", "1"),
    ("SP1_WORKER_NUM_RECURSION_PROVER_WORKERS", "1"),
    ("SP1_WORKER_RECURSION_PROVER_BUFFER_SIZE", "1"),
    ("SP1_WORKER_NUM_DEFERRED_WORKERS", "1"),
    ("SP1_WORKER_DEFERRED_BUFFER_SIZE", "1"),
];

/// Sets the [`DEFAULTS`] that are not set yet. Call it first thing in `main`, before there is any other thread.
#[expect(unsafe_code, reason = "the environment is the only way to these settings")]
pub fn set_defaults() {
    for (name, value) in DEFAULTS {
        if env::var_os(name).is_none() {
            // SAFETY: by the contract above no other thread reads or writes the environment now.
            unsafe { env::set_var(name, value) };
        }
    }
}
