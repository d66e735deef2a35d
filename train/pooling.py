"""One more encoder layer that starts as the mean of all tokens, so that a stock head reads it.

Encoders trained for retrieval (E5 and its like) put a text's meaning into the mean of its tokens;
transformers' own classification heads read the first token alone. It does not train anything.
"""

import torch
from transformers import PreTrainedModel
from transformers.models.bert.modeling_bert import BertEncoder, BertLayer

from hadath.errors import HadathError


def add_pooling_layer(network: PreTrainedModel) -> None:
    """Append a layer after which every token is LayerNorm(token + mean over tokens), in place.

    Queries of zero attend alike to all tokens that are not padding; values and output are the
    identity and the feed-forward part adds nothing. All of it can be learnt from there. Raises
    HadathError where the encoder is not built of BERT's layers.
    """
    encoder = getattr(network.base_model, "encoder", None)
    config = network.config
    if not isinstance(encoder, BertEncoder):
        raise HadathError(
            f"mean_pooling: {type(network).__name__} is not built of BERT's layers; set it to false"
        )
    layer = BertLayer(config, layer_idx=config.num_hidden_layers)
    layer.apply(network._init_weights)
    attention = layer.attention
    with torch.no_grad():
        torch.nn.init.zeros_(attention.self.query.weight)
        torch.nn.init.eye_(attention.self.value.weight)
        torch.nn.init.eye_(attention.output.dense.weight)
        torch.nn.init.zeros_(layer.output.dense.weight)
    encoder.layer.append(layer.to(next(network.parameters()).dtype).train(network.training))
    config.num_hidden_layers += 1
