"""A config file for train.py and eval.py: the smallest recipe that still has every part."""

from ml_collections import ConfigDict

from tests.tiny import baseline_config


def get_config() -> ConfigDict:
    """Eight images a step, a picture and a checkpoint now and then."""
    config = baseline_config()
    config.batch_size, config.num_steps, config.log_every = 8, 12, 1
    config.checkpoint_every, config.image_every, config.keep_checkpoints = 5, 10, 2
    config.data.train_length = 24
    return config
