"""Random numbers a DLMM pair takes: fees within the program's rules, and shares of a deposit."""

from __future__ import annotations

from random import Random

# A base fee has at most two significant digits of whole basis points, 1 to 1000.
_BASE_FEES_BPS = (*range(1, 100), *range(100, 1_001, 10))


def draw_base_fee(rng: Random, step_bps: int, *, most_bps: int = 1_000) -> tuple[int, int]:
    """(base factor, power of ten) of a whole number of basis points: factor * step * 10^(power + 1) / 10^9."""
    while True:
        power = rng.choice((0, 0, 0, 1, 2))
        fee_bps = rng.choice(_BASE_FEES_BPS)
        factor, rest = divmod(fee_bps * 10_000, step_bps * 10**power)
        if fee_bps <= most_bps and not rest and 0 < factor < 1 << 16:
            return factor, power


def draw_dynamic_fee(rng: Random) -> tuple[int, int, int, int, int]:
    """Filter and decay period, reduction factor, variable fee control, most volatility."""
    filter_period = rng.choice((5, 10, 30))
    decay_period = filter_period + rng.choice((1, 90, 570))
    control = rng.choice((0, 7_500, 40_000, 120_000, rng.randint(0, 2_000_000)))
    return filter_period, decay_period, rng.choice((0, 5_000, rng.randint(1, 9_999))), control, rng.randint(1, 500_000)


def draw_spread(rng: Random, bins: list[int], active: int) -> list[tuple[int, int]]:
    """Shares of X and of Y in ten thousandths for each bin: X from the active bin up, Y from it down."""
    above, below = [at for at in bins if at >= active], [at for at in bins if at <= active]
    # The program wants the whole of both tokens shared out, also of one that is not deposited.
    of_x, of_y = _shares(rng, above or bins[:1]), _shares(rng, below or bins[:1])
    return [(of_x.get(at, 0), of_y.get(at, 0)) for at in bins]


def _shares(rng: Random, bins: list[int]) -> dict[int, int]:
    """Ten thousand ten-thousandths, cut at random."""
    if not bins:
        return {}
    cuts = sorted(rng.randint(0, 10_000) for _ in bins[1:])
    return {at: high - low for at, low, high in zip(bins, [0, *cuts], [*cuts, 10_000], strict=True)}
