// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// One way of showing that claims are true.
interface IBatchVerifier {
    /// What is shown to the chain, as a short ASCII string. `attested` and `sp1-groth16` are examples. Every event about
    /// a proof carries it.
    function kind() external view returns (bytes32);

    /// Returns when the proof holds and reverts otherwise.
    /// @param programId The program that was proved, in the proof system's own form.
    /// @param publicValues The concatenated ABI encodings of the claims.
    /// @param proof In the verifier's own form.
    function verify(bytes32 programId, bytes calldata publicValues, bytes calldata proof) external view;
}
