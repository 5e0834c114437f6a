"""The object store: immutable nodes named by their hash, and refs, the only thing that moves.

Read `codec` for what an object is, `protocols` for what a store can do, `sqlite` for the store there is (in a
file, or in memory), `leases` for what holds a thread, and `whole` for what is done to a store as a whole.
"""
