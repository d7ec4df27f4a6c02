"""Whole networks that several methods share, built from layers."""
