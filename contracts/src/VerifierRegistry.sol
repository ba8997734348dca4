// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBatchVerifier} from "./IBatchVerifier.sol";
import {Roles} from "./Roles.sol";

/// Which verifiers count, by version.
///
/// A version is a verifier and the program it must be a proof of. A new version counts only after a delay twice as long
/// as a forced withdrawal may take, so whoever distrusts it can leave first. Removal is immediate: it can only stop
/// settlement, never pay anybody, and when settlement stays stopped the exchange freezes and everybody leaves with the last
/// final state. A version never changes and is never added again; its code must be at every use what it was when it was
/// proposed. What that code calls is for whoever judges the proposal.
abstract contract VerifierRegistry is Roles {
    struct Verifier {
        IBatchVerifier verifier;
        uint64 usableFrom;
        bool removed;
        bytes32 kind;
        bytes32 programId;
        /// The hash of its code when it was proposed.
        bytes32 codeHash;
    }

    /// Seconds from the proposal of a verifier to its first use.
    uint64 public immutable verifierDelay;
    /// Version 1 is at place 0.
    Verifier[] private _verifiers;

    event VerifierProposed(
        uint32 indexed version, bytes32 indexed kind, address indexed verifier, bytes32 programId, uint64 usableFrom
    );
    event VerifierRemoved(uint32 indexed version, bytes32 indexed kind);

    /// There is no verifier of this version.
    error UnknownVerifier(uint32 version);
    /// The verifier's delay has not passed.
    error VerifierNotUsableYet(uint32 version, uint64 usableFrom);
    /// The verifier was removed.
    error VerifierWasRemoved(uint32 version);
    /// The verifier does not name its kind.
    error UnnamedVerifier(address verifier);
    /// The verifier accepts an empty proof of nothing.
    error VerifierAcceptsAnything(address verifier);
    /// The verifier has other code than when it was proposed.
    error VerifierChanged(uint32 version, bytes32 expected, bytes32 found);

    constructor(uint64 verifierDelay_) {
        verifierDelay = verifierDelay_;
    }

    /// Proposes a verifier, which becomes usable after the delay.
    function proposeVerifier(IBatchVerifier verifier, bytes32 programId) external onlyAdmin returns (uint32 version) {
        return _addVerifier(verifier, programId, uint64(block.timestamp) + verifierDelay);
    }

    /// Removes a verifier at once. What it proved and is not final yet needs a proof by another.
    function removeVerifier(uint32 version) external onlyAdmin {
        Verifier storage entry = _verifier(version);
        if (entry.removed) revert VerifierWasRemoved(version);
        entry.removed = true;
        emit VerifierRemoved(version, entry.kind);
    }

    /// How many versions there are; the first is 1.
    function verifierCount() external view returns (uint32) {
        return uint32(_verifiers.length);
    }

    /// One version.
    function verifierOf(uint32 version) external view returns (Verifier memory) {
        return _verifier(version);
    }

    function _addVerifier(IBatchVerifier verifier, bytes32 programId, uint64 usableFrom)
        internal
        returns (uint32 version)
    {
        bytes32 kind = verifier.kind();
        if (kind == 0) revert UnnamedVerifier(address(verifier));
        try verifier.verify(programId, "", "") {
            revert VerifierAcceptsAnything(address(verifier));
        } catch {}
        _verifiers.push(Verifier(verifier, usableFrom, false, kind, programId, address(verifier).codehash));
        version = uint32(_verifiers.length);
        emit VerifierProposed(version, kind, address(verifier), programId, usableFrom);
    }

    function _usableVerifier(uint32 version) internal view returns (Verifier storage entry) {
        entry = _verifier(version);
        if (entry.removed) revert VerifierWasRemoved(version);
        if (block.timestamp < entry.usableFrom) revert VerifierNotUsableYet(version, entry.usableFrom);
        bytes32 found = address(entry.verifier).codehash;
        if (found != entry.codeHash) revert VerifierChanged(version, entry.codeHash, found);
    }

    function _verifier(uint32 version) internal view returns (Verifier storage) {
        if (version == 0 || version > _verifiers.length) revert UnknownVerifier(version);
        return _verifiers[version - 1];
    }
}
