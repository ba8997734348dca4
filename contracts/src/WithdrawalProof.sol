// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// Money on its way out, as `transition::Withdrawal`: `abi.encode` of it is a leaf's preimage.
struct Withdrawal {
    /// Counts all withdrawals of the exchange.
    uint64 index;
    /// Who is paid.
    address owner;
    uint16 asset;
    /// Quanta.
    uint64 amount;
}

/// A withdrawals root: checked against a path, or made from all its leaves.
library WithdrawalProof {
    uint256 private constant MAX_DEPTH = 64;

    /// Whether a path leads from the withdrawal, at this place in its batch, to the root. A leaf hashes 128 bytes and a node
    /// 64, so neither passes for the other.
    function leads(Withdrawal calldata withdrawal, uint64 place, bytes32[] calldata siblings, bytes32 root)
        internal
        pure
        returns (bool)
    {
        if (siblings.length > MAX_DEPTH || uint256(place) >> siblings.length != 0) return false;
        bytes32 node = keccak256(abi.encode(withdrawal));
        for (uint256 level = 0; level < siblings.length; ++level) {
            bytes32 sibling = siblings[level];
            node = (place >> level) & 1 == 0 ? _node(node, sibling) : _node(sibling, node);
        }
        return node == root;
    }

    /// The root over a batch's withdrawals, as `transition::WithdrawalTree`: zero over none, and zero for an absent sibling.
    function rootOf(Withdrawal[] calldata withdrawals) internal pure returns (bytes32) {
        uint256 width = withdrawals.length;
        if (width == 0) return 0;
        bytes32[] memory nodes = new bytes32[](width);
        assembly ("memory-safe") {
            // A withdrawal in a call is its `abi.encode`; one with dirty bits leads to another root. Each is hashed beyond
            // the nodes, in memory that nobody has.
            let free := mload(0x40)
            let leaf := withdrawals.offset
            let end := add(nodes, mul(0x20, add(width, 1)))
            for { let place := add(nodes, 0x20) } lt(place, end) { place := add(place, 0x20) } {
                calldatacopy(free, leaf, 0x80)
                mstore(place, keccak256(free, 0x80))
                leaf := add(leaf, 0x80)
            }
        }
        while (width > 1) {
            uint256 above = (width + 1) / 2;
            for (uint256 place = 0; place < above; ++place) {
                bytes32 right = 2 * place + 1 < width ? nodes[2 * place + 1] : bytes32(0);
                nodes[place] = _node(nodes[2 * place], right);
            }
            width = above;
        }
        return nodes[0];
    }

    function _node(bytes32 left, bytes32 right) private pure returns (bytes32 node) {
        assembly ("memory-safe") {
            mstore(0x00, left)
            mstore(0x20, right)
            node := keccak256(0x00, 0x40)
        }
    }
}
