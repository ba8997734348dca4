// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// Who may do what, and pausing. No role can move money: the admin names the operator, lists assets, proposes and removes
/// verifiers and announces pauses; the operator commits batches.
abstract contract Roles {
    /// Lists assets, proposes verifiers, announces pauses.
    address public admin;
    /// Becomes the admin when it accepts.
    address public pendingAdmin;
    /// Commits batches.
    address public operator;

    /// Seconds from the announcement of a pause to its beginning.
    uint64 public immutable pauseDelay;
    /// Seconds that a pause lasts at most.
    uint64 public immutable maxPause;
    /// When the announced pause begins; zero when none was announced.
    uint64 public pausedFrom;
    /// When the announced pause ends by itself.
    uint64 public pausedUntil;

    event AdminTransferStarted(address indexed admin, address indexed pendingAdmin);
    event AdminChanged(address indexed previous, address indexed admin);
    event OperatorChanged(address indexed previous, address indexed operator);
    event PauseAnnounced(uint64 from, uint64 until);
    event PauseCancelled();

    /// Only the admin may do this.
    error NotAdmin(address caller);
    /// Only the proposed admin may accept.
    error NotPendingAdmin(address caller);
    /// Only the operator may do this.
    error NotOperator(address caller);
    /// The zero address cannot have a role, own an account or be paid.
    error ZeroAddress();
    /// The exchange is paused; exits are not affected.
    error Paused(uint64 until);
    /// This needs a pause, which has a delay, so that everybody sees it coming.
    error NotPaused();
    /// A pause is announced or in force already.
    error PauseAlreadyAnnounced(uint64 until);

    modifier onlyAdmin() {
        if (msg.sender != admin) revert NotAdmin(msg.sender);
        _;
    }

    modifier onlyOperator() {
        if (msg.sender != operator) revert NotOperator(msg.sender);
        _;
    }

    modifier whenNotPaused() {
        if (paused()) revert Paused(pausedUntil);
        _;
    }

    constructor(address admin_, address operator_, uint64 pauseDelay_, uint64 maxPause_) {
        if (admin_ == address(0) || operator_ == address(0)) revert ZeroAddress();
        admin = admin_;
        operator = operator_;
        pauseDelay = pauseDelay_;
        maxPause = maxPause_;
        emit AdminChanged(address(0), admin_);
        emit OperatorChanged(address(0), operator_);
    }

    /// Proposes another admin, who must accept. Proposing zero withdraws the proposal.
    function transferAdmin(address to) external onlyAdmin {
        pendingAdmin = to;
        emit AdminTransferStarted(admin, to);
    }

    /// Accepts to be the admin.
    function acceptAdmin() external {
        if (msg.sender != pendingAdmin) revert NotPendingAdmin(msg.sender);
        emit AdminChanged(admin, msg.sender);
        admin = msg.sender;
        pendingAdmin = address(0);
    }

    /// Names another operator.
    function setOperator(address to) external onlyAdmin {
        if (to == address(0)) revert ZeroAddress();
        emit OperatorChanged(operator, to);
        operator = to;
    }

    /// Announces a pause. It begins after the delay, ends by itself, and stops deposits, commits and proofs only.
    function announcePause() external onlyAdmin {
        if (block.timestamp < pausedUntil) revert PauseAlreadyAnnounced(pausedUntil);
        pausedFrom = uint64(block.timestamp) + pauseDelay;
        pausedUntil = pausedFrom + maxPause;
        emit PauseAnnounced(pausedFrom, pausedUntil);
    }

    /// Takes an announcement back, or ends a pause.
    function cancelPause() external onlyAdmin {
        if (block.timestamp >= pausedUntil) revert NotPaused();
        pausedFrom = 0;
        pausedUntil = 0;
        emit PauseCancelled();
    }

    /// Whether deposits, commits and proofs are stopped.
    function paused() public view returns (bool) {
        return pausedFrom <= block.timestamp && block.timestamp < pausedUntil;
    }
}
