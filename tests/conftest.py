"""Settings of every test."""

import os

# The networks here are tiny: compiling them takes far longer than running them. Read when JAX makes its first array.
FAST_COMPILATION = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {FAST_COMPILATION}".strip()
