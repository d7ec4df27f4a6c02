"""How good, how diverse and how faithful synthesised images are, measured as the papers measure."""
