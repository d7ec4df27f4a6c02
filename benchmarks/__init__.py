"""Timings side by side. They import the library; nothing of the library imports them."""
