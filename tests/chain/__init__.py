"""Tests of the chain adapter, and the scripted node they talk to."""
