"""The embedded test set: synthetic speech in synthetic noise, and the generator it came from."""
