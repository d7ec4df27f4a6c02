"""The keys that every config has."""

from ml_collections import ConfigDict

from jaxsyn.data.config import default_data_config


def default_config() -> ConfigDict:
    """Defaults of everything that is no method's business; a file in `configs/` adds `method`, `model` and `loss`."""
    config = ConfigDict()
    config.seed = 0
    config.batch_size = 8  # global: over all devices and processes
    config.num_steps = 1000
    config.log_every = 10
    config.checkpoint_every = 500
    config.image_every = 250
    config.eval_every = 0  # steps between evaluations while training; 0: only by eval.py
    config.keep_checkpoints = 2
    config.profile_at = 0  # step from which on three are traced into WORKDIR/profile; 0: none
    # Recipes in stages, all in one workdir: their names in order, and which is trained. Each goes on from the newest
    # step of those before it with their parameters, where name and shape agree, and a new optimiser.
    config.stages = ()
    config.stage = ""
    config.compute_dtype = "float32"  # or bfloat16; parameters and statistics stay float32
    # How SPADE's layers convolve label maps: for their distinct neighbourhoods alone where that pays (auto) or always
    # (sparse), or all over (dense). Results are the same.
    config.modulation = "auto"
    config.remat = False  # recompute a block's activations in the backward pass instead of storing them

    # Devices along each axis: data (batch), space (image height), fsdp (batch, parameters and optimiser state).
    # -1: all devices that the other axes leave.
    config.mesh = ConfigDict({"data": -1, "space": 1, "fsdp": 1})

    config.data = default_data_config()

    config.optimizer = ConfigDict()
    config.optimizer.b1 = 0.0
    config.optimizer.b2 = 0.9
    config.optimizer.epsilon = 1e-8
    config.optimizer.learning_rate = ConfigDict()  # network -> rate
    config.optimizer.decay_start = 0  # step from which rates fall linearly to zero
    config.optimizer.decay_steps = 0  # steps that this takes; 0: rates are constant
    config.optimizer.decay_every = 0  # steps after each of which rates are multiplied by decay_factor; 0: never
    config.optimizer.decay_factor = 0.5
    config.optimizer.weight_decay = 0.0  # L2: this share of every parameter is added to its gradient (not AdamW)
    config.optimizer.clip = 0.0  # largest global gradient norm of a phase; 0: gradients stay as they are
    config.optimizer.phase_clips = ConfigDict()  # phase -> its own largest norm, instead of clip
    config.optimizer.accumulate = 1  # slices of the batch whose gradients are averaged into one update

    # Moving average of parameters, for the networks named: decay 0 keeps none.
    config.ema = ConfigDict({"decay": 0.0, "networks": ("generator",)})

    config.eval = ConfigDict()
    config.eval.batch_size = 8  # latents are drawn by batch, so they depend on it
    config.eval.num_images = 200  # at most
    config.eval.metrics = ()  # names of jaxsyn.evaluation.measures.METRICS; (): all that apply
    # Images of one input. More than one also measures their diversity; all other metrics take the first.
    config.eval.samples_per_input = 1
    config.eval.reference = "val"  # FID, KID, precision, recall: against the evaluated images, or all of "train"
    config.eval.class_pairs = 19  # pairs of images a class in class_diversity
    config.eval.seed = 0  # of latents: of the first sample of an input, the next one has the next seed
    config.eval.inception_protocol = "pytorch_fid"  # how images reach Inception; see jaxsyn.evaluation.inception
    config.eval.download = False  # fetch missing weights whose SHA-256 is known
    config.eval.use_ema = True  # where there is a moving average
    return config
