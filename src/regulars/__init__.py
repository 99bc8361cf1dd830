"""Regulars (熟客): keep your regular customers. See `regulars.daily` for a shop's day in order."""
