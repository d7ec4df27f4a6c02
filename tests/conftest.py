"""Settings of every test."""

import os
from importlib.metadata import version

# The networks here are tiny: compiling them takes far longer than running them. Read when JAX makes its first array.
FAST_COMPILATION = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
# A third less of compilation; jaxlib 0.11 has one kind of emitters left, and refuses flags that it does not know.
if version("jaxlib").startswith("0.10."):
    FAST_COMPILATION += " --xla_cpu_use_fusion_emitters=false"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {FAST_COMPILATION}".strip()
