# The command `ludwig`, beside PyTorch's build for CPUs: torchvision's own operators are for CUDA and cannot be loaded,
# and torchvision is not imported unless these two are there. They are never called here.
import torch

if torch.version.cuda is None:
    for operator in ("nms", "qnms"):
        torch.library.define(f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from ludwig.cli import main

main()
