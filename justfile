# What can be done here: `just` lists it.
_list:
    @just --list --unsorted

# Replay the recorded day if its data is there, else a simulated one, and write report.html.
demo:
    if [ -f ../shared/data/amzn-2012-06-21-a.csv ]; then \
        cargo run --release -p glassbook -- replay ../shared/data/amzn-2012-06-21-a.csv; \
    else \
        cargo run --release -p glassbook -- simulate --commands 200000 --out flow.gbflow && \
        cargo run --release -p glassbook -- replay flow.gbflow; \
    fi

# All tests.
test:
    cargo nextest run --release --workspace

# The web page: build it, `--check` it against what is committed; `just page-test` tries it in a browser.
page *ARGS:
    web/build {{ARGS}}

# The page in Chromium, against the release binary.
page-test:
    cargo build --release -p glassbook
    web/e2e/run

# The polynomial commitments, which are a workspace of their own.
commitments:
    cargo nextest run --release --manifest-path crates/commitments/Cargo.toml --features kzg

# A real SP1 core proof, checked, and everything else refused: minutes, 9 GB of memory.
prove-test:
    cargo nextest run --release --workspace -E 'binary(core_proof)' --no-capture

# What CI runs.
ci:
    .ci/run

# All benchmarks: engines, pipeline, memory; with other people's engines beside ours.
bench *ARGS:
    cargo run --release -p glassbook --features peers -- bench {{ARGS}}

# Criterion's detailed benchmarks.
criterion:
    cargo bench -p bench -p state -p journal

# Guests' and browsers' builds.
no-std:
    .ci/no-std

# Rebuild the guest programs and their keys, byte for byte (needs nightly with rust-src).
guests:
    guests/build

# Compile the contracts; `--check` compares with the committed artifacts (needs node).
contracts *ARGS:
    contracts/build {{ARGS}}

# Coverage-guided fuzzing of a decoder (needs nightly and cargo-fuzz): targets are listed in fuzz/Cargo.toml.
fuzz TARGET *ARGS:
    cd fuzz && cargo +nightly run --release --example seeds && cargo +nightly fuzz run {{TARGET}} {{ARGS}}

# Licences, sources, advisories.
deny:
    cargo deny check

# The book, as HTML in docs/book (needs mdbook).
book:
    mdbook build docs

# Format everything.
fmt:
    cargo fmt --all
