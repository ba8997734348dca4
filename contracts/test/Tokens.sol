// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// A token that does what it should. Anybody may mint: it is for tests.
contract Token {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function transfer(address to, uint256 amount) external virtual returns (bool) {
        _move(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external virtual returns (bool) {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
        return true;
    }

    function _move(address from, address to, uint256 amount) internal virtual {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// Returns nothing, like USDT.
contract SilentToken {
    mapping(address => uint256) public balanceOf;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// Returns false instead of reverting.
contract RefusingToken is Token {
    function transfer(address, uint256) external pure override returns (bool) {
        return false;
    }

    function transferFrom(address, address, uint256) external pure override returns (bool) {
        return false;
    }
}

/// Charges a hundredth of every transfer: whoever receives gets less.
contract FeeToken is Token {
    function _move(address from, address to, uint256 amount) internal override {
        balanceOf[from] -= amount;
        balanceOf[to] += amount - amount / 100;
    }
}

/// Charges whoever sends, on top, once it is switched on.
contract GreedyToken is Token {
    bool public greedy;

    function setGreedy() external {
        greedy = true;
    }

    function _move(address from, address to, uint256 amount) internal override {
        balanceOf[from] -= greedy ? amount + 1 : amount;
        balanceOf[to] += amount;
    }
}

/// Calls back in every transfer, with a call that was set before, and keeps the answer.
contract HostileToken is Token {
    address public target;
    bytes public call;
    bytes public answer;

    function arm(address target_, bytes calldata call_) external {
        target = target_;
        call = call_;
    }

    function _move(address from, address to, uint256 amount) internal override {
        super._move(from, to, amount);
        if (target != address(0)) {
            (bool done, bytes memory result) = target.call(call);
            require(!done, "came back in");
            answer = result;
        }
    }
}

/// Freezes the exchange once, in the middle of a transfer.
contract FreezingToken is Token {
    address public target;

    function arm(address target_) external {
        target = target_;
    }

    function _move(address from, address to, uint256 amount) internal override {
        super._move(from, to, amount);
        address exchange = target;
        if (exchange != address(0)) {
            target = address(0);
            (bool done,) = exchange.call(abi.encodeWithSignature("freeze()"));
            require(done, "not frozen");
        }
    }
}
