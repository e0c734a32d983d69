"""Payload logging: every answered row goes to a spool on disk, and from there, in batches, to the Broker."""
