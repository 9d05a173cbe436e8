"""The outside: clusters over JSON-RPC (`rpc`), venues' public APIs (`apis`), keypair files (`signers`), token lists (`tokens`)."""
