"""What cleaning costs: ours inside the tokenizer against AraBERT's own before a stock one."""

from arabert.preprocess import ArabertPreprocessor
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from benchmarks.pairs import compare
from hadath import read_articles
from hadath.cleaning import with_arabert_cleaning


def main() -> None:
    """Print the ratio."""
    texts = [article.text for article in read_articles("data/authored/train.jsonl")]
    stock = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    stock.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    stock.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    stock.train_from_iterator(
        texts, trainers.WordPieceTrainer(vocab_size=8000, special_tokens=special)
    )
    plain = PreTrainedTokenizerFast(
        tokenizer_object=stock, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]",
    )  # fmt: skip
    ours = with_arabert_cleaning(plain)
    theirs = ArabertPreprocessor("bert-base-arabertv02")
    compare(
        f"{len(texts)} articles: AraBERT's cleaning, then the tokenizer / both in one",
        lambda: [ours(text) for text in texts],
        lambda: [plain(theirs.preprocess(text)) for text in texts],
    )


if __name__ == "__main__":
    main()
