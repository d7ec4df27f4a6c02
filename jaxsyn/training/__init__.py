"""Training: state, step, sharding, checkpoints, loop, telemetry. Knows `Method`, and no method by name."""
