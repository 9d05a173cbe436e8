"""Routing, planning and execution: against brute force, the SVM, a simulated chain, and real kills."""
