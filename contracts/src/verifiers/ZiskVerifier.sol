// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBatchVerifier} from "../IBatchVerifier.sol";

/// The interface of the verifier contract that comes with ZisK's proving key.
interface IZiskSnarkVerifier {
    function verifySnarkProof(
        bytes32 programVK,
        bytes32 rootCVadcopFinal,
        bytes calldata publicValues,
        bytes calldata proofBytes
    ) external view;
}

/// Checks ZisK proofs. The program id is the root of the program's ROM.
///
/// A ZisK program has 64 outputs of 32 bits. Ours gives the SHA-256 of the claims in the first eight and zeros in the rest:
/// 256 bytes. ZisK's verifier takes each output as eight bytes, little-endian, so the digest's bytes come in fours with four
/// zeros after each.
contract ZiskVerifier is IBatchVerifier {
    uint256 private constant OUTPUTS = 64;
    uint256 private constant DIGEST_OUTPUTS = 8;

    IZiskSnarkVerifier public immutable snarkVerifier;
    /// ZisK's release, as the root of its last recursion circuit.
    bytes32 public immutable releaseRoot;
    /// The hash of the code there.
    bytes32 public immutable codeHash;
    /// @inheritdoc IBatchVerifier
    bytes32 public constant kind = "zisk-plonk";

    /// There is no code at the verifier's address.
    error NoSnarkVerifier(address snarkVerifier);
    /// What is at the address accepts an empty proof: it is no verifier.
    error AcceptsAnything(address snarkVerifier);
    /// The code at the address is not what it was at the deployment.
    error CodeChanged(bytes32 expected, bytes32 found);

    constructor(IZiskSnarkVerifier snarkVerifier_, bytes32 releaseRoot_) {
        if (address(snarkVerifier_).code.length == 0) revert NoSnarkVerifier(address(snarkVerifier_));
        try snarkVerifier_.verifySnarkProof(0, releaseRoot_, "", "") {
            revert AcceptsAnything(address(snarkVerifier_));
        } catch {}
        codeHash = address(snarkVerifier_).codehash;
        snarkVerifier = snarkVerifier_;
        releaseRoot = releaseRoot_;
    }

    /// @inheritdoc IBatchVerifier
    function verify(bytes32 programId, bytes calldata publicValues, bytes calldata proof) external view {
        bytes32 code = address(snarkVerifier).codehash;
        if (code != codeHash) revert CodeChanged(codeHash, code);
        snarkVerifier.verifySnarkProof(programId, releaseRoot, publicOutput(publicValues), proof);
    }

    /// What the program gives for these claims, as ZisK's verifier reads it.
    function publicOutput(bytes calldata publicValues) public pure returns (bytes memory output) {
        bytes32 digest = sha256(publicValues);
        output = new bytes(OUTPUTS * 8);
        for (uint256 place = 0; place < DIGEST_OUTPUTS * 4; ++place) {
            output[(place / 4) * 8 + (place % 4)] = digest[place];
        }
    }
}
