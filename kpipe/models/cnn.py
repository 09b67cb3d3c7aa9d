"""CNN: a convolutional network for images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from kpipe.errors import WrongInput
from kpipe.feature_map import Padding
from kpipe.models.architecture import MOMENTUM, RELU, Activation, Architecture, Count, Fraction
from kpipe.models.augmentation import Augmentation
from kpipe.models.block import Block, Pooling, check_depthwise, check_side
from kpipe.models.ends import Scaling, close_output, open_input, scale, to_float
from kpipe.signature import Feature, Kind, Signature, Task
from kpipe.spec.mistake import Problem
from kpipe.spec.spec import Tuple, refuse

if TYPE_CHECKING:
    import keras

Side = Annotated[int, Field(ge=1, le=1024)]
Normalization = Literal["batch", "layer", "instance", "group", "none"]


class CNN(Architecture):
    """A convolutional network: blocks of convolutions and pooling, then a global average or dense layers.

    Each block is one or more of convolution -> normalization -> activation, an optional residual connection around
    them, spatial dropout and a pooling. A side of a feature map becomes
    ``(input + 2 padding - kernel) / stride + 1``; the one that shrinks to nothing is refused before building.
    A scalar holds for every block, a list gives one value per block; ``filters: [[32, 64], 128]`` has two
    convolutions in its first block.

    Shapes:
        (batch, height, width, channels) -> (batch, num_classes | num_labels | num_values)

    Raises:
        WrongInput: a feature map shrinks to nothing; the input cannot become RGB.

    Example:
        model: {type: cnn, filters: [32, 64, 128], normalization: batch, head: global_average_pooling}

    Reference:
        Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, 1998, Gradient-based learning applied to document recognition.
        M. Lin, Q. Chen and S. Yan, 2014, Network in network (global average pooling).
        K. He, X. Zhang, S. Ren and J. Sun, 2016, Deep residual learning for image recognition.
    """

    pairs: ClassVar[Mapping[Kind, frozenset[Task]]] = {"image": frozenset({"classes", "labels", "values"})}

    type: Literal["cnn"] = "cnn"
    resize: tuple[Side, Side] | None = Field(
        None, strict=False, description="[height, width] in pixels to resize images to, bilinear"
    )
    channels: Literal["as_is", "rgb"] = Field("as_is", description="rgb: repeats a gray channel three times")
    scaling: Scaling = Field(
        "standardize", description="of raw values: standardize: (x - mean) / deviation of train; rescale: x / 255"
    )
    augmentation: Augmentation | None = Field(None, description="random changes to images, in training only")
    filters: Tuple[Count | Tuple[Count]] = Field(
        (32, 64, 128), min_length=1, description="output channels of each block's convolution, or convolutions"
    )
    kernel_size: Side | Tuple[Side] = Field(3, description="side of the kernels in pixels, one or per block")
    strides: Side | Tuple[Side] = Field(1, description="step of each block's first convolution in pixels")
    padding: Padding | Tuple[Padding] = Field("same", description="same: zeros around keep the size; valid: none")
    dilation_rate: Side | Tuple[Side] = Field(1, description="distance between a kernel's samples in pixels")
    convolution: Literal["standard", "separable", "depthwise"] = Field(
        "standard",
        description="separable: depthwise, then 1x1; depthwise: each channel alone, filters are its multiples",
    )
    activation: Activation = Field(RELU, description="a Keras activation: relu, gelu, silu, tanh, sigmoid ...")
    normalization: Normalization = Field("batch", description="after each convolution, before its activation")
    groups: Count = Field(8, description="groups of channels for `normalization: group`")
    residual: bool = Field(False, description="adds a block's input to its output, through 1x1 where shapes differ")
    pooling: Pooling | Tuple[Pooling] = Field("max", description="at the end of each block")
    pool_size: Side | Tuple[Side] = Field(2, description="side and step of the pooling in pixels")
    spatial_dropout: Fraction = Field(0.0, description="fraction of channels dropped after each block, [0, 1)")
    head: Literal["global_average_pooling", "flatten"] = Field(
        "global_average_pooling", description="how feature maps become a vector"
    )
    dense: Tuple[Count] = Field((), description="units of dense layers between the head and the output")
    dropout: Fraction = Field(0.0, description="fraction dropped before each dense layer and the output, [0, 1)")
    weight_decay: float = Field(0.0, ge=0, le=1, description="adds this times the squares of all kernels to the loss")

    @model_validator(mode="after")
    def _fields_agree(self) -> CNN:
        problems = list(self._disagreements())
        if problems:
            raise refuse(*problems)
        return self

    def _disagreements(self) -> Iterator[Problem]:
        count, wrong_length = len(self.filters), False
        for field in ("kernel_size", "strides", "padding", "dilation_rate", "pooling", "pool_size"):
            value = getattr(self, field)
            if isinstance(value, tuple) and len(value) != count:
                wrong_length = True
                yield Problem((field,), f"{len(value)} values for {count} blocks", "give one value, or one per block")
        for index, filters in enumerate(self.filters):
            if filters == ():
                yield Problem(("filters", index), "a block without convolutions", "give at least one number")
        if wrong_length:
            return
        for block in self.blocks():
            if block.strides > 1 and block.dilation_rate > 1:
                hint = "use one of them in a block"
                yield Problem(("dilation_rate",), f"block {block.number} has strides and dilation above 1", hint)
            if self.residual and block.padding == "valid" and block.kernel_size > 1:
                yield Problem(("residual",), f"block {block.number} shrinks its input", "set `padding: same`")
            for filters in block.filters if self.normalization == "group" else ():
                if filters % self.groups:
                    hint = "choose groups that divide every number of filters"
                    yield Problem(("groups",), f"{filters} filters do not divide into {self.groups} groups", hint)

    def blocks(self) -> tuple[Block, ...]:
        """The blocks, each with its own values."""

        def at(value: Any, index: int) -> Any:
            return value[index] if isinstance(value, tuple) else value

        return tuple(
            Block(
                number=index + 1,
                filters=filters if isinstance(filters, tuple) else (filters,),
                kernel_size=at(self.kernel_size, index),
                strides=at(self.strides, index),
                padding=at(self.padding, index),
                dilation_rate=at(self.dilation_rate, index),
                pooling=at(self.pooling, index),
                pool_size=at(self.pool_size, index),
            )
            for index, filters in enumerate(self.filters)
        )

    def check(self, signature: Signature) -> None:
        """Refuses feature maps that shrink to nothing and channels that do not fit, before anything is built."""
        super().check(signature)
        height, width, channels = signature.input.sides
        if self.channels == "rgb" and channels not in (1, 3):
            raise WrongInput(
                f"model.channels: images of {channels} channels cannot become rgb", "set `channels: as_is`"
            )
        for side, size in zip(("height", "width"), self.resize or (height, width), strict=True):
            check_side(side, size, self.blocks())
        if self.convolution == "depthwise":
            check_depthwise(3 if self.channels == "rgb" else channels, self.blocks())

    def build(self, signature: Signature) -> keras.Model:
        feature = signature.input
        self.check(signature)
        import keras

        inputs = open_input(feature)
        x = self._prepare(inputs, feature)
        for block in self.blocks():
            x = self._block(x, block)
        if self.head == "flatten":
            x = keras.layers.Flatten(name="flatten")(x)
        else:
            x = keras.layers.GlobalAveragePooling2D(name="global_average_pooling")(x)
        for index, units in enumerate(self.dense, start=1):
            x = self._dropout(x, f"dropout{index}")
            x = keras.layers.Dense(units, kernel_regularizer=self._penalty(), name=f"dense{index}")(x)
            x = keras.layers.Activation(self.activation.build(), name=f"dense{index}_activation")(x)
        x = self._dropout(x, f"dropout{len(self.dense) + 1}")
        return keras.Model(inputs, close_output(x, signature.target, self._penalty()), name="cnn")

    def _prepare(self, x: Any, feature: Feature) -> Any:
        import keras

        if self.resize or self.augmentation:
            x = to_float(x)
        if self.resize:
            dtype = keras.config.dtype_policy().variable_dtype
            x = keras.layers.Resizing(*self.resize, dtype=dtype, name="resize")(x)
        if self.augmentation:
            x = self.augmentation.move(x)
        x = scale(x, feature, self.scaling)
        if self.augmentation:
            x = self.augmentation.colour(x, feature, self.scaling)
        if self.channels == "rgb" and feature.shape[-1] == 1:
            x = keras.layers.Concatenate(name="rgb")([x, x, x])
        return x

    def _block(self, x: Any, block: Block) -> Any:
        import keras

        shortcut = x
        for number, filters in enumerate(block.filters, start=1):
            strides = block.strides if number == 1 else 1
            x = self._convolve(x, filters, strides, block, f"{block.name}_conv{number}")
            x = self._normalize(x, f"{block.name}_norm{number}")
            if self.residual and number == len(block.filters):
                if shortcut.shape != x.shape:
                    name, penalty = f"{block.name}_shortcut", self._penalty()
                    project = keras.layers.Conv2D(filters, 1, block.strides, kernel_regularizer=penalty, name=name)
                    shortcut = self._normalize(project(shortcut), f"{name}_norm")
                x = keras.layers.Add(name=f"{block.name}_add")([x, shortcut])
            x = keras.layers.Activation(self.activation.build(), name=f"{block.name}_activation{number}")(x)
        if block.pooling != "none":
            pool = keras.layers.MaxPooling2D if block.pooling == "max" else keras.layers.AveragePooling2D
            x = pool(block.pool_size, name=f"{block.name}_pool")(x)
        if self.spatial_dropout:
            x = keras.layers.SpatialDropout2D(self.spatial_dropout, name=f"{block.name}_dropout")(x)
        return x

    def _convolve(self, x: Any, filters: int, strides: int, block: Block, name: str) -> Any:
        import keras

        shape: dict[str, Any] = {
            "kernel_size": block.kernel_size,
            "strides": strides,
            "padding": block.padding,
            "dilation_rate": block.dilation_rate,
            "name": name,
        }
        penalty = self._penalty()
        if self.convolution == "standard":
            return keras.layers.Conv2D(filters, kernel_regularizer=penalty, **shape)(x)
        if self.convolution == "depthwise":
            multiplier = filters // x.shape[-1]
            return keras.layers.DepthwiseConv2D(depth_multiplier=multiplier, depthwise_regularizer=penalty, **shape)(x)
        return keras.layers.SeparableConv2D(
            filters, depthwise_regularizer=penalty, pointwise_regularizer=penalty, **shape
        )(x)

    def _normalize(self, x: Any, name: str) -> Any:
        import keras

        if self.normalization == "none":
            return x
        if self.normalization == "batch":
            return keras.layers.BatchNormalization(momentum=MOMENTUM, name=name)(x)
        groups = {"layer": 1, "instance": -1, "group": self.groups}[self.normalization]
        return keras.layers.GroupNormalization(groups, name=name)(x)

    def _dropout(self, x: Any, name: str) -> Any:
        import keras

        return keras.layers.Dropout(self.dropout, name=name)(x) if self.dropout else x

    def _penalty(self) -> Any:
        import keras

        return keras.regularizers.L2(self.weight_decay) if self.weight_decay else None
