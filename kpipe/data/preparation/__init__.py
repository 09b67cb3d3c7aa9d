"""What is learned on train and stored with the model, so that raw input is prepared as in training."""
