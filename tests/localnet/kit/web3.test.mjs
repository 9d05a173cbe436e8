// @solana/web3.js and @solana/spl-token against a served embedded cluster: the older client, which most programs still use.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as splToken from '@solana/spl-token';
import * as web3 from '@solana/web3.js';

const { createMint, getOrCreateAssociatedTokenAccount, mintTo, getAccount, getMint, TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID } = splToken;
const { AddressLookupTableProgram, Connection, Keypair, SystemProgram, Transaction, TransactionMessage, VersionedTransaction } = web3;
const connection = new Connection(process.env.RPC_URL, { commitment: 'confirmed', wsEndpoint: process.env.WS_URL });
const payer = Keypair.generate();

const transfer = (to, lamports) => SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: to, lamports });

async function sendVersioned(instructions, tables = []) {
  const lifetime = await connection.getLatestBlockhash();
  const message = new TransactionMessage({ payerKey: payer.publicKey, recentBlockhash: lifetime.blockhash, instructions });
  const transaction = new VersionedTransaction(message.compileToV0Message(tables));
  transaction.sign([payer]);
  const signature = await connection.sendTransaction(transaction);
  const outcome = await connection.confirmTransaction({ signature, ...lifetime });
  assert.equal(outcome.value.err, null);
  return signature;
}

before(async () => {
  const lifetime = await connection.getLatestBlockhash();
  const signature = await connection.requestAirdrop(payer.publicKey, 5_000_000_000);
  await connection.confirmTransaction({ signature, ...lifetime });
  assert.equal(await connection.getBalance(payer.publicKey), 5_000_000_000);
});

for (const [name, program] of [['SPL Token', TOKEN_PROGRAM_ID], ['Token-2022', TOKEN_2022_PROGRAM_ID]]) {
  test(`${name}: create, mint, read back, parse`, async () => {
    const mint = await createMint(connection, payer, payer.publicKey, null, 9, undefined, undefined, program);
    const holding = await getOrCreateAssociatedTokenAccount(connection, payer, mint, payer.publicKey, false, undefined, undefined, program);
    const signature = await mintTo(connection, payer, mint, holding.address, payer, 5n, [], undefined, program);
    assert.equal((await getAccount(connection, holding.address, undefined, program)).amount, 5n);
    assert.equal((await getMint(connection, mint, undefined, program)).supply, 5n);
    const parsed = await connection.getParsedTokenAccountsByOwner(payer.publicKey, { mint });
    assert.equal(parsed.value[0].account.data.parsed.info.tokenAmount.amount, '5');
    const transaction = await connection.getParsedTransaction(signature, { maxSupportedTransactionVersion: 0 });
    assert.equal(transaction.meta.postTokenBalances[0].mint, mint.toBase58());
    assert.equal(transaction.transaction.message.instructions[0].parsed.type, 'mintTo');
    const found = await connection.getProgramAccounts(program, { filters: [{ memcmp: { offset: 0, bytes: mint.toBase58() } }] });
    assert.deepEqual(found.map((item) => item.pubkey.toBase58()), [holding.address.toBase58()]);
  });
}

test('an address lookup table is made, extended and used', async () => {
  const slot = await connection.getSlot('confirmed');
  const [create, table] = AddressLookupTableProgram.createLookupTable({ authority: payer.publicKey, payer: payer.publicKey, recentSlot: slot });
  const receivers = Array.from({ length: 3 }, () => Keypair.generate().publicKey);
  const extend = AddressLookupTableProgram.extendLookupTable({
    payer: payer.publicKey,
    authority: payer.publicKey,
    lookupTable: table,
    addresses: receivers,
  });
  await sendVersioned([create, extend]);
  const account = (await connection.getAddressLookupTable(table)).value;
  assert.equal(account.state.addresses.length, 3);
  // what was added can be looked up from the slot after, and the preflight looks from a confirmed one
  while ((await connection.getSlot('confirmed')) <= account.state.lastExtendedSlot) await new Promise((wake) => setTimeout(wake, 10));
  const signature = await sendVersioned(receivers.map((receiver) => transfer(receiver, 2_000_000)), [account]);
  const landed = await connection.getTransaction(signature, { maxSupportedTransactionVersion: 0 });
  assert.equal(landed.meta.loadedAddresses.writable.length, 3);
  assert.equal(landed.meta.postBalances.filter((lamports) => lamports === 2_000_000).length, 3);
  await assert.rejects(connection.getTransaction(signature, { maxSupportedTransactionVersion: undefined }), { code: -32015 });
});

test('a failing transaction sent without preflight lands with its error and pays', async () => {
  const before = await connection.getBalance(payer.publicKey);
  const transaction = new Transaction().add(transfer(Keypair.generate().publicKey, 10 ** 15));
  const signature = await connection.sendTransaction(transaction, [payer], { skipPreflight: true });
  let status = null;
  for (let tries = 0; tries < 200 && status?.confirmationStatus !== 'confirmed'; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    status = (await connection.getSignatureStatuses([signature])).value[0];
  }
  assert.deepEqual(status.err, { InstructionError: [0, { Custom: 1 }] });
  assert.equal(await connection.getBalance(payer.publicKey), before - 5000);
  const history = await connection.getSignaturesForAddress(payer.publicKey, { limit: 1 });
  assert.equal(history[0].signature, signature);
  assert.deepEqual(history[0].err, status.err);
});

test('preflight refuses with logs; simulation replaces the blockhash', async () => {
  const transaction = new Transaction().add(transfer(Keypair.generate().publicKey, 10 ** 15));
  await assert.rejects(connection.sendTransaction(transaction, [payer]), (error) => {
    assert.ok(error instanceof web3.SendTransactionError, String(error));
    assert.ok(error.logs.some((line) => line.includes('insufficient lamports')));
    return true;
  });
  const message = new TransactionMessage({
    payerKey: payer.publicKey,
    recentBlockhash: Keypair.generate().publicKey.toBase58(),
    instructions: [transfer(Keypair.generate().publicKey, 1_000_000)],
  });
  const stale = new VersionedTransaction(message.compileToV0Message());
  assert.equal((await connection.simulateTransaction(stale)).value.err, 'BlockhashNotFound');
  const fresh = await connection.simulateTransaction(stale, { replaceRecentBlockhash: true });
  assert.equal(fresh.value.err, null);
});

test('account and log listeners are called', async () => {
  const watched = Keypair.generate().publicKey;
  let ids = [];
  const heard = Promise.all([
    new Promise((resolve) => ids.push(connection.onAccountChange(watched, (account) => resolve(account), { commitment: 'confirmed' }))),
    new Promise((resolve) => connection.onLogs(watched, (logs) => resolve(logs), 'confirmed')),
  ]);
  await new Promise((resolve) => connection.onSlotChange(resolve));
  const signature = await sendVersioned([transfer(watched, 3_000_000)]);
  const [account, logs] = await heard;
  assert.equal(account.lamports, 3_000_000);
  assert.equal(logs.signature, signature);
  await connection.removeAccountChangeListener(ids[0]);
});

test('blocks, fees and the rest of what programs ask', async () => {
  const slot = await connection.getSlot('confirmed');
  const block = await connection.getBlock(slot, { maxSupportedTransactionVersion: 0 });
  assert.equal(block.parentSlot, slot - 1);
  assert.ok(Math.abs((await connection.getBlockTime(slot)) - Date.now() / 1000) < 10);
  assert.ok((await connection.getRecentPrioritizationFees()).length > 0);
  assert.equal((await connection.getEpochInfo()).epoch, 0);
  assert.ok((await connection.getSupply()).value.total > 0);
  assert.equal(await connection.getMinimumBalanceForRentExemption(0), 890_880);
});

test.after(() => setTimeout(() => process.exit(0), 200).unref());
