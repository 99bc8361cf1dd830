"""The occasions that a care rule can have, one file each."""
