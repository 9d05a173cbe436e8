// @meteora-ag/dlmm, @meteora-ag/cp-amm-sdk and @meteora-ag/dynamic-amm-sdk: the quote functions of their documentation.

import { createRequire } from "node:module";
import { recordedConnection } from "./cluster.mjs";

const require = createRequire(import.meta.url);
const BIN_ARRAY = Buffer.from("5c8e5cdc059446b5", "hex");
const NO_SLIPPAGE = 0;

function inside(name) {
  const within = createRequire(require.resolve(name));
  return { sdk: require(name), web3: within("@solana/web3.js"), BN: within("bn.js"), token: within("@solana/spl-token") };
}

/** DLMM.swapQuote and swapQuoteExactOut. They read the host's clock, which is set to the recording's. */
export async function dlmm(state) {
  const { sdk, web3, BN } = inside("@meteora-ag/dlmm");
  const pair = await sdk.create(recordedConnection(web3, state), new web3.PublicKey(state.pool));
  const arrays = state.accounts
    .map(({ pubkey, data }) => ({ pubkey, data: Buffer.from(data, "base64") }))
    .filter(({ data }) => data.subarray(0, 8).equals(BIN_ARRAY))
    .map(({ pubkey, data }) => ({ publicKey: new web3.PublicKey(pubkey), account: sdk.decodeAccount(pair.program, "binArray", data) }));
  const mintX = pair.tokenX.publicKey.toBase58();
  const slippage = new BN(NO_SLIPPAGE);
  return ({ mode, input_mint: mintIn, amount }) => {
    const swapForY = mintIn === mintX;
    if (mode === "exact_in") {
      const quote = pair.swapQuote(new BN(amount), swapForY, slippage, arrays);
      return [quote.consumedInAmount, quote.outAmount];
    }
    const quote = pair.swapQuoteExactOut(new BN(amount), swapForY, slippage, arrays);
    return [quote.inAmount, quote.outAmount];
  };
}

/** CpAmm.getQuote2. */
export async function dammV2(state) {
  const { sdk, web3, BN, token } = inside("@meteora-ag/cp-amm-sdk");
  const connection = recordedConnection(web3, state);
  const amm = new sdk.CpAmm(connection);
  const poolState = await amm.fetchPoolState(new web3.PublicKey(state.pool));
  const mints = new Map();
  for (const address of [poolState.tokenAMint, poolState.tokenBMint]) {
    const account = await connection.getAccountInfo(address);
    const mint = token.unpackMint(address, account, account.owner);
    const taxed = account.owner.equals(token.TOKEN_2022_PROGRAM_ID);
    const key = address.toBase58();
    mints.set(key, { address, decimals: mint.decimals, info: taxed ? { mint, currentEpoch: Number(state.clock.epoch) } : undefined });
  }
  const shared = {
    poolState,
    slippage: NO_SLIPPAGE,
    hasReferral: false,
    currentPoint: new BN(poolState.activationType ? state.clock.unix_timestamp : state.clock.slot),
    tokenADecimal: mints.get(poolState.tokenAMint.toBase58()).decimals,
    tokenBDecimal: mints.get(poolState.tokenBMint.toBase58()).decimals,
  };
  return ({ mode, input_mint: mintIn, output_mint: mintOut, amount }) => {
    const [from, to] = [mints.get(mintIn), mints.get(mintOut)];
    const asked = { ...shared, inputTokenMint: from.address, inputTokenInfo: from.info, outputTokenInfo: to.info };
    if (mode === "exact_in") {
      const quote = amm.getQuote2({ ...asked, swapMode: sdk.SwapMode.ExactIn, amountIn: new BN(amount) });
      return [amount, quote.outputAmount];
    }
    const quote = amm.getQuote2({ ...asked, swapMode: sdk.SwapMode.ExactOut, amountOut: new BN(amount) });
    return [quote.includedFeeInputAmount, amount];
  };
}

/** AmmImpl.getSwapQuote, which knows exact inputs only. */
export async function dammV1(state) {
  const { sdk, web3, BN } = inside("@meteora-ag/dynamic-amm-sdk");
  const pool = await sdk.default.create(recordedConnection(web3, state), new web3.PublicKey(state.pool));
  return ({ mode, input_mint: mintIn, amount }) => {
    if (mode !== "exact_in") return null;
    const quote = pool.getSwapQuote(new web3.PublicKey(mintIn), new BN(amount), NO_SLIPPAGE);
    return [quote.swapInAmount, quote.swapOutAmount];
  };
}
