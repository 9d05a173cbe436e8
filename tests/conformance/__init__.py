"""One suite for every registered venue. A venue is under it once `cases.PROVIDERS` has its states; without them the suite fails."""
