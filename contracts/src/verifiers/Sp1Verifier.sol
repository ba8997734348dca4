// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBatchVerifier} from "../IBatchVerifier.sol";

/// The interface of SP1's gateway, and of the verifiers behind it.
interface ISP1Verifier {
    function verifyProof(bytes32 programVKey, bytes calldata publicValues, bytes calldata proofBytes) external view;
}

/// Checks SP1 proofs through SP1's gateway. The program id is the program's verification key.
///
/// The gateway's owner can add routes to new verifiers at any time, and the first four bytes of a proof choose the route.
/// This contract takes one route only, so that a new one counts no sooner than the registry says.
contract Sp1Verifier is IBatchVerifier {
    /// The gateway, or a verifier itself.
    ISP1Verifier public immutable gateway;
    /// The first four bytes of every proof.
    bytes4 public immutable route;
    /// The hash of the code there.
    bytes32 public immutable codeHash;
    /// @inheritdoc IBatchVerifier
    bytes32 public immutable kind;

    /// There is no code at the gateway's address.
    error NoGateway(address gateway);
    /// What is at the address accepts an empty proof: it is no verifier.
    error AcceptsAnything(address gateway);
    /// The code at the address is not what it was at the deployment.
    error CodeChanged(bytes32 expected, bytes32 found);
    /// The proof is for another route.
    error WrongRoute(bytes4 expected, bytes4 found);

    constructor(ISP1Verifier gateway_, bytes4 route_, bool plonk) {
        if (address(gateway_).code.length == 0) revert NoGateway(address(gateway_));
        try gateway_.verifyProof(0, "", abi.encodePacked(route_)) {
            revert AcceptsAnything(address(gateway_));
        } catch {}
        codeHash = address(gateway_).codehash;
        gateway = gateway_;
        route = route_;
        kind = plonk ? bytes32("sp1-plonk") : bytes32("sp1-groth16");
    }

    /// @inheritdoc IBatchVerifier
    function verify(bytes32 programId, bytes calldata publicValues, bytes calldata proof) external view {
        bytes4 found = bytes4(proof);
        if (proof.length < 4 || found != route) revert WrongRoute(route, found);
        bytes32 code = address(gateway).codehash;
        if (code != codeHash) revert CodeChanged(codeHash, code);
        gateway.verifyProof(programId, publicValues, proof);
    }
}
