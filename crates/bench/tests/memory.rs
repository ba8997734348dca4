//! What the README says about memory. Alone in its program: others would disturb its resident memory.

use bench::measure_memory;

#[test]
fn a_resting_order_takes_at_most_150_bytes() {
    let figures = measure_memory(1_000_000).unwrap();
    assert!(figures.resident_per_order > 90.0, "an order's node alone takes more: {figures:?}");
    assert!(figures.resident_per_order <= 150.0, "{figures:?}");
}
