// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBatchVerifier} from "../IBatchVerifier.sol";

/// Not a proof on chain: `threshold` of the named signers have checked a proof elsewhere and sign so (EIP-712). For proofs
/// that are too large for the chain, such as core proofs. The kind says `attested` in every event.
///
/// An attestation is the proof file's SHA-256 (32 bytes), then `threshold` signatures of 65 bytes (r, s, v), by signers in
/// ascending order.
contract AttestedVerifier is IBatchVerifier {
    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant ATTESTATION_TYPE =
        keccak256("Attestation(bytes32 programId,bytes32 publicValues,bytes32 proofFile)");
    /// Half the order of secp256k1: signatures have the lower s.
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    uint256 private constant MAX_SIGNERS = 64;

    /// @inheritdoc IBatchVerifier
    bytes32 public constant kind = "attested";
    /// How many must sign.
    uint256 public immutable threshold;
    /// Who may sign. Fixed: others are another verifier, and wait for the registry's delay.
    mapping(address signer => bool) public isSigner;

    event SignersFixed(address[] signers, uint256 threshold);

    /// Signers are between 1 and 64, ascending, and the threshold is between 1 and their number.
    error BadSigners();
    /// The attestation is not as long as the threshold wants.
    error BadAttestationLength(uint256 expected, uint256 found);
    /// A signature is of nobody named, or not in ascending order, or not in the one accepted form.
    error BadSignature(uint256 place, address signer);

    constructor(address[] memory signers, uint256 threshold_) {
        uint256 count = signers.length;
        if (count > MAX_SIGNERS || threshold_ == 0 || threshold_ > count) revert BadSigners();
        address last = address(0);
        for (uint256 place = 0; place < count; ++place) {
            if (signers[place] <= last) revert BadSigners();
            last = signers[place];
            isSigner[last] = true;
        }
        threshold = threshold_;
        emit SignersFixed(signers, threshold_);
    }

    /// @inheritdoc IBatchVerifier
    function verify(bytes32 programId, bytes calldata publicValues, bytes calldata proof) external view {
        uint256 expected = 32 + 65 * threshold;
        if (proof.length != expected) revert BadAttestationLength(expected, proof.length);
        bytes32 digest = attestationDigest(programId, publicValues, bytes32(proof[:32]));
        address last = address(0);
        for (uint256 place = 0; place < threshold; ++place) {
            bytes calldata signature = proof[32 + 65 * place:97 + 65 * place];
            bytes32 s = bytes32(signature[32:64]);
            address signer = uint256(s) > HALF_ORDER
                ? address(0)
                : ecrecover(digest, uint8(signature[64]), bytes32(signature[:32]), s);
            if (signer <= last || !isSigner[signer]) revert BadSignature(place, signer);
            last = signer;
        }
    }

    /// What a signer signs.
    function attestationDigest(bytes32 programId, bytes calldata publicValues, bytes32 proofFile)
        public
        view
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                DOMAIN_TYPE, keccak256("Glassbook attested verifier"), keccak256("1"), block.chainid, address(this)
            )
        );
        bytes32 message = keccak256(abi.encode(ATTESTATION_TYPE, programId, keccak256(publicValues), proofFile));
        return keccak256(abi.encodePacked(hex"1901", domain, message));
    }
}
