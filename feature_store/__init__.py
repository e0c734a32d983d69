"""The data contract: a folder a loop (source, schema, Feast definitions, transforms) and what loops share."""
