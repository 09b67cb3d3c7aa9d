# The CNN of pipelines/cnn_gap.yaml as a person writes it with Keras.
import keras
import numpy as np
from keras import layers

EPOCHS, BATCH_SIZE = 15, 64

keras.utils.set_random_seed(0)
data = np.load("digits.npz")
steps = EPOCHS * -(-len(data["x_train"]) // BATCH_SIZE)
warmup = round(0.05 * steps)

normalization = layers.Normalization(axis=-1)
normalization.adapt(data["x_train"])
model = keras.Sequential([keras.Input((8, 8, 1)), normalization])
for filters, pooled in ((32, True), (64, True), (128, False)):
    model.add(layers.Conv2D(filters, 3, padding="same"))
    model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.Activation("relu"))
    if pooled:
        model.add(layers.MaxPooling2D())
model.add(layers.GlobalAveragePooling2D())
model.add(layers.Dense(10))

schedule = keras.optimizers.schedules.CosineDecay(0.0, steps - warmup, warmup_target=3e-3, warmup_steps=warmup)
model.compile(
    optimizer=keras.optimizers.AdamW(schedule, weight_decay=1e-4),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
best = keras.callbacks.EarlyStopping("val_loss", patience=EPOCHS, restore_best_weights=True)
model.fit(
    data["x_train"],
    data["y_train"],
    batch_size=BATCH_SIZE,
    epochs=EPOCHS,
    validation_data=(data["x_validation"], data["y_validation"]),
    callbacks=[best],
    verbose=2,
)
print("test accuracy", model.evaluate(data["x_test"], data["y_test"], verbose=0)[1])
