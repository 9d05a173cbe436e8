// @solana/kit against a served embedded cluster: airdrop, token set-up, reads, simulation, sending, confirmation, subscriptions.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as kit from '@solana/kit';
import { getCreateAccountInstruction, getTransferSolInstruction } from '@solana-program/system';
import {
  TOKEN_PROGRAM_ADDRESS,
  fetchMint,
  fetchToken,
  findAssociatedTokenPda,
  getCreateAssociatedTokenInstructionAsync,
  getInitializeMint2Instruction,
  getMintSize,
  getMintToInstruction,
} from '@solana-program/token';
import { decompress } from 'fzstd';

const rpc = kit.createSolanaRpc(process.env.RPC_URL);
const rpcSubscriptions = kit.createSolanaRpcSubscriptions(process.env.WS_URL);
const airdrop = kit.airdropFactory({ rpc, rpcSubscriptions });
const sendAndConfirm = kit.sendAndConfirmTransactionFactory({ rpc, rpcSubscriptions });
const confirmed = { commitment: 'confirmed' };
let payer, mint, holding;

async function signed(instructions, signer = payer) {
  const { value: lifetime } = await rpc.getLatestBlockhash(confirmed).send();
  const message = kit.pipe(
    kit.createTransactionMessage({ version: 0 }),
    (m) => kit.setTransactionMessageFeePayerSigner(signer, m),
    (m) => kit.setTransactionMessageLifetimeUsingBlockhash(lifetime, m),
    (m) => kit.appendTransactionMessageInstructions(instructions, m),
  );
  const transaction = await kit.signTransactionMessageWithSigners(message);
  return { message, transaction, signature: kit.getSignatureFromTransaction(transaction) };
}

async function landed(instructions) {
  const { transaction, signature } = await signed(instructions);
  await sendAndConfirm(transaction, confirmed);
  return signature;
}

before(async () => {
  payer = await kit.generateKeyPairSigner();
  await airdrop({ ...confirmed, lamports: kit.lamports(5_000_000_000n), recipientAddress: payer.address });
  mint = await kit.generateKeyPairSigner();
  const space = BigInt(getMintSize());
  const rent = await rpc.getMinimumBalanceForRentExemption(space).send();
  [holding] = await findAssociatedTokenPda({ owner: payer.address, mint: mint.address, tokenProgram: TOKEN_PROGRAM_ADDRESS });
  await landed([
    getCreateAccountInstruction({ payer, newAccount: mint, lamports: rent, space, programAddress: TOKEN_PROGRAM_ADDRESS }),
    getInitializeMint2Instruction({ mint: mint.address, decimals: 6, mintAuthority: payer.address }),
    await getCreateAssociatedTokenInstructionAsync({ payer, owner: payer.address, mint: mint.address }),
    getMintToInstruction({ mint: mint.address, token: holding, mintAuthority: payer, amount: 1_234_567n }),
  ]);
});

test('the airdrop is confirmed over signatureSubscribe and can be read', async () => {
  const { value } = await rpc.getBalance(payer.address, confirmed).send();
  assert.ok(value > 4_900_000_000n && value < 5_000_000_000n, String(value));
});

test('mints and token accounts read back through the program clients', async () => {
  const mintAccount = await fetchMint(rpc, mint.address, confirmed);
  assert.equal(mintAccount.data.supply, 1_234_567n);
  assert.equal(mintAccount.data.decimals, 6);
  const token = await fetchToken(rpc, holding, confirmed);
  assert.equal(token.data.amount, 1_234_567n);
  assert.equal(token.data.owner, payer.address);
});

test('token methods agree', async () => {
  const balance = await rpc.getTokenAccountBalance(holding, confirmed).send();
  assert.equal(balance.value.uiAmountString, '1.234567');
  const supply = await rpc.getTokenSupply(mint.address, confirmed).send();
  assert.equal(supply.value.amount, '1234567');
  const owned = await rpc.getTokenAccountsByOwner(payer.address, { mint: mint.address }, { ...confirmed, encoding: 'jsonParsed' }).send();
  assert.equal(owned.value.length, 1);
  assert.equal(owned.value[0].pubkey, holding);
  assert.equal(owned.value[0].account.data.parsed.info.tokenAmount.amount, '1234567');
  const largest = await rpc.getTokenLargestAccounts(mint.address, confirmed).send();
  assert.equal(largest.value[0].address, holding);
});

test('getProgramAccounts filters by size and bytes', async () => {
  const filters = [{ dataSize: 165n }, { memcmp: { offset: 0n, bytes: mint.address, encoding: 'base58' } }];
  const found = await rpc.getProgramAccounts(TOKEN_PROGRAM_ADDRESS, { ...confirmed, encoding: 'base64', withContext: true, filters }).send();
  assert.deepEqual(found.value.map((item) => item.pubkey), [holding]);
  const none = await rpc.getProgramAccounts(TOKEN_PROGRAM_ADDRESS, { ...confirmed, encoding: 'base64', filters: [...filters, { dataSize: 82n }] }).send();
  assert.equal(none.length, 0);
});

test('base64+zstd decompresses to the same bytes as base64, whole and sliced', async () => {
  for (const dataSlice of [undefined, { offset: 36, length: 9 }]) {
    const plain = await rpc.getAccountInfo(mint.address, { ...confirmed, encoding: 'base64', ...(dataSlice && { dataSlice }) }).send();
    const packed = await rpc.getAccountInfo(mint.address, { ...confirmed, encoding: 'base64+zstd', ...(dataSlice && { dataSlice }) }).send();
    assert.equal(packed.value.data[1], 'base64+zstd');
    assert.deepEqual(Buffer.from(decompress(Buffer.from(packed.value.data[0], 'base64'))), Buffer.from(plain.value.data[0], 'base64'));
  }
});

test('a simulation tells the account afterwards and changes nothing', async () => {
  const other = await kit.generateKeyPairSigner();
  const transfer = getTransferSolInstruction({ source: payer, destination: other.address, amount: 1_000_000_000n });
  const { transaction } = await signed([transfer]);
  const wire = kit.getBase64EncodedWireTransaction(transaction);
  const { value } = await rpc
    .simulateTransaction(wire, {
      ...confirmed,
      encoding: 'base64',
      sigVerify: true,
      innerInstructions: true,
      accounts: { encoding: 'base64', addresses: [other.address] },
    })
    .send();
  assert.equal(value.err, null);
  assert.equal(value.unitsConsumed, 150n);
  assert.equal(value.accounts[0].lamports, 1_000_000_000n);
  const after = await rpc.getAccountInfo(other.address, { commitment: 'processed', encoding: 'base64' }).send();
  assert.equal(after.value, null);
});

test('a sent transaction is fetched with balances, logs and both encodings', async () => {
  const { value: fee } = await rpc.getFeeForMessage(encoded(await signed([])), confirmed).send();
  assert.equal(fee, 5000n);
  const signature = await landed([getMintToInstruction({ mint: mint.address, token: holding, mintAuthority: payer, amount: 1n })]);
  const json = await rpc.getTransaction(signature, { ...confirmed, encoding: 'json', maxSupportedTransactionVersion: 0 }).send();
  assert.equal(json.meta.err, null);
  assert.equal(json.meta.fee, 5000n);
  const index = json.meta.postTokenBalances[0].accountIndex;
  assert.equal(json.transaction.message.accountKeys[index], holding);
  const [pre, post] = [json.meta.preTokenBalances[0], json.meta.postTokenBalances[0]].map((b) => BigInt(b.uiTokenAmount.amount));
  assert.equal(post - pre, 1n);
  const parsed = await rpc.getTransaction(signature, { ...confirmed, encoding: 'jsonParsed', maxSupportedTransactionVersion: 0 }).send();
  assert.equal(parsed.transaction.message.instructions[0].parsed.type, 'mintTo');
  const statuses = await rpc.getSignatureStatuses([signature], { searchTransactionHistory: true }).send();
  assert.equal(statuses.value[0].err, null);
  const history = await rpc.getSignaturesForAddress(holding, { ...confirmed, limit: 1 }).send();
  assert.equal(history[0].signature, signature);
});

function encoded({ transaction }) {
  return kit.getBase64Decoder().decode(transaction.messageBytes);
}

test('a failing transaction is refused in preflight with the program error', async () => {
  const other = await kit.generateKeyPairSigner();
  const { transaction } = await signed([getTransferSolInstruction({ source: payer, destination: other.address, amount: 10n ** 15n })]);
  await assert.rejects(sendAndConfirm(transaction, confirmed), (error) => {
    assert.ok(kit.isSolanaError(error, kit.SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE), String(error));
    assert.equal(error.context.unitsConsumed, 150n);
    assert.ok(error.context.logs.some((line) => line.includes('insufficient lamports')));
    assert.ok(kit.isSolanaError(error.cause, kit.SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM));
    return true;
  });
});

test('a known blockhash is valid and a strange one is not', async () => {
  const { value: lifetime } = await rpc.getLatestBlockhash(confirmed).send();
  const { value } = await rpc.isBlockhashValid(lifetime.blockhash, confirmed).send();
  assert.equal(value, true);
  const strange = await rpc.isBlockhashValid(mint.address, confirmed).send();
  assert.equal(strange.value, false);
});

test('account, program, logs and slot subscriptions notify', async () => {
  const abortController = new AbortController();
  const { abort, signal: abortSignal } = { abort: () => abortController.abort(), signal: abortController.signal };
  const watched = await kit.generateKeyPairSigner();
  const streams = await Promise.all([
    rpcSubscriptions.accountNotifications(watched.address, { ...confirmed, encoding: 'base64' }).subscribe({ abortSignal }),
    rpcSubscriptions.programNotifications(TOKEN_PROGRAM_ADDRESS, { ...confirmed, encoding: 'base64', filters: [{ dataSize: 165n }] }).subscribe({ abortSignal }),
    rpcSubscriptions.logsNotifications({ mentions: [watched.address] }, confirmed).subscribe({ abortSignal }),
    rpcSubscriptions.slotNotifications().subscribe({ abortSignal }),
  ]);
  const firsts = Promise.all(streams.map(async (stream) => { for await (const item of stream) return item; }));
  const signature = await landed([
    getTransferSolInstruction({ source: payer, destination: watched.address, amount: 7_000_000n }),
    getMintToInstruction({ mint: mint.address, token: holding, mintAuthority: payer, amount: 1n }),
  ]);
  const [account, program, logs, slot] = await firsts;
  abort();
  assert.equal(account.value.lamports, 7_000_000n);
  assert.equal(program.value.pubkey, holding);
  assert.equal(logs.value.signature, signature);
  assert.equal(slot.parent, slot.slot - 1n);
});

test('what a wallet asks about the cluster is answered', async () => {
  const [epoch, schedule, version, health, genesis, identity] = await Promise.all([
    rpc.getEpochInfo(confirmed).send(),
    rpc.getEpochSchedule().send(),
    rpc.getVersion().send(),
    rpc.getHealth().send(),
    rpc.getGenesisHash().send(),
    rpc.getIdentity().send(),
  ]);
  assert.equal(epoch.slotsInEpoch, schedule.slotsPerEpoch);
  assert.match(version['solana-core'], /^\d+\.\d+\.\d+$/);
  assert.equal(health, 'ok');
  assert.ok(kit.isBlockhash(genesis));
  assert.ok(kit.isAddress(identity.identity));
  const block = await rpc.getBlock(await rpc.getSlot(confirmed).send(), { ...confirmed, maxSupportedTransactionVersion: 0 }).send();
  assert.equal(block.parentSlot, block.blockHeight - 1n);
});
