// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// An owner that is a contract: it refuses coins, or calls back when it is paid and keeps
/// the answer.
contract Wallet {
    bool public refuses;
    address public target;
    bytes public call;
    bytes public answer;

    function setRefuses(bool refuses_) external {
        refuses = refuses_;
    }

    function arm(address target_, bytes calldata call_) external {
        target = target_;
        call = call_;
    }

    function act(address to, uint256 value, bytes calldata data) external payable returns (bytes memory) {
        (bool done, bytes memory result) = to.call{value: value}(data);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
        return result;
    }

    receive() external payable {
        require(!refuses, "no coins");
        if (target != address(0)) {
            (bool done, bytes memory result) = target.call(call);
            require(!done, "came back in");
            answer = result;
        }
    }
}

/// Accepts what it was told to and nothing else, in the interfaces of SP1's gateway and ZisK's verifier.
contract Gateways {
    bytes32 public accepted;

    error Refused();

    function accept(bytes32 accepted_) external {
        accepted = accepted_;
    }

    function verifyProof(bytes32 programVKey, bytes calldata publicValues, bytes calldata proofBytes) external view {
        if (keccak256(abi.encode(programVKey, publicValues, proofBytes)) != accepted) revert Refused();
    }

    function verifySnarkProof(
        bytes32 programVK,
        bytes32 rootCVadcopFinal,
        bytes calldata publicValues,
        bytes calldata proofBytes
    ) external view {
        // Told of a whole call, byte by byte.
        if (keccak256(msg.data) == accepted) return;
        if (keccak256(abi.encode(programVK, rootCVadcopFinal, publicValues, proofBytes)) != accepted) revert Refused();
    }
}

/// Answers every call with nothing, as many wallets do.
contract Nodder {
    bool public constant nods = true;

    fallback() external {}
}

/// Has a name, and accepts everything.
contract CredulousVerifier {
    bytes32 public constant kind = "credulous";

    function verify(bytes32, bytes calldata, bytes calldata) external pure {}
}

/// Has no name for what it does.
contract UnnamedVerifier {
    bytes32 public constant kind = 0;

    function verify(bytes32, bytes calldata, bytes calldata) external pure {}
}
