"""A protocol that embeds swaps: dexroute finds the route and gives the instructions, the protocol builds and signs its own
transaction around them.

Here the "protocol" pays a fee to its treasury and swaps, in one transaction that does both or neither. The quote's limit is
inside the swap instructions, so the chain enforces it whoever sends them.

    python examples/embed_instructions.py
"""

from __future__ import annotations

import asyncio

from _playground import playground
from solders.compute_budget import set_compute_unit_limit
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from dexroute import Dex

PROTOCOL_FEE_LAMPORTS = 10_000_000


async def swap_with_fee(dex: Dex, user: Keypair, treasury: Keypair) -> list[Instruction]:
    """The protocol's instruction list: its own fee first, then the swap."""
    quote = await dex.quote("SOL", "USDC", "1", swappable=True, slippage_bps=50)
    swap = await dex.instructions(quote, user=user.pubkey())
    fee = transfer(TransferParams(from_pubkey=user.pubkey(), to_pubkey=treasury.pubkey(), lamports=PROTOCOL_FEE_LAMPORTS))
    return [set_compute_unit_limit(200_000), fee, *swap]


async def main() -> None:
    async with playground() as dex:
        user, treasury = Keypair(), Keypair()
        await dex.faucet().airdrop(user.pubkey(), 5_000_000_000)
        instructions = await swap_with_fee(dex, user, treasury)

        # From here on it is the protocol's own transaction and its own key: dexroute is not asked any more.
        client = dex.connection.client
        lifetime = await client.latest_blockhash()
        message = MessageV0.try_compile(user.pubkey(), instructions, [], lifetime.blockhash)
        transaction = VersionedTransaction(message, [user])
        print(f"{len(instructions)} instructions in {len(bytes(transaction))} bytes, simulated first:")
        simulated = await client.simulate(bytes(transaction))
        print(f"  {simulated.units_consumed} compute units, error: {simulated.error}")
        await client.send(bytes(transaction))
        status = None
        while status is None or status.commitment == "processed":
            _, (status,) = await client.signature_statuses([transaction.signatures[0]], search_history=False)
            await asyncio.sleep(0.1)
        usdc = await dex.token("USDC")
        held = await dex.balances(user.pubkey())
        paid = await dex.balances(treasury.pubkey())
        print(f"landed in slot {status.slot}, error: {status.error}")
        print(f"user holds {held.amount_of(usdc.mint)} base units of USDC, treasury {paid.lamports} lamports")


if __name__ == "__main__":
    asyncio.run(main())
