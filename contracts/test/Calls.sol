// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// Carries out several calls in one transaction, or none. For development chains: anybody may have it call anything, so it
/// must own nothing of worth.
contract Calls {
    function run(address[] calldata to, uint256[] calldata values, bytes[] calldata data) external payable {
        for (uint256 place = 0; place < to.length; ++place) {
            (bool done, bytes memory result) = to[place].call{value: values[place]}(data[place]);
            if (!done) {
                assembly ("memory-safe") {
                    revert(add(result, 0x20), mload(result))
                }
            }
        }
    }
}
