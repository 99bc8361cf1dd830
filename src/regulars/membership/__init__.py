"""5  Membership: who is a member, what she holds, how she came by it, and what it costs the shop."""
