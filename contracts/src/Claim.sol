// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// What a proof says about a batch. `abi.encode` of it, 416 bytes, is the only encoding there is: provers commit to it,
/// the operator commits it, events carry it.
struct Claim {
    uint64 chainId;
    address exchange;
    uint64 batch;
    uint64 firstSequence;
    uint64 lastSequence;
    bytes32 previousRoot;
    bytes32 stateRoot;
    bytes32 commandsRoot;
    bytes32 eventsRoot;
    uint64 l1Position;
    bytes32 l1Hash;
    bytes32 withdrawalsRoot;
    uint64 timestamp;
}

/// Reads concatenated claims: the public values of a proof of consecutive batches.
library Claims {
    /// The length of one encoded claim.
    uint256 internal constant BYTES = 416;

    /// The most claims in one call, as in `transition::BatchRange`.
    uint256 internal constant MAX = 256;

    /// The bytes are not between 1 and 256 whole claims.
    error BadClaimsLength(uint256 length);

    /// How many claims the bytes are.
    function count(bytes calldata claims) internal pure returns (uint64) {
        uint256 length = claims.length;
        if (length == 0 || length % BYTES != 0 || length / BYTES > MAX) revert BadClaimsLength(length);
        return uint64(length / BYTES);
    }

    /// The batch that the first claim is of, if its bytes are a claim's. Whoever asks compares hashes afterwards.
    function firstBatch(bytes calldata claims) internal pure returns (uint64) {
        return uint64(uint256(bytes32(claims[64:96])));
    }

    /// The bytes of one claim.
    function slice(bytes calldata claims, uint256 place) internal pure returns (bytes calldata) {
        return claims[place * BYTES:(place + 1) * BYTES];
    }

    /// Reads one claim; reverts when a number does not fit its type.
    function decode(bytes calldata claim) internal pure returns (Claim memory) {
        return abi.decode(claim, (Claim));
    }
}
