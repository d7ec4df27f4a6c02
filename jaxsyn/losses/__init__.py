"""Objectives: pure functions of arrays, and of a feature network where one is handed to them."""
