// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Custody} from "./Custody.sol";
import {IBatchVerifier} from "./IBatchVerifier.sol";
import {L1Queue} from "./L1Queue.sol";
import {Roles} from "./Roles.sol";
import {Settlement} from "./Settlement.sol";
import {StateProof} from "./StateProof.sol";
import {VerifierRegistry} from "./VerifierRegistry.sol";
import {Withdrawal, WithdrawalProof} from "./WithdrawalProof.sol";

/// Glassbook on Ethereum: what a user calls to bring money, to force an operation, and to leave.
///
/// For each asset, what is held is exactly: balances in the last final state, deposits that are in no final batch, and
/// withdrawals of final batches that were not claimed. After a freeze each of the three has its own way out.
contract Exchange is Settlement, Custody {
    struct Config {
        address admin;
        address operator;
        /// Owns account 0; as in the exchange's genesis.
        address operatorOwner;
        /// The root of the first state, which names this contract's address.
        bytes32 genesisRoot;
        uint64 forceDeadline;
        uint64 finalityDelay;
        uint64 verifierDelay;
        uint64 pauseDelay;
        uint64 maxPause;
        /// Wei that a forced operation burns; see `forceFee`.
        uint256 forceFee;
        /// Usable from the start, when there is no money to protect.
        IBatchVerifier[] verifiers;
        /// The program of each of them.
        bytes32[] programIds;
    }

    /// No forced operation burns more, in wei: leaving must stay possible.
    uint256 public constant MAX_FORCE_FEE = 0.01 ether;
    /// The most assets that one `forceExit` withdraws.
    uint256 public constant MAX_EXIT_ASSETS = 16;
    /// Wei that every entry of a forced operation burns, sent with the call. It makes filling the queue dear, and it is
    /// nobody's gain: an operator that was paid would have a reason to refuse what is free.
    uint256 public immutable forceFee;

    /// A bit for each withdrawal that was paid, by index.
    mapping(uint256 word => uint256) private _claimed;
    /// A bit for each account and asset that has left, by account and asset as in the state's key.
    mapping(uint256 word => uint256) private _escaped;
    /// A bit for each deposit that was refunded, by position.
    mapping(uint256 word => uint256) private _refunded;

    event WithdrawalClaimed(
        uint64 indexed index, address indexed owner, uint16 indexed asset, uint64 amount, address recipient
    );
    event Escaped(uint32 indexed account, address indexed owner, uint16 indexed asset, uint256 amount, address recipient);
    event DepositRefunded(
        uint64 indexed position, address indexed owner, uint16 indexed asset, uint64 amount, address recipient
    );

    /// A side is 0 for both, 1 for buys, 2 for sells; a market is one more than its number, or 0 for all.
    error BadScope(uint32 marketPlusOne, uint8 side);
    /// The path does not lead from the withdrawal to the batch's withdrawals root, or the batch is not final.
    error NotInBatch(uint64 batch, uint64 index);
    /// The withdrawal was paid.
    error AlreadyClaimed(uint64 index);
    /// The account has left with this asset.
    error AlreadyEscaped(uint32 account, uint16 asset);
    /// The deposit was refunded.
    error AlreadyRefunded(uint64 position);
    /// A final batch consumed the entry: its money is in the final state.
    error Consumed(uint64 position);
    /// The entry at this position is not such a deposit.
    error NotThatDeposit(uint64 position);
    /// The fee for forced operations is beyond `MAX_FORCE_FEE`.
    error BadForceFee(uint256 fee);
    /// An exit names between 1 and `MAX_EXIT_ASSETS` assets.
    error BadExit(uint256 assets);
    /// Each verifier needs a program, and at least one is needed.
    error BadVerifiers(uint256 verifiers, uint256 programs);

    constructor(Config memory config)
        Roles(config.admin, config.operator, config.pauseDelay, config.maxPause)
        VerifierRegistry(config.verifierDelay)
        L1Queue(config.operatorOwner)
        Settlement(config.genesisRoot, config.forceDeadline, config.finalityDelay)
    {
        if (config.operatorOwner == address(0)) revert ZeroAddress();
        if (config.forceFee > MAX_FORCE_FEE) revert BadForceFee(config.forceFee);
        forceFee = config.forceFee;
        uint256 count = config.verifiers.length;
        if (count == 0 || count != config.programIds.length) revert BadVerifiers(count, config.programIds.length);
        for (uint256 place = 0; place < count; ++place) {
            _addVerifier(config.verifiers[place], config.programIds[place], uint64(block.timestamp));
        }
    }

    /// Deposits quanta of an asset for an owner, whose account is opened if there is none. For the chain's own coin send
    /// exactly the value; for a token approve it before. Returns the entry's position in the queue.
    function deposit(uint16 asset, uint64 amount, address owner)
        external
        payable
        whenNotPaused
        whenNotFrozen
        nonReentrant
        returns (uint64 position)
    {
        if (owner == address(0) || owner == address(this)) revert ZeroAddress();
        uint64 credited = _takeIn(asset, amount);
        return _enqueue(_accountFor(owner), DEPOSIT, bytes32(uint256(uint160(owner))), asset, credited);
    }

    /// Forces a withdrawal of what is free, up to `amount`, from the caller's account. Send exactly `forceFee`.
    function forceWithdraw(uint16 asset, uint64 amount) external payable whenNotFrozen returns (uint64 position) {
        if (amount == 0) revert BadAmount(amount);
        _burnFees(1);
        return _forceWithdraw(accountOf(msg.sender), asset, amount);
    }

    /// Forces all of the caller's money in these assets out, in entries that follow one another: the session ends, so that
    /// nothing it signed can set money aside again; all orders are cancelled; what is free is withdrawn. Send exactly
    /// `forceFee` for each asset and twice more. Returns the first entry's position.
    function forceExit(uint16[] calldata assets) external payable whenNotFrozen returns (uint64 position) {
        uint256 count = assets.length;
        if (count == 0 || count > MAX_EXIT_ASSETS) revert BadExit(count);
        _burnFees(count + 2);
        uint32 account = accountOf(msg.sender);
        // A session with this expiry has ended at any time.
        position = _enqueue(account, REGISTER_SESSION, 0, 0, 0);
        _enqueue(account, MASS_CANCEL, 0, 0, 0);
        for (uint256 place = 0; place < count; ++place) {
            _forceWithdraw(account, assets[place], type(uint64).max);
        }
    }

    /// Forces the cancellation of the caller's orders. Send exactly `forceFee`.
    /// @param marketPlusOne One more than the market's number; 0 for all markets.
    /// @param side 1 for buys, 2 for sells, 0 for both.
    function forceCancel(uint32 marketPlusOne, uint8 side) external payable whenNotFrozen returns (uint64 position) {
        if (marketPlusOne > uint32(type(uint16).max) + 1 || side > 2) revert BadScope(marketPlusOne, side);
        _burnFees(1);
        return _enqueue(accountOf(msg.sender), MASS_CANCEL, bytes32(uint256(marketPlusOne)), side, 0);
    }

    /// Registers a session key for the caller's account, whatever the operator thinks of it. Send exactly `forceFee`.
    /// @param expires Microseconds since 1970.
    function registerSession(bytes32 key, uint64 expires) external payable whenNotFrozen returns (uint64 position) {
        _burnFees(1);
        return _enqueue(accountOf(msg.sender), REGISTER_SESSION, key, expires, 0);
    }

    /// Pays a withdrawal of a final batch, once, whatever has happened since. Anybody may call; only the owner may name
    /// another recipient.
    /// @param place The withdrawal's place in its batch.
    /// @param siblings The path from it to the batch's withdrawals root.
    function claimWithdrawal(
        uint64 batch,
        Withdrawal calldata withdrawal,
        uint64 place,
        bytes32[] calldata siblings,
        address recipient
    ) external nonReentrant {
        bytes32 root = withdrawalsRoot[batch];
        uint64 index = withdrawal.index;
        if (root == 0 || !WithdrawalProof.leads(withdrawal, place, siblings, root)) revert NotInBatch(batch, index);
        if (!_setOnce(_claimed, index)) revert AlreadyClaimed(index);
        emit WithdrawalClaimed(index, withdrawal.owner, withdrawal.asset, withdrawal.amount, recipient);
        _payOut(withdrawal.asset, withdrawal.amount, withdrawal.owner, recipient);
    }

    /// After a freeze: pays all that an account has of an asset in the last final state, free and locked.
    /// @param proof The balance's proof under `finalRoot`, as `state::Proof::encode` writes it.
    function escape(address owner, uint16 asset, bytes calldata proof, address recipient) external nonReentrant {
        if (!frozen) revert NotFrozen();
        uint32 account = accountOf(owner);
        (uint64 free, uint64 locked) = StateProof.balance(finalRoot, account, asset, proof);
        if (!_setOnce(_escaped, (uint256(account) << 16) | asset)) revert AlreadyEscaped(account, asset);
        uint256 amount = uint256(free) + locked;
        emit Escaped(account, owner, asset, amount, recipient);
        _payOut(asset, amount, owner, recipient);
    }

    /// After a freeze: pays back a deposit that no final batch consumed. All but position and recipient as in the entry.
    function refundDeposit(
        uint64 position,
        uint32 account,
        address owner,
        uint16 asset,
        uint64 amount,
        address recipient
    ) external nonReentrant {
        if (!frozen) revert NotFrozen();
        if (position < finalL1Position) revert Consumed(position);
        bytes32 hash =
            entryHash(queueHash[position], position, account, DEPOSIT, bytes32(uint256(uint160(owner))), asset, amount);
        if (hash != queueHash[position + 1]) revert NotThatDeposit(position);
        if (!_setOnce(_refunded, position)) revert AlreadyRefunded(position);
        emit DepositRefunded(position, owner, asset, amount, recipient);
        _payOut(asset, amount, owner, recipient);
    }

    /// Whether a withdrawal was paid.
    function isClaimed(uint64 index) external view returns (bool) {
        return _isSet(_claimed, index);
    }

    /// Whether an account has left with an asset.
    function isEscaped(uint32 account, uint16 asset) external view returns (bool) {
        return _isSet(_escaped, (uint256(account) << 16) | asset);
    }

    /// Whether a deposit was refunded.
    function isRefunded(uint64 position) external view returns (bool) {
        return _isSet(_refunded, position);
    }

    function _forceWithdraw(uint32 account, uint16 asset, uint64 amount) private returns (uint64 position) {
        assetInfo(asset);
        return _enqueue(account, WITHDRAW, bytes32(uint256(asset)), amount, 0);
    }

    /// Takes the fee for so many entries. It stays here, is counted by nobody, and can never be paid out.
    function _burnFees(uint256 entries) private {
        uint256 expected = entries * forceFee;
        if (msg.value != expected) revert WrongValue(expected, msg.value);
    }

    function _setOnce(mapping(uint256 => uint256) storage bitmap, uint256 place) private returns (bool) {
        uint256 word = bitmap[place >> 8];
        uint256 bit = 1 << (place & 0xff);
        if (word & bit != 0) return false;
        bitmap[place >> 8] = word | bit;
        return true;
    }

    function _isSet(mapping(uint256 => uint256) storage bitmap, uint256 place) private view returns (bool) {
        return bitmap[place >> 8] & (1 << (place & 0xff)) != 0;
    }
}
