"""Train a tiny BERT on curated texts with the Trainer of transformers: offline, on a CPU, in seconds.

    python examples/transformers_text.py

Made-up questions with a rare class and wrong labels are curated; soft labels, class weights and row weights reach the
loss, and the model's own loss, for which float labels would mean sets of classes, is never computed.
"""

import sys
import tempfile

import numpy as np

import curate

# Before other names of transformers: it makes a torchaudio that does not fit the installed torch harmless.
from curate.feed.trainers import CuratedTrainer  # isort: skip
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast, TrainingArguments

WORDS = {
    "card": "card visa chip pin swipe",
    "rate": "rate euro dollar fee change",
    "loss": "lost stolen gone help block",
}
SHARES = {"card": 0.5, "rate": 0.4, "loss": 0.1}


def table(rows=400, wrong=0.1, seed=0):
    """Questions of three classes, a tenth of the training labels wrong."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(list(SHARES), rows, p=list(SHARES.values()))
    filler = ["the", "my", "a", "is", "what", "how", "please"]
    texts = [
        " ".join([*rng.choice(WORDS[y].split(), 3), *rng.choice(filler, 4)]) + f" {i}" for i, y in enumerate(labels)
    ]
    split = np.where(np.arange(rows) % 5 == 4, "validation", "train")
    flipped = (rng.random(rows) < wrong) & (split == "train")
    labels = np.where(flipped, rng.choice(list(SHARES), rows), labels)
    columns = {"text": texts, "label": labels.tolist(), "split": split.tolist()}
    task = curate.Task(kind="classification", text="text", label="label", split="split", label_names=tuple(SHARES))
    return curate.load(columns, task=task)


def tokenizer():
    """A tokenizer of whole words, made here."""
    words = ["[PAD]", "[UNK]", *(word for text in WORDS.values() for word in text.split())]
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]")


def recall(predicted):
    """Mean recall of the classes."""
    guess, truth = predicted.predictions.argmax(1), predicted.label_ids
    return {"balanced_accuracy": float(np.mean([np.mean(guess[truth == k] == k) for k in np.unique(truth)]))}


def main(folder):
    steps = [curate.steps.ClassWeights(), curate.steps.SmoothLabels(epsilon=0.05)]
    curated = curate.Pipeline(steps).run(table())
    words = tokenizer()
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=32, num_labels=len(curated.label_names),
    )  # fmt: skip
    args = TrainingArguments(
        folder, num_train_epochs=4, per_device_train_batch_size=8, gradient_accumulation_steps=2, learning_rate=3e-3,
        eval_strategy="epoch", save_strategy="no", logging_strategy="epoch", report_to=[], disable_tqdm=True, seed=0,
    )  # fmt: skip
    trainer = CuratedTrainer(
        BertForSequenceClassification(config),
        args,
        curated=curated,
        loss=curated.loss(name="generalised_cross_entropy", q=0.3),
        processing_class=words,
        compute_metrics=recall,
    )
    trainer.train()
    found = trainer.evaluate()
    print(f"loss {found['eval_loss']:.3f}, balanced accuracy {found['eval_balanced_accuracy']:.3f}")
    return found


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(f"usage: python {sys.argv[0]}")
    with tempfile.TemporaryDirectory() as folder:
        main(folder)
