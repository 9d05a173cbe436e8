// A connection that answers from one recorded state, so that the SDKs load pools through their own readers and decoders.

const CLOCK = "SysvarC1ock11111111111111111111111111111111";

/** `web3` is the @solana/web3.js the SDK itself uses; `state` is a recording of format 1. */
export function recordedConnection(web3, state) {
  const accounts = new Map(state.accounts.map((account) => [account.pubkey, account]));
  const connection = new web3.Connection("http://127.0.0.1:1", "confirmed");
  const context = { slot: Number(state.clock.slot) };
  const shown = (address) => {
    const account = address === CLOCK ? clockAccount(state.clock) : accounts.get(address);
    if (account === undefined) return null;
    const lamports = Number(account.lamports);
    return { data: [account.data, "base64"], executable: false, lamports, owner: account.owner, rentEpoch: 0, space: 0 };
  };
  const answers = {
    getAccountInfo: ([address]) => ({ context, value: shown(address) }),
    getMultipleAccounts: ([addresses]) => ({ context, value: addresses.map(shown) }),
    getTokenSupply: ([mint]) => ({ context, value: tokenSupply(accounts.get(mint)) }),
    getEpochInfo: () => epochInfo(state.clock),
  };
  connection._rpcRequest = async (method, args) => {
    const answer = answers[method];
    if (answer === undefined) throw new Error(`${method} cannot be answered from a recording`);
    return { jsonrpc: "2.0", id: "1", result: answer(args) };
  };
  connection._rpcBatchRequest = (requests) => Promise.all(requests.map(({ methodName, args }) => connection._rpcRequest(methodName, args)));
  return connection;
}

export function epochInfo(clock) {
  return { epoch: Number(clock.epoch), absoluteSlot: Number(clock.slot), slotIndex: 0, slotsInEpoch: 432000 };
}

function tokenSupply({ data }) {
  const mint = Buffer.from(data, "base64");
  return { amount: mint.readBigUInt64LE(36).toString(), decimals: mint[44], uiAmount: null, uiAmountString: "" };
}

function clockAccount(clock) {
  const data = Buffer.alloc(40);
  data.writeBigUInt64LE(BigInt(clock.slot), 0);
  data.writeBigUInt64LE(BigInt(clock.epoch), 16);
  data.writeBigUInt64LE(BigInt(clock.epoch), 24);
  data.writeBigInt64LE(BigInt(clock.unix_timestamp), 32);
  return { data: data.toString("base64"), lamports: "1", owner: "Sysvar1111111111111111111111111111111111111" };
}
