"""dexroute: the self-hosted swap router for Solana."""
