// node quotes.mjs STATES.json: quotes every swap of every state with its venue's SDK; one JSON line a state on stdout.
// {venue, name, quotes: [[amount_in, amount_out] or null], ns: [nanoseconds of a warm quote or null]} or {venue, name, error}.

import { readFileSync } from "node:fs";
import { dammV1, dammV2, dlmm } from "./meteora.mjs";
import { ammV4, clmm, cpmm, cpmmCurve } from "./raydium.mjs";

const SDKS = {
  "raydium-amm-v4": ammV4,
  "raydium-cpmm": cpmm,
  "raydium-cpmm (inner)": cpmmCurve,
  "raydium-clmm": clmm,
  "meteora-damm-v1": dammV1,
  "meteora-damm-v2": dammV2,
  "meteora-dlmm": dlmm,
};
const WARM_NS = 60_000_000n; // by which V8 has compiled what it will
const BATCH_NS = 400_000;
const BATCHES = 5;

const now = process.hrtime.bigint;

function attempt(quote, swap) {
  try {
    const amounts = quote(swap);
    return amounts && amounts.map(String);
  } catch {
    return null;
  }
}

function time(quote, swap) {
  const once = now();
  quote(swap);
  const count = Math.max(1, Math.round(BATCH_NS / Math.max(1, Number(now() - once))));
  const samples = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const started = now();
    for (let i = 0; i < count; i++) quote(swap);
    samples.push(Number(now() - started) / count);
  }
  return Math.min(...samples); // what else the machine does only ever adds
}

console.log = console.warn = console.debug = () => {};
for (const state of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  Date.now = () => Number(state.clock.unix_timestamp) * 1000;
  const answer = { venue: state.venue, name: state.name };
  try {
    const quote = await SDKS[state.venue](state);
    answer.quotes = state.swaps.map((swap) => attempt(quote, swap));
    const possible = state.swaps.filter((_, i) => answer.quotes[i] !== null);
    const warm = now() + WARM_NS;
    while (possible.length && now() < warm) for (const swap of possible) quote(swap);
    answer.ns = state.swaps.map((swap, i) => (answer.quotes[i] === null ? null : time(quote, swap)));
  } catch (error) {
    answer.error = String(error?.message ?? error);
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
