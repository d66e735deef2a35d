"""Compact storage of weights: 7-bit integers in blocks of 32, in compressed-tensors' open format.

It does not know which models are stored so, nor where (models.py). Reading needs no code of ours:
stock `AutoModel*.from_pretrained` expands the integers to floats.

Why 7 bits and 32: two models of 31.3 M weights must fit in 64 MB with their tokenizers, and
transformers expands one scheme a model. 8 bits with a scale for each row are too big; 7 bits with a
scale for each 32 entries err no more, because an outlier coarsens its block and not its row. And a
matrix that comes from a Q4_0 file and was frozen since is kept exactly: its levels are among ours.
"""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

BITS = 7
BLOCK = 32
_FORMAT = "pack-quantized"


def compact_state(network: PreTrainedModel) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """(tensors to store, the `quantization_config` of config.json that tells how to expand them).

    The encoder's linear layers and its word embeddings are packed; the task's head and all that
    is small stay float16.
    """
    # Imported here: it takes a second, and reading a float model does not need it.
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationScheme

    settings = _quantization_config(network)
    compressor = BaseCompressor.get_value_from_registry(_FORMAT)
    scheme = QuantizationScheme.model_validate(settings["config_groups"]["group_0"])
    packed = _packed_modules(network)
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in network.state_dict().items():
        module = name.removesuffix(".weight")
        if module in packed:
            weight = tensor.detach().float().cpu()
            local = {"weight": weight, "weight_scale": block_scales(weight)}
            for key, value in compressor.compress(local, scheme).items():
                tensors[f"{module}.{key}"] = value.contiguous()
        elif tensor.is_floating_point():
            tensors[name] = tensor.detach().half().cpu().contiguous()
        else:
            tensors[name] = tensor.detach().cpu().contiguous()
    return tensors, settings


def block_scales(weight: torch.Tensor) -> torch.Tensor:
    """(row, block) float16 scales. `weight`: (row, column).

    Each block's entry farthest from zero falls on the lowest integer, whatever its sign, as in
    Q4_0: hence a scale may be negative, and the levels of Q4_0 are kept.
    """
    blocks = weight.float().unflatten(1, (-1, BLOCK))
    farthest = blocks.gather(2, blocks.abs().argmax(dim=2, keepdim=True)).squeeze(2)
    scales = (farthest / -(1 << (BITS - 1))).half()
    # A block of zeros (or of what float16 takes for zero) needs some scale to divide by.
    return torch.where(scales == 0, torch.ones_like(scales), scales)


def _packed_modules(network: PreTrainedModel) -> frozenset[str]:
    encoder = f"{network.base_model_prefix}."
    words = network.get_input_embeddings()
    return frozenset(
        name
        for name, module in network.named_modules()
        if (module is words or (isinstance(module, nn.Linear) and name.startswith(encoder)))
        and module.weight.shape[1] % BLOCK == 0
    )


def _quantization_config(network: PreTrainedModel) -> dict[str, Any]:
    packed = _packed_modules(network)
    kept = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.Embedding) and name not in packed
    ]
    weights = {
        "num_bits": BITS, "type": "int", "symmetric": True, "dynamic": False,
        "strategy": "group", "group_size": BLOCK,
    }  # fmt: skip
    group = {"targets": ["Linear", "Embedding"], "weights": weights, "format": _FORMAT}
    return {
        "quant_method": "compressed-tensors",
        "format": _FORMAT,
        "quantization_status": "compressed",
        "dequantize": True,  # to floats at load: the precision of the sums is the caller's choice
        "config_groups": {"group_0": group},
        "ignore": kept,
    }
