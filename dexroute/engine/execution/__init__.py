"""Execution: an order becomes one landed transaction, or provably none.

Read in this order: `builder` (what routing and planning owe us), `executor` (the loop over states), `preparation` (until a
message is built), `signing` (intent, signature, commit), `settlement` (what the truth makes of an order) over `landing` (send
and look), `confirmation` and `death` (the two proofs); `recovery` (start-up), `claim` (the right to write), `fills` and
`network_fee` (what the chain did), `receipt` (as people read it), `intake` (as callers ask it), `failpoints` (where tests kill
the process).
"""
