// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// Checks a balance under a state root: `state::verify` for a balance that is present, read from the one encoding of a
/// proof.
///
/// ```text
/// slot (4) | length (4) | free head (4) | key (16) | next (16) | value length (2) | free (8) | locked (8) | 32 siblings
/// ```
library StateProof {
    uint256 private constant VALUE = 46;
    uint256 private constant SIBLINGS = VALUE + 16;
    uint256 private constant DEPTH = 32;
    uint256 private constant BYTES = SIBLINGS + 32 * DEPTH;

    /// The proof is not one of a balance.
    error BadProofLength(uint256 length);
    /// The proof is of another key.
    error WrongKey(uint128 expected, uint128 found);
    /// The entry's successor is not beyond it, or its slot is not used: no tree has such an entry.
    error MalformedEntry();
    /// The path does not lead to the state root.
    error WrongStateRoot(bytes32 expected, bytes32 found);

    /// What an account has of an asset, or a revert.
    function balance(bytes32 root, uint32 account, uint16 asset, bytes calldata proof)
        internal
        view
        returns (uint64 free, uint64 locked)
    {
        if (proof.length != BYTES || bytes2(proof[44:46]) != bytes2(uint16(16))) revert BadProofLength(proof.length);
        uint32 slot = uint32(bytes4(proof[0:4]));
        uint128 key = uint128(bytes16(proof[12:28]));
        uint128 wanted = (uint128(0x07) << 120) | (uint128(account) << 16) | asset;
        if (key != wanted) revert WrongKey(wanted, key);
        if (uint128(bytes16(proof[28:44])) <= key || slot >= uint32(bytes4(proof[4:8]))) revert MalformedEntry();

        bytes32 digest = sha256(abi.encodePacked(bytes1(0x00), proof[12:44], proof[VALUE:SIBLINGS]));
        for (uint256 height = 0; height < DEPTH; ++height) {
            bytes32 sibling = bytes32(proof[SIBLINGS + 32 * height:]);
            digest = _node((slot >> height) & 1 == 0, digest, sibling);
        }
        bytes32 found = sha256(abi.encodePacked(bytes1(0x03), digest, proof[4:12]));
        if (found != root) revert WrongStateRoot(root, found);
        return (uint64(bytes8(proof[VALUE:])), uint64(bytes8(proof[VALUE + 8:])));
    }

    /// SHA-256 of two children, in scratch space: `sha256(abi.encodePacked(..))` would allocate at every level.
    function _node(bool isLeft, bytes32 digest, bytes32 sibling) private view returns (bytes32 node) {
        bool done;
        assembly ("memory-safe") {
            switch isLeft
            case 0 {
                mstore(0x00, sibling)
                mstore(0x20, digest)
            }
            default {
                mstore(0x00, digest)
                mstore(0x20, sibling)
            }
            done := staticcall(gas(), 0x02, 0x00, 0x40, 0x00, 0x20)
            node := mload(0x00)
        }
        // The precompile fails only without gas.
        assert(done);
    }
}
