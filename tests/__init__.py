"""Tests. Only packages that others import (such as tests.vectors) have an __init__ of their own."""
