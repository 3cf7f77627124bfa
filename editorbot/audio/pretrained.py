"""Pretrained Demucs models: found on this machine, fetched, or asked for in one sentence.

`demucs.pretrained.get_model` tries the Hugging Face hub first and, offline, goes on trying for 23
seconds. So the folders it would use are looked through before, and the network is asked for only
where something answers. Looking imports neither torch nor Demucs: a wrong name costs no waiting.

The weights of a local folder and of Demucs' own server are pickles, which can run code: they are
loaded only because the user named them.
"""

import importlib.util
import os
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from editorbot.errors import EditorbotError

HUB_PREFIX = "hf://"
HUB_NAMESPACE = "adefossez"
SERVER = "https://dl.fbaipublicfiles.com/demucs/"
ANSWER_WITHIN_S = 1.0
"""How long hub and server, asked at once, may take to accept a connection."""


@dataclass(frozen=True)
class Weights:
    """Where a model's weights are, or may be fetched from."""

    name: str
    place: Literal["folder", "hub", "server"]
    folder: Path | None = None
    cached: bool = True


def find_weights(name: str, repo: str | Path | None = None) -> Weights:
    """Find the pretrained model `name`.

    Args:
        name: As Demucs knows it: a bag (htdemucs), a single signature, or hf://OWNER/NAME.
        repo: A folder with NAME.yaml and the SIG-CHECKSUM.th it lists; None looks in the caches
            of the hub and of torch, then on the network.

    Raises:
        EditorbotError: It is not there and cannot be fetched; says which file to put where.
    """
    if repo is not None:
        return _find_in_folder(name, Path(repo).expanduser())
    may_be_on_hub = _is_hub_name(name)
    if may_be_on_hub and _hub_cached(name):
        return Weights(name, "hub")
    files = _server_files(name)
    if files and not _missing(files, _torch_cache()):
        return Weights(name, "server")
    candidates = {"server": SERVER + files[0].path} if files else {}
    if may_be_on_hub and not os.environ.get("HF_HUB_OFFLINE"):
        candidates["hub"] = _hub_url(name)
    answers = _ask(candidates)
    for place in ("hub", "server"):
        if answers.get(place):
            return Weights(name, place, cached=False)
    raise EditorbotError(_what_to_do(name, files, reached=bool(answers)))


def load_pretrained(weights: Weights):
    """Load what `find_weights` found, fetching it if it must be; returns a Demucs model.

    Raises:
        EditorbotError: The file is damaged, or the download failed.
    """
    from demucs import hf, pretrained, repo

    try:
        if weights.place == "folder":
            return pretrained.get_model(weights.name, repo=weights.folder)
        if weights.place == "hub" and weights.cached:
            return _load_from_hub_cache(weights.name)
        if weights.place == "hub":
            return hf.get_hf_model(weights.name.removeprefix(HUB_PREFIX)).eval()
        urls = pretrained._parse_remote_files(pretrained.REMOTE_ROOT / "files.txt")
        single = repo.RemoteRepo(urls)
        bags = repo.BagOnlyRepo(pretrained.REMOTE_ROOT, single)
        return repo.AnyModelRepo(single, bags).get_model(weights.name).eval()
    # Demucs ends the process where a package that its quantised models need is missing.
    except (Exception, SystemExit) as error:
        place = weights.folder or weights.place
        reason = " ".join(str(error).split()) or type(error).__name__
        raise EditorbotError(
            f"stems.model {weights.name} could not be loaded from {place}: {reason[:200]}"
        ) from error


@dataclass(frozen=True)
class _ServerFile:
    signature: str
    path: str
    """Below SERVER; its last part is the name in torch's cache."""

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


def _find_in_folder(name: str, folder: Path) -> Weights:
    bag = folder / f"{name}.yaml"
    known = {file.signature: file.name for file in _server_files(name)}
    signatures = _signatures(bag) if bag.is_file() else [name]
    present = {path.stem.rsplit("-", 1)[0] for path in folder.glob("*.th")}
    missing = [signature for signature in signatures if signature not in present]
    if not missing:
        return Weights(name, "folder", folder)
    if not bag.is_file() and not known.get(name):
        files = [f"{name}.yaml", *(known.values() or ["the .th files it lists"])]
    else:
        files = [known.get(signature, f"{signature}-CHECKSUM.th") for signature in missing]
    raise EditorbotError(
        f"stems.model {name} is not in the folder of stems.repo: put {_listed(files)} into {folder}"
    )


def _signatures(bag: Path) -> list[str]:
    """The models that a bag's file lists."""
    try:
        return [str(signature) for signature in yaml.safe_load(bag.read_bytes())["models"]]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise EditorbotError(
            f"{bag} lists no models: expected a line such as models: ['955717e8']"
        ) from error


def _what_to_do(name: str, files: list[_ServerFile], *, reached: bool) -> str:
    if name.startswith(HUB_PREFIX):
        return (
            f"stems.model {name} is not in the Hugging Face cache and cannot be fetched: "
            f"put its NAME.yaml and SIG-CHECKSUM.th into a folder, and give name and folder "
            "as stems.model and stems.repo"
        )
    if not files:
        known = ", ".join(sorted(path.stem for path in _remote_folder().glob("*demucs*.yaml")))
        return (
            f"stems.model {name} is neither off, mini nor a pretrained model that can be fetched: "
            f"choose one of {known}, or put {name}.yaml and the .th files it lists into a folder "
            "and name that in stems.repo"
        )
    why = "its server refused" if reached else "the network does not answer"
    names = _listed([file.name for file in _missing(files, _torch_cache())])
    return (
        f"stems.model {name} is not on this machine and cannot be fetched ({why}): "
        f"put {names} into {_torch_cache()}, or set stems.model to mini or off"
    )


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _remote_folder() -> Path:
    """The folder inside Demucs that lists its models."""
    return Path(importlib.util.find_spec("demucs").origin).parent / "remote"


def _server_files(name: str) -> list[_ServerFile]:
    """The files on Demucs' server that the model consists of; none for a name unknown to it."""
    bag = _remote_folder() / f"{name}.yaml"
    signatures = _signatures(bag) if bag.is_file() else [name]
    root, found = "", {}
    for line in (_remote_folder() / "files.txt").read_text().splitlines():
        line = line.strip()
        if line.startswith("root:"):
            root = line.removeprefix("root:").strip()
        elif line and not line.startswith("#"):
            signature = line.split("-", 1)[0]
            found[signature] = _ServerFile(signature, root + line)
    return [found[signature] for signature in signatures if signature in found]


def _missing(files: list[_ServerFile], folder: Path) -> list[_ServerFile]:
    return [file for file in files if not (folder / file.name).is_file()]


def _torch_cache() -> Path:
    """torch.hub.get_dir()'s checkpoints, without importing torch."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))
    return Path(home).expanduser() / "hub" / "checkpoints"


def _hub_repo(name: str) -> tuple[str, str]:
    """Repository and model name on the hub, as `demucs.hf` forms them."""
    namespace, _, base = name.removeprefix(HUB_PREFIX).rpartition("/")
    if base == "htdemucs":
        repository = "HTDemucs"
    elif base.startswith("htdemucs_"):
        repository = "HTDemucs-" + base.removeprefix("htdemucs_")
    else:
        repository = "Demucs-" + base
    return f"{namespace or HUB_NAMESPACE}/{repository}", base


def _is_hub_name(name: str) -> bool:
    """Whether the hub allows such a name at all."""
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    try:
        validate_repo_id(_hub_repo(name)[0])
    except HFValidationError:
        return False
    return True


def _hub_url(name: str) -> str:
    from huggingface_hub import hf_hub_url

    repository, base = _hub_repo(name)
    return hf_hub_url(repository, f"{base}.yaml")


def _hub_cached(name: str) -> dict[str, Path] | None:
    """The bag's file and its weights in the hub's cache, or None if one is not there."""
    from huggingface_hub import try_to_load_from_cache

    repository, base = _hub_repo(name)
    bag = try_to_load_from_cache(repository, f"{base}.yaml")
    if not isinstance(bag, str):
        return None
    files = {"bag": Path(bag)}
    for signature in _signatures(Path(bag)):
        weights = try_to_load_from_cache(repository, f"{signature}.safetensors")
        if not isinstance(weights, str):
            return None
        files[signature] = Path(weights)
    return files


def _load_from_hub_cache(name: str):
    """As `demucs.hf.get_hf_model`, which would ask the hub for news first."""
    from demucs.apply import BagOfModels
    from demucs.hf import load_safetensors_model

    files = _hub_cached(name)
    bag = yaml.safe_load(files["bag"].read_text())
    models = [load_safetensors_model(files[signature]) for signature in bag["models"]]
    return BagOfModels(models, bag.get("weights"), bag.get("segment")).eval()


def _ask(urls: dict[str, str]) -> dict[str, bool]:
    """Which places answer, and whether they have the file; all are asked at once.

    A place that has accepted the connection by then and is only slow counts as having it.
    """
    answers: dict[str, bool] = {}

    def ask(place: str, url: str) -> None:
        try:
            with socket.create_connection(_address(url), timeout=ANSWER_WITHIN_S):
                answers[place] = True
            request = urllib.request.Request(url, method="HEAD")
            urllib.request.urlopen(request, timeout=ANSWER_WITHIN_S).close()
        except TimeoutError:
            return
        except urllib.error.HTTPError:
            answers[place] = False
        except OSError:
            answers.pop(place, None)

    # Daemons, because a name server that is out of reach keeps a thread for many seconds.
    threads = [threading.Thread(target=ask, args=item, daemon=True) for item in urls.items()]
    end = time.monotonic() + ANSWER_WITHIN_S
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return dict(answers)


def _address(url: str) -> tuple[str, int]:
    """Host and port that a request for `url` connects to: the proxy's where there is one."""
    parsed = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(parsed.scheme)
    if proxy and not urllib.request.proxy_bypass(parsed.hostname):
        parsed = urllib.parse.urlsplit(proxy if "//" in proxy else f"//{proxy}")
    return parsed.hostname, parsed.port or (80 if parsed.scheme == "http" else 443)
