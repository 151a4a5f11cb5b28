"""The ancestor's checkpoints: imported, they give the ancestor's own logits and replies."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from django.core.management import CommandError, call_command
from tokenizers import AddedToken, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as HFTokenizer
from torch import Tensor, nn

from inference import checkpoint_io, public
from inference.chat_template import Turn, encode_conversation, fit_prompt
from inference.checkpoints import checkpoint_open
from inference.engine.config import EngineConfig
from inference.engine.detokenizer import Detokenizer
from inference.engine.engine import Engine
from inference.engine.fold import fold
from inference.engine.network import Network
from inference.engine.params import SamplingParams
from inference.models import Checkpoint
from inference.tokenizer import Tokenizer, TokenizerError

SIZES = {"n_embed": 48, "n_layers": 3, "n_head": 4, "block_size": 64}
SPECIALS = ("<|pad|>", "<|eos|>", "<|user|>", "<|assistant|>")
TEXTS = [
    "<|user|> hello there\n<|assistant|> Hi! How are you? <|eos|>",
    "<|user|> I feel sad, é ü 🙂.\n<|assistant|> I am sorry to hear that. <|eos|>",
]


class Head(nn.Module):
    """One head; scores are scaled by the width of the model, not of the head."""

    def __init__(self, n_embed: int, n_head: int, block_size: int) -> None:
        super().__init__()
        size = n_embed // n_head
        self.key = nn.Linear(n_embed, size, bias=False)
        self.query = nn.Linear(n_embed, size, bias=False)
        self.value = nn.Linear(n_embed, size, bias=False)
        self.register_buffer("tril", torch.tril(torch.ones(block_size, block_size)))

    def forward(self, x: Tensor) -> Tensor:
        t, c = x.shape[1:]
        scores = self.query(x) @ self.key(x).transpose(-2, -1) * c**-0.5
        mask = self.get_buffer("tril")[:t, :t] == 0
        out: Tensor = scores.masked_fill(mask, float("-inf")).softmax(-1) @ self.value(x)
        return out


class Attention(nn.Module):
    """The heads side by side, then the same projection twice."""

    def __init__(self, n_embed: int, n_head: int, block_size: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(Head(n_embed, n_head, block_size) for _ in range(n_head))
        self.proj = nn.Linear(n_embed, n_embed)

    def forward(self, x: Tensor) -> Tensor:
        out = self.proj(torch.cat([head(x) for head in self.heads], dim=-1))
        return self.proj(out)  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    def __init__(self, n_embed: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_embed, 4 * n_embed), nn.ReLU(), nn.Linear(4 * n_embed, n_embed)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)  # type: ignore[no-any-return]


class AncestorBlock(nn.Module):
    def __init__(self, n_embed: int, n_head: int, block_size: int) -> None:
        super().__init__()
        self.sa = Attention(n_embed, n_head, block_size)
        self.ffwd = FeedForward(n_embed)
        self.ln1 = nn.LayerNorm(n_embed)
        self.ln2 = nn.LayerNorm(n_embed)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.sa(self.ln1(x))
        return x + self.ffwd(self.ln2(x))  # type: ignore[no-any-return]


class Ancestor(nn.Module):
    """The network as the ancestor computes it; `forward` gives logits (B, T, V)."""

    def __init__(
        self, vocab_size: int, n_embed: int, n_layers: int, n_head: int, block_size: int
    ) -> None:
        super().__init__()
        self.token_embedding_table = nn.Embedding(vocab_size, n_embed)
        self.position_embedding_table = nn.Embedding(block_size, n_embed)
        self.blocks = nn.Sequential(
            *(AncestorBlock(n_embed, n_head, block_size) for _ in range(n_layers))
        )
        self.ln_final = nn.LayerNorm(n_embed)
        self.lm_head = nn.Linear(n_embed, vocab_size)

    def forward(self, ids: Tensor) -> Tensor:
        positions = torch.arange(ids.shape[1])
        x = self.token_embedding_table(ids) + self.position_embedding_table(positions)
        return self.lm_head(self.ln_final(self.blocks(x)))  # type: ignore[no-any-return]


def ancestor_tokenizer(*, add_prefix_space: bool = False) -> HFTokenizer:
    """A GPT-2 tokenizer learned anew, its special tokens added afterwards."""
    hf = HFTokenizer(models.BPE(continuing_subword_prefix="", end_of_word_suffix=""))
    hf.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    hf.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    hf.train_from_iterator(TEXTS * 3, trainer)
    hf.add_special_tokens(list(SPECIALS))
    return hf


def build_ancestor(folder: Path, *, add_prefix_space: bool = False) -> Ancestor:
    """Write `checkpoint.pth` and `tokenizer/` with random weights; gives the network."""
    torch.manual_seed(5)
    hf = ancestor_tokenizer(add_prefix_space=add_prefix_space)
    # What a trainer that cut and padded its rows leaves in the file.
    hf.enable_truncation(8)
    hf.enable_padding(length=8, pad_token="<|pad|>")
    (folder / "tokenizer").mkdir(parents=True)
    hf.save(str(folder / "tokenizer" / "tokenizer.json"))
    (folder / "tokenizer" / "special_tokens_map.json").write_text('{"eos_token": "<|eos|>"}')
    model = Ancestor(hf.get_vocab_size(), **SIZES).eval()
    with torch.no_grad():
        # Start values give nearly flat attention and no biases worth a test.
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
    content = {"model_state_dict": model.state_dict(), **SIZES, "dropout": 0.1}
    torch.save(content, folder / "checkpoint.pth")
    return model


@pytest.fixture
def folder(tmp_path: Path, ancestor: tuple[Path, Ancestor]) -> Path:
    """An ancestor's folder that a test may damage."""
    return Path(shutil.copytree(ancestor[0], tmp_path / "slm-1"))


@pytest.fixture(scope="module")
def ancestor(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ancestor]:
    path = tmp_path_factory.mktemp("ancestor") / "slm-1"
    return path, build_ancestor(path)


@pytest.fixture(autouse=True)
def models_dir(tmp_path: Path, settings: Any) -> Path:
    settings.MODELS_DIR = tmp_path / "models"
    return tmp_path / "models"


def imported(folder: Path, *options: str) -> checkpoint_io.Checkpoint:
    call_command("load_checkpoint", "--from-slm", str(folder), *options)
    checkpoint = Checkpoint.objects.order_by("-loaded_at").first()
    assert checkpoint is not None
    return checkpoint_open(checkpoint)


@pytest.mark.django_db
def test_import_gives_the_ancestors_logits(
    folder: Path, ancestor: tuple[Path, Ancestor], models_dir: Path
) -> None:
    checkpoint = imported(folder)
    assert checkpoint.folder == models_dir / "slm-1"
    assert {p.name for p in checkpoint.folder.iterdir()} == {
        "config.json", "model.safetensors", "tokenizer.json", "manifest.json", "README.md",
    }  # fmt: skip
    assert checkpoint.manifest["dtype"] == "float32"
    model = checkpoint_io.load_model(checkpoint)
    ids = torch.randint(0, checkpoint.config.vocab_size, (4, SIZES["block_size"]))
    with torch.inference_mode():
        expected, got = ancestor[1](ids), model.head(model(ids))
    assert expected.std() > 0.5  # else anything would agree
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=0)


@pytest.mark.django_db
@pytest.mark.parametrize("add_prefix_space", [False, True])
def test_import_keeps_the_ancestors_template(tmp_path: Path, *, add_prefix_space: bool) -> None:
    build_ancestor(tmp_path / "a", add_prefix_space=add_prefix_space)
    tokenizer = imported(tmp_path / "a").tokenizer()
    turns = [
        Turn("user", "  hello there, I feel sad. How are you?"),
        Turn("assistant", "Hi! 🙂"),
        Turn("user", "é"),
    ]
    plain = ancestor_tokenizer(add_prefix_space=add_prefix_space)
    text = (
        "<|user|> hello there, I feel sad. How are you?\n<|assistant|> Hi! 🙂 <|eos|>"
        "<|user|> é\n<|assistant|>"
    )
    assert fit_prompt(tokenizer, turns, 999).token_ids == plain.encode(text).ids
    ids, mask = encode_conversation(tokenizer, turns[:2])
    assert tokenizer.decode([i for i, is_written in zip(ids, mask, strict=True) if is_written]) == (
        " Hi! 🙂 "
    )


@pytest.mark.django_db
def test_import_serves_the_ancestors_own_reply(
    folder: Path, ancestor: tuple[Path, Ancestor]
) -> None:
    """Greedy decoding through the web's format and the worker's engine, against the network."""
    checkpoint = imported(folder)
    chat_format = public.active_chat_format()
    assert chat_format is not None
    prompt = chat_format.fit([Turn("user", "hello there")], 30)
    engine = Engine(
        Network(fold(checkpoint_io.load_model(checkpoint))), checkpoint.tokenizer(), EngineConfig(1)
    )
    engine.submit("1", prompt.token_ids, SamplingParams(temperature=0, min_tokens=0, max_tokens=30))
    outputs = []
    while not engine.is_idle:
        outputs += engine.step()
    plain = ancestor_tokenizer()
    ids = plain.encode("<|user|> hello there\n<|assistant|>").ids
    start, end = len(ids), plain.token_to_id("<|eos|>")
    with torch.inference_mode():
        while len(ids) < start + 30:
            logits = ancestor[1](torch.tensor([ids]))[0, -1]
            logits[engine._banned] = float("-inf")
            if (token := int(logits.argmax())) == end:
                break
            ids.append(token)
    assert len(ids) > start + 5
    assert [token for output in outputs for token in output.token_ids] == ids[start:]
    text = "".join(output.text for output in outputs)
    assert text == plain.decode(ids[start:]).lstrip(" ")
    assert plain.token_to_id("<|pad|>") in engine._banned


def test_detokenizer_leaves_out_the_templates_blank() -> None:
    for pieces in ([b" Hi", b" there "], [b" ", b"", b" Hi", b" there "], [b"Hi there "]):
        detokenizer = Detokenizer(pieces, lead=" ")
        shown = [detokenizer.push(i) for i in range(len(pieces))] + [detokenizer.flush()]
        assert "".join(shown) == "Hi there "


@pytest.mark.django_db
def test_import_options(folder: Path, models_dir: Path) -> None:
    imported(folder)
    imported(folder, "--name", "second", "--keep-active")
    imported(folder, "--name", "third", "--no-activate")
    assert Checkpoint.objects.get(is_active=True).name == "slm-1"
    assert sorted(Checkpoint.objects.values_list("path", flat=True)) == ["second", "slm-1", "third"]
    before = (models_dir / "slm-1" / "manifest.json").read_bytes()
    with pytest.raises(CommandError, match=r"^exists"):
        call_command("load_checkpoint", "--from-slm", str(folder))
    for name in ("../up", "a/b", ".hidden", "x" * 81):
        with pytest.raises(CommandError, match=r"^bad_name"):
            call_command("load_checkpoint", "--from-slm", str(folder), "--name", name)
    for wrong in ([], ["slm-1", "--from-slm", str(folder)], ["slm-1", "--name", "x"]):
        with pytest.raises(CommandError, match=r"^give either"):
            call_command("load_checkpoint", *wrong)
    assert (models_dir / "slm-1" / "manifest.json").read_bytes() == before
    assert {p.name for p in models_dir.iterdir()} == {"slm-1", "second", "third"}


@pytest.mark.django_db
def test_import_tolerates_missing_masks_and_shared_half_precision_weights(folder: Path) -> None:
    content = torch.load(folder / "checkpoint.pth", weights_only=True)
    state = {k: v.half() for k, v in content["model_state_dict"].items() if "tril" not in k}
    state["lm_head.weight"] = state["token_embedding_table.weight"]
    torch.save(content | {"model_state_dict": state}, folder / "checkpoint.pth")
    weights = checkpoint_io.load_model(imported(folder)).state_dict()
    assert torch.equal(weights["head.weight"], state["lm_head.weight"].float())


class Payload:
    """Runs a command when it is unpickled without care."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.file),)


def change(edit: Callable[[dict[str, Any], dict[str, Tensor]], object]) -> Callable[[Path], None]:
    """Damage that edits the file's dict and its state dict."""

    def damage(folder: Path) -> None:
        content = torch.load(folder / "checkpoint.pth", weights_only=True)
        edit(content, content["model_state_dict"])
        torch.save(content, folder / "checkpoint.pth")

    return damage


def retokenize(edit: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Damage that edits tokenizer.json."""

    def damage(folder: Path) -> None:
        path = folder / "tokenizer" / "tokenizer.json"
        content = json.loads(path.read_text())
        edit(content)
        path.write_text(json.dumps(content))

    return damage


def with_an_object(folder: Path) -> None:
    content = torch.load(folder / "checkpoint.pth", weights_only=True)
    torch.save(content | {"dropout": Payload(folder / "ran")}, folder / "checkpoint.pth")


def cut_in_half(folder: Path) -> None:
    raw = (folder / "checkpoint.pth").read_bytes()
    (folder / "checkpoint.pth").write_bytes(raw[: len(raw) // 2])


def without_special(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        hf = ancestor_tokenizer()
        content = json.loads(hf.to_str())
        for token in content["added_tokens"]:
            token["content"] = token["content"].replace(name, "<|other|>")
        (folder / "tokenizer" / "tokenizer.json").write_text(json.dumps(content))

    return damage


def not_special(content: dict[str, Any]) -> None:
    for token in content["added_tokens"]:
        token["special"] = False


def swallows_blanks(content: dict[str, Any]) -> None:
    content["added_tokens"][-1]["rstrip"] = True


def with_metaspace(content: dict[str, Any]) -> None:
    content["pre_tokenizer"] = json.loads(pre_tokenizers.Metaspace().__getstate__())


HEAD0, BIAS = "blocks.0.sa.heads.0.", "ln_final.bias"
BAD: list[tuple[str, Callable[[Path], object]]] = [
    ("missing_file", lambda f: (f / "checkpoint.pth").unlink()),
    ("missing_file", lambda f: shutil.rmtree(f / "tokenizer")),
    ("pickle_refused", with_an_object),
    ("pickle_refused", lambda f: (f / "checkpoint.pth").write_bytes(b"no pickle at all")),
    ("bad_weights", cut_in_half),
    ("bad_weights", lambda f: torch.save([1, 2], f / "checkpoint.pth")),
    ("bad_weights", change(lambda c, _: c.update(model_state_dict=[1]))),
    ("bad_weights", change(lambda _, s: s.update({"lm_head.bias": 3}))),  # type: ignore[dict-item]
    ("bad_weights", change(lambda _, s: s["lm_head.bias"].fill_(float("nan")))),
    ("bad_weights", change(lambda _, s: s.update({"lm_head.bias": s["lm_head.bias"].long()}))),
    ("bad_weights", change(lambda _, s: s.update({BIAS: s[BIAS].to_sparse()}))),
    ("bad_weights", change(lambda _, s: s[HEAD0 + "tril"].fill_(1))),
    ("bad_config", change(lambda c, _: c.pop("n_head"))),
    ("bad_config", change(lambda c, _: c.update(optimizer={}))),
    ("bad_config", change(lambda c, _: c.update(dropout="0.1"))),
    ("bad_config", change(lambda c, _: c.update(n_head=5))),
    ("bad_config", change(lambda c, _: c.update(block_size=2**40))),
    ("wrong_shape", change(lambda c, _: c.update(n_layers=2))),
    ("wrong_shape", change(lambda c, _: c.update(n_head=2))),
    ("wrong_shape", change(lambda _, s: s.pop("ln_final.bias"))),
    ("wrong_shape", change(lambda _, s: s.update({HEAD0 + "key.bias": torch.zeros(12)}))),
    ("wrong_shape", change(lambda _, s: s.update({"lm_head.bias": s["lm_head.bias"][:-1]}))),
    ("wrong_shape", change(lambda _, s: s.update({HEAD0 + "tril": torch.ones(3, 3).tril()}))),
    ("wrong_shape", change(lambda _, s: s.pop("token_embedding_table.weight"))),
    ("wrong_shape", retokenize(lambda t: t["added_tokens"].append(
        {**t["added_tokens"][-1], "id": 334, "content": "<|more|>"}))),
    ("bad_tokenizer", lambda f: (f / "tokenizer" / "tokenizer.json").write_text("{}")),
    ("bad_tokenizer", without_special("<|eos|>")),
    ("bad_tokenizer", without_special("<|user|>")),
    ("bad_tokenizer", without_special("<|assistant|>")),
    ("bad_tokenizer", retokenize(not_special)),
    ("bad_tokenizer", retokenize(swallows_blanks)),
    ("bad_tokenizer", retokenize(with_metaspace)),
    ("bad_tokenizer", retokenize(lambda t: t["model"].update(end_of_word_suffix="</w>"))),
    ("bad_tokenizer", retokenize(lambda t: t.update(decoder=None))),
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("code", "damage"), BAD)
def test_import_refuses(
    folder: Path, models_dir: Path, code: str, damage: Callable[[Path], object]
) -> None:
    damage(folder)
    with pytest.raises(CommandError, match=f"^{code}: "):
        call_command("load_checkpoint", "--from-slm", str(folder))
    assert not models_dir.exists()
    assert not Checkpoint.objects.exists()
    assert not (folder / "ran").exists()


def test_tokenizer_other_special_tokens_have_no_text_and_cannot_be_typed() -> None:
    tokenizer = Tokenizer(ancestor_tokenizer())
    pad = ancestor_tokenizer().token_to_id("<|pad|>")
    assert pad is not None
    assert tokenizer.token_bytes[pad] == b""
    ids = tokenizer.encode("<|pad|><|eos|><|endoftext|>")
    assert not {pad, tokenizer.end_id} & set(ids)
    assert tokenizer.decode(ids) == "<|pad|><|eos|><|endoftext|>"


def test_tokenizer_prefers_our_end_mark() -> None:
    hf = ancestor_tokenizer()
    hf.add_special_tokens([AddedToken("<|end|>", special=True)])
    tokenizer = Tokenizer(hf)
    assert tokenizer.template.name == "eugpt"
    assert tokenizer.end_id == hf.token_to_id("<|end|>")


def test_tokenizer_refuses_letters_that_stand_for_no_byte() -> None:
    hf = HFTokenizer(models.BPE(vocab={"a": 0, "▁": 1}, merges=[]))
    hf.pre_tokenizer, hf.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    hf.add_special_tokens(list(SPECIALS))
    with pytest.raises(TokenizerError, match="byte-level letters"):
        Tokenizer(hf)
