"""Meteora DAMM v2: one price range per pool, or a compounding product pool, with scheduled and dynamic fees (program cpamd...)."""
