// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// Deposits and forced operations, in order, for the exchange to take.
///
/// Entries are kept as a rolling hash; `transition::l1_hash` is the same function in Rust. The hash after every entry stays
/// readable, because a claim may end anywhere in the queue. This contract numbers the accounts: the owner of the first
/// deposit in a new name gets the next number.
abstract contract L1Queue {
    uint8 internal constant DEPOSIT = 0;
    uint8 internal constant WITHDRAW = 1;
    uint8 internal constant MASS_CANCEL = 2;
    uint8 internal constant REGISTER_SESSION = 3;

    /// When each entry came; four fit a slot.
    uint64[] private _enqueuedAt;
    /// The rolling hash after so many entries.
    mapping(uint64 entries => bytes32) public queueHash;
    /// The owner's account plus one.
    mapping(address owner => uint256) private _accountOf;
    /// How many accounts were numbered. Account 0 is the operator's.
    uint32 public accountCount;

    event AccountOpened(uint32 indexed account, address indexed owner);
    /// One entry: the fields are those of the hash, `hash` is the rolling hash after it.
    event Enqueued(
        uint64 indexed position, uint32 indexed account, uint8 indexed kind, bytes32 a, uint256 b, uint256 c, bytes32 hash
    );

    /// No more accounts can be numbered.
    error TooManyAccounts();
    /// The address owns no account here.
    error NoAccount(address owner);

    constructor(address operatorOwner) {
        _openAccount(operatorOwner);
    }

    /// The rolling hash after one more entry.
    ///
    /// | kind | entry | a | b | c |
    /// |---|---|---|---|---|
    /// | 0 | deposit | owner | asset | amount |
    /// | 1 | forced withdrawal | asset | amount | 0 |
    /// | 2 | forced mass cancellation | market + 1, or 0 for all | side: 1 buy, 2 sell, 0 both | 0 |
    /// | 3 | session registration | key | expiry | 0 |
    function entryHash(
        bytes32 previous,
        uint64 position,
        uint32 account,
        uint8 kind,
        bytes32 a,
        uint256 b,
        uint256 c
    ) public pure returns (bytes32) {
        return keccak256(abi.encode(previous, position, account, kind, a, b, c));
    }

    /// How many entries there have been.
    function queueLength() public view returns (uint64) {
        return uint64(_enqueuedAt.length);
    }

    /// When an entry came.
    function enqueuedAt(uint64 position) public view returns (uint64) {
        return _enqueuedAt[position];
    }

    /// The account that an address owns.
    function accountOf(address owner) public view returns (uint32) {
        uint256 number = _accountOf[owner];
        if (number == 0) revert NoAccount(owner);
        return uint32(number - 1);
    }

    /// The account that an address owns, opened if there is none.
    function _accountFor(address owner) internal returns (uint32) {
        uint256 number = _accountOf[owner];
        return number == 0 ? _openAccount(owner) : uint32(number - 1);
    }

    function _enqueue(uint32 account, uint8 kind, bytes32 a, uint256 b, uint256 c) internal returns (uint64 position) {
        position = queueLength();
        bytes32 hash = entryHash(queueHash[position], position, account, kind, a, b, c);
        queueHash[position + 1] = hash;
        _enqueuedAt.push(uint64(block.timestamp));
        emit Enqueued(position, account, kind, a, b, c, hash);
    }

    function _openAccount(address owner) private returns (uint32 account) {
        account = accountCount;
        if (account == type(uint32).max) revert TooManyAccounts();
        accountCount = account + 1;
        _accountOf[owner] = uint256(account) + 1;
        emit AccountOpened(account, owner);
    }
}
