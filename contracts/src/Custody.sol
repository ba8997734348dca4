// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Roles} from "./Roles.sol";

interface IERC20 {
    function balanceOf(address owner) external view returns (uint256);
    function transfer(address to, uint256 amount) external returns (bool);
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

/// Holds the money. The exchange counts in quanta of an asset, the chain in wei; the conversion is here and nowhere else.
///
/// For each asset `held` is what came in less what went out, in wei. What others send here uninvited is not counted and
/// cannot be taken out.
abstract contract Custody is Roles {
    struct Asset {
        /// The token; zero is the chain's own coin.
        address token;
        /// Wei in one quantum.
        uint64 quantum;
    }

    Asset[] private _assets;
    /// The asset's number plus one.
    mapping(address token => uint256) private _assetOf;
    /// Wei that the exchange owes, by asset.
    mapping(uint16 asset => uint256) public held;
    bool private transient _entered;

    event AssetListed(uint16 indexed asset, address indexed token, uint64 quantum);

    /// A hostile token or recipient calls back.
    error Reentered();
    /// No asset has this number.
    error UnknownAsset(uint16 asset);
    /// A token is listed once, under one quantum.
    error AssetAlreadyListed(uint16 asset);
    /// There is no code at the token's address, or the quantum is zero.
    error BadAsset(address token, uint64 quantum);
    /// No more assets can be numbered.
    error TooManyAssets();
    /// An amount must be positive and fit 64 bits of quanta.
    error BadAmount(uint256 amount);
    /// The coins sent are not exactly the amount.
    error WrongValue(uint256 expected, uint256 sent);
    /// What arrived is not a whole number of quanta.
    error InexactTransfer(uint256 received, uint64 quantum);
    /// The token or the recipient refused the transfer.
    error TransferFailed(address token, address to);
    /// The token took another amount out of custody than was paid.
    error TokenTookMore(address token, uint256 expected, uint256 taken);
    /// More is asked for than the asset holds, which only a false proof can do.
    error InsufficientCustody(uint16 asset, uint256 held, uint256 amount);
    /// Only the owner may name another recipient.
    error NotOwner(address caller, address owner);

    modifier nonReentrant() {
        if (_entered) revert Reentered();
        _entered = true;
        _;
        _entered = false;
    }

    /// Lists an asset under the next number. It never changes.
    function listAsset(address token, uint64 quantum) external onlyAdmin returns (uint16 asset) {
        if (quantum == 0 || (token != address(0) && token.code.length == 0)) revert BadAsset(token, quantum);
        if (_assetOf[token] != 0) revert AssetAlreadyListed(uint16(_assetOf[token] - 1));
        if (_assets.length > type(uint16).max) revert TooManyAssets();
        asset = uint16(_assets.length);
        _assets.push(Asset(token, quantum));
        _assetOf[token] = uint256(asset) + 1;
        emit AssetListed(asset, token, quantum);
    }

    /// How many assets are listed.
    function assetCount() external view returns (uint256) {
        return _assets.length;
    }

    /// An asset's token and quantum.
    function assetInfo(uint16 asset) public view returns (address token, uint64 quantum) {
        if (asset >= _assets.length) revert UnknownAsset(asset);
        Asset storage entry = _assets[asset];
        return (entry.token, entry.quantum);
    }

    /// Takes an amount in from the caller. Returns the quanta that arrived: a token that charges for its transfers brings
    /// fewer. Only inside `nonReentrant`: the tokens that arrive are the difference of two balances.
    function _takeIn(uint16 asset, uint64 amount) internal returns (uint64 credited) {
        if (amount == 0) revert BadAmount(amount);
        (address token, uint64 quantum) = assetInfo(asset);
        uint256 value = uint256(amount) * quantum;
        uint256 received = value;
        if (token == address(0)) {
            if (msg.value != value) revert WrongValue(value, msg.value);
        } else {
            if (msg.value != 0) revert WrongValue(0, msg.value);
            uint256 before = IERC20(token).balanceOf(address(this));
            _callToken(token, abi.encodeCall(IERC20.transferFrom, (msg.sender, address(this), value)), address(this));
            received = IERC20(token).balanceOf(address(this)) - before;
            if (received % quantum != 0) revert InexactTransfer(received, quantum);
        }
        uint256 quanta = received / quantum;
        if (quanta == 0 || quanta > type(uint64).max) revert BadAmount(quanta);
        held[asset] += received;
        return uint64(quanta);
    }

    /// Pays an amount of quanta to its owner, or to whom the owner names. The caller has marked the debt as paid.
    function _payOut(uint16 asset, uint256 amount, address owner, address recipient) internal {
        if (recipient == address(0)) revert ZeroAddress();
        if (recipient != owner && msg.sender != owner) revert NotOwner(msg.sender, owner);
        (address token, uint64 quantum) = assetInfo(asset);
        uint256 value = amount * quantum;
        uint256 left = held[asset];
        if (value > left) revert InsufficientCustody(asset, left, value);
        held[asset] = left - value;
        if (token == address(0)) {
            (bool paid,) = recipient.call{value: value}("");
            if (!paid) revert TransferFailed(token, recipient);
        } else {
            uint256 before = IERC20(token).balanceOf(address(this));
            _callToken(token, abi.encodeCall(IERC20.transfer, (recipient, value)), recipient);
            uint256 taken = before - IERC20(token).balanceOf(address(this));
            if (taken != value) revert TokenTookMore(token, value, taken);
        }
    }

    /// Tokens return true, or nothing at all.
    function _callToken(address token, bytes memory call, address to) private {
        (bool done, bytes memory result) = token.call(call);
        if (!done || (result.length != 0 && (result.length < 32 || !abi.decode(result, (bool))))) {
            revert TransferFailed(token, to);
        }
    }
}
