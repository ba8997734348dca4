//! Tokens, wallets and gateways that only tests have.
#![allow(missing_docs, clippy::pedantic, reason = "made from the artifacts")]

use alloy_sol_types::sol;

sol!(Token, "../../contracts/artifacts/test/Token.json");
sol!(SilentToken, "../../contracts/artifacts/test/SilentToken.json");
sol!(RefusingToken, "../../contracts/artifacts/test/RefusingToken.json");
sol!(FeeToken, "../../contracts/artifacts/test/FeeToken.json");
sol!(GreedyToken, "../../contracts/artifacts/test/GreedyToken.json");
sol!(FreezingToken, "../../contracts/artifacts/test/FreezingToken.json");
sol!(HostileToken, "../../contracts/artifacts/test/HostileToken.json");
sol!(Wallet, "../../contracts/artifacts/test/Wallet.json");
sol!(Gateways, "../../contracts/artifacts/test/Gateways.json");
sol!(Nodder, "../../contracts/artifacts/test/Nodder.json");
sol!(CredulousVerifier, "../../contracts/artifacts/test/CredulousVerifier.json");
sol!(UnnamedVerifier, "../../contracts/artifacts/test/UnnamedVerifier.json");
