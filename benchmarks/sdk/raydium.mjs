// @raydium-io/raydium-sdk-v2: the quote functions its own swap demos call.

import { createRequire } from "node:module";
import { epochInfo, recordedConnection } from "./cluster.mjs";

const require = createRequire(import.meta.url);
const sdk = require("@raydium-io/raydium-sdk-v2");
const within = createRequire(require.resolve("@raydium-io/raydium-sdk-v2"));
const web3 = within("@solana/web3.js");
const BN = within("bn.js");

const NO_SLIPPAGE = 0;

function raydium(state) {
  return new sdk.Raydium({ connection: recordedConnection(web3, state), cluster: "mainnet" });
}

/** Liquidity.computeAmountOut and computeAmountIn on what toAmmComputePoolInfo makes of the accounts. */
export async function ammV4(state) {
  const { liquidity } = raydium(state);
  const poolInfo = sdk.toAmmComputePoolInfo({ [state.pool]: await liquidity.getRpcPoolInfo(state.pool) })[state.pool];
  return ({ mode, input_mint: mintIn, output_mint: mintOut, amount }) => {
    if (mode === "exact_in") {
      const quote = liquidity.computeAmountOut({ poolInfo, amountIn: new BN(amount), mintIn, mintOut, slippage: NO_SLIPPAGE });
      return [amount, quote.amountOut];
    }
    const quote = liquidity.computeAmountIn({ poolInfo, amountOut: new BN(amount), mintIn, mintOut, slippage: NO_SLIPPAGE });
    return [quote.amountIn, amount];
  };
}

/** Cpmm.computeSwapAmount. It leaves Token-2022 transfer fees to the caller. */
export async function cpmm(state) {
  const { cpmm: module } = raydium(state);
  const { computePoolInfo: pool } = await module.getPoolInfoFromRpc(state.pool);
  return ({ mode, output_mint: outputMint, amount }) => {
    const swapBaseIn = mode === "exact_in";
    const quote = module.computeSwapAmount({ pool, amountIn: new BN(amount), outputMint, slippage: NO_SLIPPAGE, swapBaseIn });
    return [quote.amountIn, quote.amountOut];
  };
}

/** The innermost calculator of the same SDK, without prices and slippage. */
export async function cpmmCurve(state) {
  const { cpmm: module } = raydium(state);
  const { computePoolInfo: pool } = await module.getPoolInfoFromRpc(state.pool);
  const rates = [pool.configInfo.tradeFeeRate, pool.configInfo.creatorFeeRate, pool.configInfo.protocolFeeRate, pool.configInfo.fundFeeRate];
  return ({ mode, output_mint: outputMint, amount }) => {
    const forward = outputMint === pool.mintB.address;
    const reserves = forward ? [pool.baseReserve, pool.quoteReserve] : [pool.quoteReserve, pool.baseReserve];
    const compute = mode === "exact_in" ? sdk.CurveCalculator.swapBaseInput : sdk.CurveCalculator.swapBaseOutput;
    const quote = compute.call(sdk.CurveCalculator, new BN(amount), ...reserves, ...rates, true);
    return [quote.inputAmount, quote.outputAmount];
  };
}

/** PoolUtils.computeAmountOut and computeAmountIn. */
export async function clmm(state) {
  const { clmm: module } = raydium(state);
  const { computePoolInfo: poolInfo, tickData } = await module.getPoolInfoFromRpc(state.pool);
  const shared = {
    poolInfo,
    tickarrayBitmapExtension: poolInfo.exBitmapInfo,
    tickArrayCache: tickData[state.pool],
    epochInfo: epochInfo(state.clock),
    slippage: NO_SLIPPAGE,
    blockTimestamp: Number(state.clock.unix_timestamp),
  };
  return ({ mode, input_mint: mintIn, output_mint: mintOut, amount }) => {
    if (mode === "exact_in") {
      const quote = sdk.PoolUtils.computeAmountOut({ ...shared, baseMint: new web3.PublicKey(mintIn), amountIn: new BN(amount) });
      return quote.allTrade ? [amount, quote.amountOut.amount.sub(quote.amountOut.fee ?? new BN(0))] : null;
    }
    const quote = sdk.PoolUtils.computeAmountIn({ ...shared, baseMint: new web3.PublicKey(mintOut), amountOut: new BN(amount) });
    return quote.allTrade ? [quote.amountIn.amount, amount] : null;
  };
}
