"""Random pools, made, filled and traded on by the venues' own instructions in their real programs.

Written as bytes are only mints, the user's token accounts, and what an administrator alone could make (named where it is done).
Signatures are not checked, so an administrator's instruction runs in the administrator's name. Instructions and account lists
follow the public IDLs and sources named in each file.
"""
