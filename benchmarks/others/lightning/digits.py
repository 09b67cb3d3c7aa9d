# The CNN of pipelines/cnn_gap.yaml as a LightningModule, its data, and the command line that reads digits.yaml.
# ruff: noqa: ARG002 (Lightning calls by these names)
import lightning
import numpy as np
import torch
from lightning.pytorch.cli import LightningCLI
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset


class Digits(lightning.LightningDataModule):
    def __init__(self, path: str, batch_size: int) -> None:
        super().__init__()
        self.path, self.batch_size = path, batch_size

    def setup(self, stage: str) -> None:
        arrays = np.load(self.path)
        mean, deviation = float(arrays["x_train"].mean()), float(arrays["x_train"].std())
        self.parts = {}
        for part in ("train", "validation", "test"):
            images = (arrays[f"x_{part}"].astype("float32") - mean) / deviation
            images = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
            self.parts[part] = TensorDataset(images, torch.from_numpy(arrays[f"y_{part}"]).long())

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.parts["train"], self.batch_size, shuffle=True)

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.parts["validation"], self.batch_size)

    def test_dataloader(self) -> DataLoader:
        return DataLoader(self.parts["test"], self.batch_size)


class Network(lightning.LightningModule):
    def __init__(self, filters: list[int], classes: int, learning_rate: float, weight_decay: float) -> None:
        super().__init__()
        self.save_hyperparameters()
        blocks: list[torch.nn.Module] = []
        for index, (before, after) in enumerate(zip([1, *filters[:-1]], filters, strict=True)):
            blocks += [torch.nn.Conv2d(before, after, 3, padding="same"), torch.nn.BatchNorm2d(after), torch.nn.ReLU()]
            if index < len(filters) - 1:
                blocks.append(torch.nn.MaxPool2d(2))
        self.layers = torch.nn.Sequential(
            *blocks, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(filters[-1], classes)
        )

    def step(self, batch: list[torch.Tensor], part: str) -> torch.Tensor:
        logits = self.layers(batch[0])
        loss = functional.cross_entropy(logits, batch[1])
        accuracy = (logits.argmax(dim=1) == batch[1]).float().mean()
        self.log_dict({f"{part}_loss": loss, f"{part}_accuracy": accuracy}, on_step=False, on_epoch=True)
        return loss

    def training_step(self, batch: list[torch.Tensor]) -> torch.Tensor:
        return self.step(batch, "train")

    def validation_step(self, batch: list[torch.Tensor]) -> None:
        self.step(batch, "validation")

    def test_step(self, batch: list[torch.Tensor]) -> None:
        self.step(batch, "test")

    def configure_optimizers(self) -> dict[str, object]:
        rate, decay = self.hparams["learning_rate"], self.hparams["weight_decay"]
        optimizer = torch.optim.AdamW(self.parameters(), lr=rate, weight_decay=decay)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.05)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


if __name__ == "__main__":
    cli = LightningCLI(Network, Digits, run=False)
    cli.trainer.fit(cli.model, cli.datamodule)
    cli.trainer.test(ckpt_path="best", datamodule=cli.datamodule)
