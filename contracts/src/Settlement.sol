// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claim, Claims} from "./Claim.sol";
import {L1Queue} from "./L1Queue.sol";
import {VerifierRegistry} from "./VerifierRegistry.sol";
import {Withdrawal, WithdrawalProof} from "./WithdrawalProof.sol";

/// The life of a batch on chain: committed, proved, final; each strictly in order.
///
/// Of a committed batch only the hash of its claim is kept; whoever proves or finalises it brings the claim again. Anybody
/// may prove and finalise. Batches that were proved are never reverted. A proof counts only while its verifier is
/// registered: when a verifier is removed before its batches are final, they wait for another proof, and if there is none
/// the exchange freezes at the last final state.
abstract contract Settlement is VerifierRegistry, L1Queue {
    /// Where the next batch must begin.
    struct Tip {
        bytes32 stateRoot;
        uint64 batch;
        uint64 lastSequence;
        uint64 l1Position;
        uint64 timestamp;
    }

    /// One accepted proof. It counts for the batches after the proof before it.
    struct Proof {
        uint64 lastBatch;
        uint64 provedAt;
        uint32 version;
        /// Queue entries consumed by its batches and all before.
        uint64 l1Position;
    }

    /// The state before the first batch.
    bytes32 public immutable genesisRoot;
    /// No deadline is longer.
    uint64 public constant MAX_FORCE_DEADLINE = 30 days;
    /// Seconds that anybody has to make a batch final once its proof is old enough.
    uint64 public constant FINALITY_GRACE = 1 days;
    /// Seconds that a claim's time may lie before the block's: clocks differ.
    uint64 public constant MAX_TIME_AHEAD = 15 minutes;
    /// Seconds after which the exchange can be frozen when a queue entry is in no proved batch. One in a proved batch that is
    /// not final has `finalityDelay` and `FINALITY_GRACE` more.
    uint64 public immutable forceDeadline;
    /// Seconds from a proof to finality: the time in which a broken verifier can be removed.
    uint64 public immutable finalityDelay;

    Tip private _committed;
    /// The last final state.
    bytes32 public finalRoot;
    /// The last batch that was proved.
    uint64 public provedBatch;
    /// The last final batch.
    uint64 public finalBatch;
    /// Queue entries consumed by final batches.
    uint64 public finalL1Position;
    /// The proof that the next final batch belongs to.
    uint64 private _nextProof;
    Proof[] private _proofs;
    /// Of each committed batch, `keccak256` of its claim.
    mapping(uint64 batch => bytes32) private _claimHash;
    /// Of each final batch.
    mapping(uint64 batch => bytes32) public withdrawalsRoot;
    /// Whether the exchange has ended; see `freeze`.
    bool public frozen;

    /// `dataCommitment` is what the batch's data is sampled and recovered by; zero when it is published another way. Nothing is
    /// checked of it here: whoever has the data compares it with the claim.
    event BatchCommitted(uint64 indexed batch, bytes32 indexed stateRoot, bytes32 dataCommitment, bytes claim);
    event BatchesReverted(uint64 first, uint64 last);
    event BatchesProved(
        uint64 indexed first, uint64 indexed last, bytes32 indexed kind, uint32 version, uint256 proofIndex
    );
    event BatchFinal(
        uint64 indexed batch, bytes32 indexed kind, bytes32 stateRoot, bytes32 withdrawalsRoot, uint64 l1Position
    );
    /// All withdrawals of a final batch, in order, when it has any: whoever has this makes the paths of all of them.
    event BatchWithdrawals(uint64 indexed batch, Withdrawal[] withdrawals);
    event Frozen(uint64 overduePosition, uint64 finalBatch, bytes32 finalRoot);

    /// The exchange has ended. Withdrawals, refunds and escapes are open.
    error ExchangeFrozen();
    /// The exchange has not ended.
    error NotFrozen();
    /// No queue entry is overdue.
    error NothingOverdue();
    /// The claim is of another chain or another exchange.
    error WrongExchange(uint64 chainId, address exchange);
    /// Batches come in order, without a gap.
    error BatchOutOfOrder(uint64 expected, uint64 found);
    /// The first command does not follow the last one committed, or there is none.
    error SequenceOutOfOrder(uint64 expected, uint64 first, uint64 last);
    /// The batch does not begin with the last committed state.
    error WrongPreviousRoot(bytes32 expected, bytes32 found);
    /// The batch's time lies before the one of the batch before.
    error TimeGoesBack(uint64 last, uint64 found);
    /// The batch's time, in microseconds, lies too far beyond the block's.
    error TimeAhead(uint64 latest, uint64 found);
    /// The claim names queue entries that were consumed before or do not exist.
    error WrongQueuePosition(uint64 consumed, uint64 length, uint64 found);
    /// The claim's entries are not those of the queue.
    error WrongQueueHash(uint64 position, bytes32 expected, bytes32 found);
    /// The batch was not committed.
    error NotCommitted(uint64 batch);
    /// The batch was committed with another claim.
    error WrongClaim(uint64 batch);
    /// The batch was not proved.
    error NotProved(uint64 batch);
    /// What was proved is never reverted.
    error ProvedAlready(uint64 batch);
    /// Each claim needs the commitment to its data, though it be zero.
    error CommitmentsMissing(uint256 claims, uint256 commitments);
    /// Each claim needs its withdrawals, though there be none.
    error WithdrawalsMissing(uint256 claims, uint256 lists);
    /// The withdrawals are not those of the claim.
    error WrongWithdrawals(uint64 batch, bytes32 expected, bytes32 found);
    /// The time in which a broken verifier can be removed has not passed.
    error NotFinalYet(uint64 batch, uint64 finalAt);
    /// There is no such proof, or its batches are final.
    error NoOpenProof(uint256 proofIndex);
    /// The proof's verifier is still registered.
    error ProofStillCounts(uint256 proofIndex);
    /// Delays must allow to leave, and to settle: a deadline of 30 days at most; a pause, the time to the next one and
    /// finality together within it; and a verifier's delay of two deadlines, finality and its grace, or longer.
    error BadDelays();

    modifier whenNotFrozen() {
        if (frozen) revert ExchangeFrozen();
        _;
    }

    constructor(bytes32 genesisRoot_, uint64 forceDeadline_, uint64 finalityDelay_) {
        // An entry that comes as a pause begins can be proved between this pause and the next, and be final within the
        // deadline. Whoever forces a withdrawal within one deadline of a verifier's proposal is out before it counts. Sums are
        // of 256 bits: no delay is so long that it wraps.
        uint256 settled = uint256(maxPause) + pauseDelay + finalityDelay_;
        uint256 out = 2 * uint256(forceDeadline_) + finalityDelay_ + FINALITY_GRACE;
        if (forceDeadline_ > MAX_FORCE_DEADLINE || settled >= forceDeadline_ || verifierDelay < out) revert BadDelays();
        genesisRoot = genesisRoot_;
        forceDeadline = forceDeadline_;
        finalityDelay = finalityDelay_;
        finalRoot = genesisRoot_;
        _committed.stateRoot = genesisRoot_;
    }

    /// Commits the next batches, given as concatenated claims, and binds the operator to one publication of each.
    function commitBatches(bytes calldata claims, bytes32[] calldata dataCommitments)
        external
        onlyOperator
        whenNotPaused
        whenNotFrozen
    {
        uint64 count = Claims.count(claims);
        if (dataCommitments.length != count) revert CommitmentsMissing(count, dataCommitments.length);
        Tip memory tip = _committed;
        uint64 queued = queueLength();
        uint64 latest = (uint64(block.timestamp) + MAX_TIME_AHEAD) * 1_000_000;
        for (uint256 place = 0; place < count; ++place) {
            bytes calldata encoded = Claims.slice(claims, place);
            Claim memory claim = Claims.decode(encoded);
            _checkFollows(tip, claim, queued);
            if (claim.timestamp > latest) revert TimeAhead(latest, claim.timestamp);
            _claimHash[claim.batch] = keccak256(encoded);
            tip = _tipAfter(claim);
            emit BatchCommitted(claim.batch, claim.stateRoot, dataCommitments[place], encoded);
        }
        _committed = tip;
    }

    /// Reverts all batches after `lastKept` that were committed and not proved. Only in a pause, which is announced long
    /// before. `claim` is the last kept batch's claim; empty when no batch is kept.
    function revertBatches(uint64 lastKept, bytes calldata claim) external onlyOperator whenNotFrozen {
        if (!paused()) revert NotPaused();
        if (lastKept < provedBatch) revert ProvedAlready(provedBatch);
        uint64 last = _committed.batch;
        if (lastKept >= last) revert NotCommitted(lastKept + 1);
        if (lastKept == 0) {
            if (claim.length != 0) revert Claims.BadClaimsLength(claim.length);
            _committed = Tip(genesisRoot, 0, 0, 0, 0);
        } else {
            if (_claimHash[lastKept] != keccak256(claim)) revert WrongClaim(lastKept);
            _committed = _tipAfter(Claims.decode(claim));
        }
        emit BatchesReverted(lastKept + 1, last);
    }

    /// Proves the next committed batches. Anybody may bring a proof. It may begin with batches that were proved meanwhile, so
    /// that nobody spoils a long proof by proving its beginning; only the rest counts.
    /// @param version The verifier.
    /// @param claims The batches' claims, concatenated: the proof's public values.
    function proveBatches(uint32 version, bytes calldata claims, bytes calldata proof)
        external
        whenNotPaused
        whenNotFrozen
    {
        uint64 next = provedBatch + 1;
        (uint64 first, uint64 last) = _committedRange(claims);
        if (first > next) revert BatchOutOfOrder(next, first);
        if (last < next) revert ProvedAlready(provedBatch);
        provedBatch = last;
        uint256 proofIndex = _proofs.length;
        uint64 position = Claims.decode(Claims.slice(claims, last - first)).l1Position;
        _proofs.push(Proof(last, uint64(block.timestamp), version, position));
        _verify(version, claims, proof, next, last, proofIndex);
    }

    /// Proves again the batches of a proof whose verifier was removed; the claims may be of more committed batches than those.
    /// Their time to finality begins anew.
    function replaceProof(uint256 proofIndex, uint32 version, bytes calldata claims, bytes calldata proof)
        external
        whenNotPaused
        whenNotFrozen
    {
        if (proofIndex >= _proofs.length || _proofs[proofIndex].lastBatch <= finalBatch) revert NoOpenProof(proofIndex);
        Proof storage entry = _proofs[proofIndex];
        if (!_verifier(entry.version).removed) revert ProofStillCounts(proofIndex);
        uint64 next = proofIndex == 0 ? 1 : _proofs[proofIndex - 1].lastBatch + 1;
        (uint64 first, uint64 last) = _committedRange(claims);
        if (first > next) revert BatchOutOfOrder(next, first);
        if (last < entry.lastBatch) revert BatchOutOfOrder(entry.lastBatch, last);
        entry.provedAt = uint64(block.timestamp);
        entry.version = version;
        _verify(version, claims, proof, next, entry.lastBatch, proofIndex);
    }

    /// Makes the next proved batches final. Anybody may, and no pause stops it.
    ///
    /// The withdrawals go into an event, so nobody but this chain is needed for the path of one. Whoever keeps them back keeps
    /// the batch from becoming final, and its queue entries become overdue.
    /// @param withdrawals Of each claim, all its withdrawals in order.
    function finaliseBatches(bytes calldata claims, Withdrawal[][] calldata withdrawals) external whenNotFrozen {
        uint64 count = Claims.count(claims);
        if (withdrawals.length != count) revert WithdrawalsMissing(count, withdrawals.length);
        uint64 batch = finalBatch;
        _checkClaims(batch + 1, claims);
        uint64 nextProof = _nextProof;
        bytes32 kind = 0;
        Claim memory claim;
        for (uint256 place = 0; place < count; ++place) {
            ++batch;
            if (batch > provedBatch) revert NotProved(batch);
            // Every proof has at least one batch.
            if (_proofs[nextProof].lastBatch < batch) {
                ++nextProof;
                kind = 0;
            }
            if (kind == 0) kind = _kindOfFinalProof(_proofs[nextProof], batch);
            claim = Claims.decode(Claims.slice(claims, place));
            _publishWithdrawals(batch, claim.withdrawalsRoot, withdrawals[place]);
            emit BatchFinal(batch, kind, claim.stateRoot, claim.withdrawalsRoot, claim.l1Position);
        }
        finalRoot = claim.stateRoot;
        finalL1Position = claim.l1Position;
        finalBatch = batch;
        _nextProof = nextProof;
    }

    /// Ends the exchange: anybody may, once the oldest queue entry that is in no proved batch is older than the deadline, or
    /// the oldest that is in no final batch is older by the time that finality takes.
    /// From then on nothing is deposited, committed, proved or made final, and everybody leaves with the last final state.
    function freeze() external whenNotFrozen {
        uint64 position = finalL1Position;
        if (!_isOverdue(position, forceDeadline + finalityDelay + FINALITY_GRACE)) {
            uint256 proofs = _proofs.length;
            if (proofs != 0) position = _proofs[proofs - 1].l1Position;
            if (!_isOverdue(position, forceDeadline)) revert NothingOverdue();
        }
        frozen = true;
        emit Frozen(position, finalBatch, finalRoot);
    }

    /// The last committed batch.
    function committed() external view returns (Tip memory) {
        return _committed;
    }

    /// `keccak256` of a committed batch's claim.
    function claimHash(uint64 batch) external view returns (bytes32) {
        if (batch == 0 || batch > _committed.batch) revert NotCommitted(batch);
        return _claimHash[batch];
    }

    /// How many proofs were accepted.
    function proofCount() external view returns (uint256) {
        return _proofs.length;
    }

    /// One accepted proof.
    function proofOf(uint256 proofIndex) external view returns (Proof memory) {
        return _proofs[proofIndex];
    }

    function _checkFollows(Tip memory tip, Claim memory claim, uint64 queued) private view {
        if (claim.chainId != block.chainid || claim.exchange != address(this)) {
            revert WrongExchange(claim.chainId, claim.exchange);
        }
        if (claim.batch != tip.batch + 1) revert BatchOutOfOrder(tip.batch + 1, claim.batch);
        if (claim.firstSequence != tip.lastSequence + 1 || claim.lastSequence < claim.firstSequence) {
            revert SequenceOutOfOrder(tip.lastSequence + 1, claim.firstSequence, claim.lastSequence);
        }
        if (claim.previousRoot != tip.stateRoot) revert WrongPreviousRoot(tip.stateRoot, claim.previousRoot);
        if (claim.timestamp < tip.timestamp) revert TimeGoesBack(tip.timestamp, claim.timestamp);
        if (claim.l1Position < tip.l1Position || claim.l1Position > queued) {
            revert WrongQueuePosition(tip.l1Position, queued, claim.l1Position);
        }
        bytes32 expected = queueHash[claim.l1Position];
        if (claim.l1Hash != expected) revert WrongQueueHash(claim.l1Position, expected, claim.l1Hash);
    }

    function _tipAfter(Claim memory claim) private pure returns (Tip memory) {
        return Tip(claim.stateRoot, claim.batch, claim.lastSequence, claim.l1Position, claim.timestamp);
    }

    /// Whether the queue has an entry at this position that is older than this.
    function _isOverdue(uint64 position, uint64 age) private view returns (bool) {
        return position < queueLength() && block.timestamp > enqueuedAt(position) + age;
    }

    /// The batches that the claims are of, which must be committed ones in a row.
    function _committedRange(bytes calldata claims) private view returns (uint64 first, uint64 last) {
        uint64 count = Claims.count(claims);
        first = Claims.firstBatch(claims);
        last = _committed.batch;
        if (first > last || last - first < count - 1) revert NotCommitted(last + 1);
        last = first + count - 1;
        _checkClaims(first, claims);
    }

    /// The claims must be those that were committed.
    function _checkClaims(uint64 first, bytes calldata claims) private view {
        uint64 count = Claims.count(claims);
        for (uint64 place = 0; place < count; ++place) {
            if (_claimHash[first + place] != keccak256(Claims.slice(claims, place))) revert WrongClaim(first + place);
        }
    }

    function _publishWithdrawals(uint64 batch, bytes32 root, Withdrawal[] calldata withdrawals) private {
        bytes32 found = WithdrawalProof.rootOf(withdrawals);
        if (found != root) revert WrongWithdrawals(batch, root, found);
        if (root == 0) return;
        withdrawalsRoot[batch] = root;
        emit BatchWithdrawals(batch, withdrawals);
    }

    function _verify(
        uint32 version,
        bytes calldata claims,
        bytes calldata proof,
        uint64 first,
        uint64 last,
        uint256 proofIndex
    ) private {
        Verifier storage entry = _usableVerifier(version);
        emit BatchesProved(first, last, entry.kind, version, proofIndex);
        entry.verifier.verify(entry.programId, claims, proof);
    }

    function _kindOfFinalProof(Proof storage proof, uint64 batch) private view returns (bytes32) {
        Verifier storage entry = _verifier(proof.version);
        if (entry.removed) revert VerifierWasRemoved(proof.version);
        uint64 finalAt = proof.provedAt + finalityDelay;
        if (block.timestamp < finalAt) revert NotFinalYet(batch, finalAt);
        return entry.kind;
    }
}
