"""What goes on under a training method: batches, losses, seeds, checkpoints, signals. These modules import Keras."""
