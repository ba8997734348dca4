// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBatchVerifier} from "../IBatchVerifier.sol";

/// Checks Groth16 proofs over BN254 (Groth, EUROCRYPT 2016; precompiles of EIP-196 and EIP-197) for any circuit.
///
/// The key is the code of a contract of its own, which is an eighth of the price of storage to read:
/// `alpha (G1) | beta | gamma | delta (G2) | a G1 point for one and for each input`. Coordinates are 32 bytes, big-endian; in
/// G2 the imaginary part comes first, as in EIP-197.
///
/// As a batch verifier the circuit has two inputs: the program id, and the SHA-256 of the claims without its upper three bits.
contract Groth16Verifier is IBatchVerifier {
    /// The order of the base field.
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    /// The order of the scalar field.
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    uint256 private constant DIGEST_MASK = (1 << 253) - 1;

    uint256 private constant PROOF_BYTES = 256;
    /// Before the points for one and for the inputs.
    uint256 private constant KEY_HEAD = 448;
    uint256 private constant MAX_INPUTS = 64;

    /// Holds the key behind one zero byte, so that it cannot be called.
    address public immutable key;
    /// How many inputs the circuit has.
    uint256 public immutable inputCount;
    /// @inheritdoc IBatchVerifier
    bytes32 public constant kind = "groth16";

    /// The key is not a whole number of points, or of too many.
    error BadKeyLength(uint256 length);
    /// A point of the key is not in its group.
    error BadKeyPoint();
    /// The data contract was not created.
    error NoKeyContract();
    /// The circuit has another number of inputs.
    error WrongInputCount(uint256 expected, uint256 found);
    /// An input is not below the order of the scalar field.
    error InputOutOfRange(uint256 index, uint256 value);
    /// A proof is 256 bytes: A (G1), B (G2), C (G1).
    error BadProofLength(uint256 length);
    /// The proof does not hold, or a point of it is not in its group.
    error InvalidProof();

    constructor(bytes memory verifyingKey) {
        uint256 length = verifyingKey.length;
        if (length < KEY_HEAD + 64 || (length - KEY_HEAD) % 64 != 0 || length > KEY_HEAD + 64 * (MAX_INPUTS + 1)) {
            revert BadKeyLength(length);
        }
        inputCount = (length - KEY_HEAD) / 64 - 1;
        _checkKey(verifyingKey);
        // Copies what follows these eleven bytes.
        bytes memory code = abi.encodePacked(hex"600b5981380380925939f3", hex"00", verifyingKey);
        address created;
        assembly ("memory-safe") {
            created := create(0, add(code, 32), mload(code))
        }
        if (created == address(0)) revert NoKeyContract();
        key = created;
    }

    /// @inheritdoc IBatchVerifier
    function verify(bytes32 programId, bytes calldata publicValues, bytes calldata proof) external view {
        uint256[] memory inputs = new uint256[](2);
        inputs[0] = uint256(programId);
        inputs[1] = uint256(sha256(publicValues)) & DIGEST_MASK;
        _verify(inputs, proof);
    }

    /// Returns when the proof holds for these inputs and reverts otherwise.
    function verifyProof(uint256[] calldata inputs, bytes calldata proof) external view {
        _verify(inputs, proof);
    }

    /// `e(-A, B) e(alpha, beta) e(L, gamma) e(C, delta) = 1`, where L is the point for one and the inputs times theirs.
    function _verify(uint256[] memory inputs, bytes calldata proof) private view {
        uint256 count = inputCount;
        if (inputs.length != count) revert WrongInputCount(count, inputs.length);
        if (proof.length != PROOF_BYTES) revert BadProofLength(proof.length);
        for (uint256 index = 0; index < count; ++index) {
            if (inputs[index] >= R) revert InputOutOfRange(index, inputs[index]);
        }
        address source = key;
        bool holds;
        // Free memory: 768 bytes of pairing input, 96 for a product, then the points for one and the inputs.
        assembly ("memory-safe") {
            let pairs := mload(0x40)
            let product := add(pairs, 768)
            let points := add(product, 128)
            let sum := add(pairs, 384)

            calldatacopy(pairs, proof.offset, 192)
            extcodecopy(source, add(pairs, 192), 1, 192)
            extcodecopy(source, add(pairs, 448), 193, 128)
            calldatacopy(add(pairs, 576), add(proof.offset, 192), 64)
            extcodecopy(source, add(pairs, 640), 321, 128)
            extcodecopy(source, points, 449, mul(64, add(count, 1)))

            // -A. The precompile refuses coordinates of P and more; a y of that size would wrap here, so it is refused.
            let y := mload(add(pairs, 32))
            let done := lt(y, P)
            mstore(add(pairs, 32), mod(sub(P, y), P))

            mcopy(sum, points, 64)
            for { let index := 0 } lt(index, count) { index := add(index, 1) } {
                points := add(points, 64)
                mcopy(product, points, 64)
                mstore(add(product, 64), mload(add(add(inputs, 32), mul(32, index))))
                // The product goes beside a copy of the sum, which add replaces.
                done := and(done, staticcall(gas(), 0x07, product, 96, product, 64))
                mcopy(add(product, 64), sum, 64)
                done := and(done, staticcall(gas(), 0x06, product, 128, sum, 64))
            }
            done := and(done, staticcall(gas(), 0x08, pairs, 768, 0x00, 32))
            holds := and(done, eq(mload(0x00), 1))
        }
        if (!holds) revert InvalidProof();
    }

    /// Every point must be in its group; the precompiles tell. A precompile that refuses its input burns all its gas, so it
    /// gets little more than it takes (79,000 and 150).
    function _checkKey(bytes memory verifyingKey) private view {
        uint256 points = inputCount + 1;
        bool good;
        assembly ("memory-safe") {
            let start := add(verifyingKey, 32)
            let scratch := mload(0x40)
            good := 1
            // G2 points, each paired with alpha.
            for { let index := 0 } lt(index, 3) { index := add(index, 1) } {
                mcopy(scratch, start, 64)
                mcopy(add(scratch, 64), add(add(start, 64), mul(128, index)), 128)
                good := and(good, staticcall(120000, 0x08, scratch, 192, scratch, 32))
            }
            // G1 points, each added to zero.
            for { let index := 0 } lt(index, points) { index := add(index, 1) } {
                mcopy(scratch, add(add(start, 448), mul(64, index)), 64)
                mstore(add(scratch, 64), 0)
                mstore(add(scratch, 96), 0)
                good := and(good, staticcall(1000, 0x06, scratch, 128, scratch, 64))
            }
        }
        if (!good) revert BadKeyPoint();
    }
}
