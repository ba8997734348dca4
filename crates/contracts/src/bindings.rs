//! Bindings of the contracts, made from the committed artifacts. `BYTECODE` is what to deploy; constructor arguments follow
//! it.
#![allow(clippy::pedantic, clippy::too_many_arguments, reason = "made from the artifacts")]

use alloy_sol_types::sol;

sol!(
    #[derive(Debug, PartialEq, Eq)]
    Exchange,
    "../../contracts/artifacts/Exchange.json"
);
sol!(
    #[derive(Debug, PartialEq, Eq)]
    AttestedVerifier,
    "../../contracts/artifacts/AttestedVerifier.json"
);
sol!(
    #[derive(Debug, PartialEq, Eq)]
    Groth16Verifier,
    "../../contracts/artifacts/Groth16Verifier.json"
);
sol!(
    #[derive(Debug, PartialEq, Eq)]
    Sp1Verifier,
    "../../contracts/artifacts/Sp1Verifier.json"
);
sol!(
    #[derive(Debug, PartialEq, Eq)]
    ZiskVerifier,
    "../../contracts/artifacts/ZiskVerifier.json"
);
sol!(
    /// Several calls in one transaction: for development chains.
    #[derive(Debug, PartialEq, Eq)]
    Calls,
    "../../contracts/artifacts/test/Calls.json"
);
sol!(
    /// Anybody may mint: for development chains.
    #[derive(Debug, PartialEq, Eq)]
    Token,
    "../../contracts/artifacts/test/Token.json"
);

sol! {
    /// What the exchange needs of a token.
    #[derive(Debug, PartialEq, Eq)]
    interface IERC20 {
        function balanceOf(address owner) external view returns (uint256);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 amount) external returns (bool);
        function decimals() external view returns (uint8);
    }
}
