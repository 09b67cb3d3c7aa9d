# The CNN of pipelines/cnn_gap.yaml as near as AutoKeras's blocks come, in a search of one trial.
import autokeras as ak
import numpy as np

data = np.load("digits.npz")
inputs = ak.ImageInput()
x = ak.Normalization()(inputs)
for filters, pooled in ((32, True), (64, True), (128, False)):
    x = ak.ConvBlock(3, 1, 1, filters, max_pooling=pooled, separable=False, dropout=0.0)(x)
x = ak.SpatialReduction(reduction_type="global_avg")(x)
outputs = ak.ClassificationHead(dropout=0.0)(x)
model = ak.AutoModel(inputs, outputs, max_trials=1, overwrite=True, seed=0)
model.fit(
    data["x_train"],
    data["y_train"],
    batch_size=64,
    epochs=15,
    validation_data=(data["x_validation"], data["y_validation"]),
    verbose=2,
)
print("test accuracy", model.evaluate(data["x_test"], data["y_test"], verbose=0)[1])
